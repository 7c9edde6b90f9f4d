"""What the scene keeps of a segment's slices beside their voxels, so that a session can go on where another ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..geometry import Orientation
from .tags import ACCEPTED, CANDIDATES, CONFIDENCES, PROPAGATED, set_slices

if TYPE_CHECKING:
    from collections.abc import Callable

    import slicer

    from ..segmentstate import SegmentState, SliceKey, SliceMask


class SliceNotes:
    """Writes which slices are accepted, propagated, or another candidate than the best.

    :param node: the segmentation.
    """

    def __init__(self, node: slicer.vtkMRMLSegmentationNode) -> None:
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
            # The checksum tells whether the slice is still what propagation made when the scene is loaded.
            checksums = _numbers(state, lambda mask: mask.checksum if mask.is_propagated else None)
            self._set(segment_id, PROPAGATED, checksums)
            self._set(segment_id, CONFIDENCES, _numbers(state, _percent))

    def remove(self, segment_id: str) -> None:
        """The segment is gone."""
        self._written.pop(segment_id, None)
        for what in (ACCEPTED, CANDIDATES, PROPAGATED, CONFIDENCES):
            self._set(segment_id, what, {})

    def _set(self, segment_id: str, what: str, numbers: dict[SliceKey, int]) -> None:
        set_slices(self._node, segment_id, what, numbers)


def _percent(mask: SliceMask) -> int | None:
    return None if mask.confidence is None or not mask.is_propagated else round(100 * mask.confidence)


def _numbers(state: SegmentState, number: Callable[[SliceMask], int | None]) -> dict[SliceKey, int]:
    """The slices that have a number, in an order that does not change by itself."""
    found = {key: number(mask) for key, mask in state.masks.items()}
    ordered = sorted(found.items(), key=lambda item: (list(Orientation).index(item[0][0]), item[0][1]))
    return {key: value for key, value in ordered if value is not None}
