"""What the scene keeps of a segment's slices beside their voxels, so that a session can go on where another ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..geometry import slice_plane
from ..segmentstate import SliceMask
from .composition import composed_slice
from .tags import ACCEPTED, CANDIDATES, CONFIDENCES, PROPAGATED, set_slices

if TYPE_CHECKING:
    import slicer

    from ..segmentstate import SegmentState, SliceKey
    from ..volume import Volume


class SliceNotes:
    """Writes which slices are accepted, propagated, or another candidate than the best.

    :param node: the segmentation of the volume.
    """

    def __init__(self, volume: Volume, node: slicer.vtkMRMLSegmentationNode) -> None:
        self._volume = volume
        self._node = node
        self._written: dict[str, SegmentState] = {}

    def write(self, segment_id: str, state: SegmentState) -> None:
        """Bring the notes on a segment up to its state; those that wait are written by :meth:`write_propagated`."""
        if self._written.get(segment_id) is state:
            return
        self._written[segment_id] = state
        accepted = {key: 0 for key, mask in state.masks.items() if mask.is_accepted}
        candidates = {key: item.candidate for key, item in state.prompts.items() if item.candidate is not None}
        self._set(segment_id, ACCEPTED, accepted)
        self._set(segment_id, CANDIDATES, candidates)
        # Of slices that others cross it takes too long for every click.
        if not state.is_propagating and not _crosses(state):
            self.write_propagated(segment_id, state)

    def write_propagated(self, segment_id: str, state: SegmentState) -> None:
        """Note what propagation has made until now."""
        masks = {key: mask for key, mask in state.masks.items() if mask.is_propagated}
        crosses = _crosses(state)
        # The checksums tell whether the slices are still what was made of them when the scene is loaded.
        checksums = {key: self._composed(state, key) if crosses else mask.checksum for key, mask in masks.items()}
        percents = {key: round(100 * mask.confidence) for key, mask in masks.items() if mask.confidence is not None}
        self._set(segment_id, PROPAGATED, checksums)
        self._set(segment_id, CONFIDENCES, percents)

    def remove(self, segment_id: str) -> None:
        """The segment is gone."""
        self._written.pop(segment_id, None)
        for what in (ACCEPTED, CANDIDATES, PROPAGATED, CONFIDENCES):
            self._set(segment_id, what, {})

    def _composed(self, state: SegmentState, key: SliceKey) -> int:
        """The checksum of what is in the scene there, slices of other orientations included."""
        return SliceMask.given(composed_slice(self._volume, state.masks, slice_plane(self._volume, *key))).checksum

    def _set(self, segment_id: str, what: str, numbers: dict[SliceKey, int]) -> None:
        # In an order that does not change by itself, so that the same is not written again.
        set_slices(self._node, segment_id, what, {key: numbers[key] for key in sorted(numbers, key=_place)})


def _crosses(state: SegmentState) -> bool:
    """Whether there are slices of several orientations."""
    return len({key[0] for key in state.masks}) > 1


def _place(key: SliceKey) -> tuple[str, int]:
    return key[0].value, key[1]
