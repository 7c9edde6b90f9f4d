"""Slices that propagation is not to reach, as the user marks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from SAMSegmentLib.geometry import Orientation

    from .work import Work


class Stops:
    """The check box 'End before the slice in view'; each segment and orientation has stops of its own."""

    def __init__(self, box: Any, work: Work) -> None:
        self._box = box
        self._work = work
        self._stops: dict[tuple[str, Orientation], set[int]] = {}
        box.connect("clicked(bool)", self._set)
        work.bound.connect(self._stops.clear)

    def of(self, orientation: Orientation) -> tuple[int, ...]:
        """The stops of the selected segment, ascending; a slice that has become a key slice since is none any more."""
        segment = self._work.segment
        stops = self._stops.get((self._work.segment_id, orientation), set())
        return tuple(sorted(stops - set(segment.key_masks(orientation)))) if segment else ()

    def refresh(self, orientation: Orientation) -> None:
        """Show whether the slice in view is a stop; a key slice, or one of another orientation, cannot be."""
        segment, viewed = self._work.segment, self._work.viewed
        fits = segment is not None and viewed is not None and viewed[0] is orientation
        self._box.enabled = fits and viewed[1] not in segment.key_masks(orientation)
        self._box.checked = fits and viewed[1] in self.of(orientation)

    def sentence(self, orientation: Orientation) -> str:
        """Which slices are not reached, "" when there are none."""
        stops = ", ".join(str(index) for index in self.of(orientation))
        return _("It ends before: {slices}.").format(slices=stops) if stops else ""

    def _set(self, is_stop: bool) -> None:
        orientation, index = self._work.viewed
        stops = self._stops.setdefault((self._work.segment_id, orientation), set())
        (stops.add if is_stop else stops.discard)(index)
        self._work.note_change()
