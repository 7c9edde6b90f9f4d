"""What the scene keeps of a segment's slices beside their voxels, so that a session can go on where another ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..geometry import Orientation, slice_plane
from ..segmentstate import SliceMask
from .composition import composed_slice
from .tags import ACCEPTED, CANDIDATES, CONFIDENCES, PROPAGATED, set_slices

if TYPE_CHECKING:
    from collections.abc import Callable

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
        """Bring the notes on a segment up to its state; of a propagation that goes on nothing is noted yet."""
        if self._written.get(segment_id) is state:
            return
        self._written[segment_id] = state
        candidates = {key: item.candidate for key, item in state.prompts.items() if item.candidate is not None}
        self._set(segment_id, ACCEPTED, _numbers(state, lambda mask: 0 if mask.is_accepted else None))
        self._set(segment_id, CANDIDATES, candidates)
        if not state.is_propagating:
            self.write_propagated(segment_id, state)

    def write_propagated(self, segment_id: str, state: SegmentState) -> None:
        """Note what propagation has made until now."""
        # The checksums tell whether the slices are still what was made of them when the scene is loaded.
        checksums = {key: self._checksum(state, key) for key in _numbers(state, _zero_if_propagated)}
        self._set(segment_id, PROPAGATED, checksums)
        self._set(segment_id, CONFIDENCES, _numbers(state, _percent))

    def remove(self, segment_id: str) -> None:
        """The segment is gone."""
        self._written.pop(segment_id, None)
        for what in (ACCEPTED, CANDIDATES, PROPAGATED, CONFIDENCES):
            self._set(segment_id, what, {})

    def _checksum(self, state: SegmentState, key: SliceKey) -> int:
        if all(other[0] is key[0] for other in state.masks):
            return state.masks[key].checksum
        # What is in the scene there, slices of other orientations included.
        return SliceMask.given(composed_slice(self._volume, state.masks, slice_plane(self._volume, *key))).checksum

    def _set(self, segment_id: str, what: str, numbers: dict[SliceKey, int]) -> None:
        set_slices(self._node, segment_id, what, numbers)


def _zero_if_propagated(mask: SliceMask) -> int | None:
    return 0 if mask.is_propagated else None


def _percent(mask: SliceMask) -> int | None:
    return None if mask.confidence is None or not mask.is_propagated else round(100 * mask.confidence)


def _numbers(state: SegmentState, number: Callable[[SliceMask], int | None]) -> dict[SliceKey, int]:
    """The slices that have a number, in an order that does not change by itself."""
    found = {key: number(mask) for key, mask in state.masks.items()}
    ordered = sorted(found.items(), key=lambda item: (list(Orientation).index(item[0][0]), item[0][1]))
    return {key: value for key, value in ordered if value is not None}
