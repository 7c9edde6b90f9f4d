"""How far propagation has come, and what of it has to be made anew after key slices were changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.segmentstate import SegmentState, SliceMask


@dataclass(frozen=True)
class _Result:
    """What the last propagation of a segment along an orientation has left.

    :param key_masks: of the slices that it went from.
    :param made: the slices that were there because of propagation.
    """

    text: str
    key_masks: Mapping[int, SliceMask | None]
    made: frozenset[int]


class PropagationProgress:
    """The progress bar: of the propagation that runs, else of the last one of the segment that is selected."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._results: dict[tuple[str, Orientation], _Result] = {}

    def forget(self) -> None:
        """Another volume or segmentation is worked on."""
        self._results.clear()

    def show_running(self, text: str, made: int, most: int) -> None:
        """Show a propagation that runs.

        :param most: slices that it may reach.
        """
        self._show(text, min(made, most), max(1, most))

    def keep(self, segment_id: str, segment: SegmentState, orientation: Orientation, text: str) -> None:
        """A propagation has ended."""
        self._results[segment_id, orientation] = _Result(
            text, segment.key_masks(orientation), frozenset(_propagated(segment, orientation))
        )

    def show_result(self, segment_id: str, segment: SegmentState | None, orientation: Orientation) -> None:
        """Show what the last propagation made, or what is gone of it."""
        result = self._results.get((segment_id, orientation))
        if segment is None or result is None:
            self._show(_("Not propagated"), 0, 1)
            return
        key_masks = segment.key_masks(orientation)
        lost = result.made - _propagated(segment, orientation) - set(key_masks)
        if not lost:
            self._show(result.text, 1, 1)
        elif key_masks == result.key_masks:  # it was undone
            self._show(_("Not propagated"), 0, 1)
        elif len(lost) == 1:
            self._show(_("Propagate again: 1 slice is to be made anew"), 0, 1)
        else:
            self._show(_("Propagate again: {count} slices are to be made anew").format(count=len(lost)), 0, 1)

    def _show(self, text: str, value: int, maximum: int) -> None:
        self._bar.maximum = maximum
        self._bar.value = value
        self._bar.format = text


def _propagated(segment: SegmentState, orientation: Orientation) -> set[int]:
    return {key[1] for key, mask in segment.masks.items() if key[0] is orientation and mask.is_propagated}
