"""How far propagation has come, and how much of it is from before a key slice was changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.segmentstate import SegmentState


@dataclass(frozen=True)
class _Result:
    """What the last propagation of a segment along an orientation has left.

    :param made: the slices that were there because of propagation.
    """

    text: str
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
        self._results[segment_id, orientation] = _Result(text, frozenset(_propagated(segment, orientation)))

    def show_result(self, segment_id: str, segment: SegmentState | None, orientation: Orientation) -> None:
        """Show what the last propagation made, or what of it is to be made again."""
        count = len(segment.outdated(orientation)) if segment else 0
        if count == 1:
            self._show(_("Propagate again: 1 slice is from before a change"), 0, 1)
        elif count:
            self._show(_("Propagate again: {count} slices are from before a change").format(count=count), 0, 1)
        elif segment is None or not self._is_there(segment_id, segment, orientation):
            self._show(_("Not propagated"), 0, 1)
        else:
            self._show(self._results[segment_id, orientation].text, 1, 1)

    def _is_there(self, segment_id: str, segment: SegmentState, orientation: Orientation) -> bool:
        """Whether what the last propagation made was not undone."""
        result = self._results.get((segment_id, orientation))
        keys = set(segment.key_masks(orientation))
        return result is not None and not result.made - _propagated(segment, orientation) - keys

    def _show(self, text: str, value: int, maximum: int) -> None:
        self._bar.maximum = maximum
        self._bar.value = value
        self._bar.format = text


def _propagated(segment: SegmentState, orientation: Orientation) -> set[int]:
    made = {key[1] for key, mask in segment.masks.items() if key[0] is orientation and mask.is_propagated}
    return made.difference(segment.outdated(orientation))
