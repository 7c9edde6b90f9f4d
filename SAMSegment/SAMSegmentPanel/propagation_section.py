"""Section 'Propagate through volume': from key slices to the whole structure."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import Orientation, anatomical_axes, slice_count

if TYPE_CHECKING:
    from concurrent.futures import Future

    from SAMSegmentLib.propagation import PropagatedSlice

    from .views import SliceViews
    from .work import Work

_ORIENTATIONS = tuple(Orientation)  # in the order of the combo box
_BOTH_WAYS, _UPWARDS, _DOWNWARDS = range(3)  # likewise; up is towards higher slice numbers

# The RAS axis across the slices of an orientation, and what lies at its low and its high end.
_ENDS = {
    Orientation.AXIAL: (2, "feet", "head"),
    Orientation.SAGITTAL: (0, "left", "right"),
    Orientation.CORONAL: (1, "back", "front"),
}


class PropagationSection:
    """Starts, shows and cancels one propagation at a time."""

    def __init__(self, ui: Any, work: Work, views: SliceViews) -> None:
        self.ui = ui
        self._work = work
        self._views = views
        self._running: Future | None = None
        self._reached: set[int] = set()
        self._range_of: tuple[Any, Orientation] | None = None
        self.ui.orientationComboBox.connect("activated(int)", lambda _number: self._work.note_change())
        self.ui.propagateButton.connect("clicked()", self.propagate)
        self.ui.cancelPropagationButton.connect("clicked()", self.cancel)
        work.bound.connect(self.cancel)

    @property
    def orientation(self) -> Orientation:
        """Of the slices that are followed."""
        return _ORIENTATIONS[self.ui.orientationComboBox.currentIndex]

    def propagate(self) -> None:
        """Carry the selected segment through the volume."""
        if self._work.segment is None or self._running:
            return
        session = self._work.scene_session
        self._reached.clear()
        future = self._work.attempt(session.propagate, self._work.segment_id, self._chosen(), on_slice=self._show_slice)
        if future is not None:
            self._running = future
            self._show_progress(_("Starting"))
            future.add_done_callback(self._end)

    def cancel(self) -> None:
        """Stop; what was made stays."""
        if self._running:
            self._running.cancel()

    def refresh(self) -> None:
        """Show from where and how far it can go."""
        segment = self._work.segment
        self._follow_prompts()
        keys = sorted(segment.key_masks(self.orientation)) if segment else []
        self.ui.keySlicesLabel.text = self._key_slices_text(keys)
        self.ui.propagateButton.enabled = bool(keys) and not self._running
        self.ui.cancelPropagationButton.enabled = self._running is not None
        for widget in (self.ui.orientationComboBox, self.ui.directionComboBox, self.ui.rangeWidget):
            widget.enabled = segment is not None
        self._show_range()

    # --- inside

    def _chosen(self) -> Propagation:
        orientation, direction = self.orientation, self.ui.directionComboBox.currentIndex
        first, last = int(self.ui.rangeWidget.minimumValue), int(self.ui.rangeWidget.maximumValue)
        keys = sorted(self._work.segment.key_masks(orientation))
        if keys and direction == _UPWARDS:
            first = max(first, keys[0])
        if keys and direction == _DOWNWARDS:
            last = min(last, keys[-1])
        is_solid = self.ui.solidCheckBox.checked
        return Propagation(
            orientation,
            first,
            last,
            smooth=self.ui.smoothCheckBox.checked,
            connected=is_solid,
            fill_holes=is_solid,
        )

    def _follow_prompts(self) -> None:
        """Choose the orientation of the slice in view, or any other with prompts, when the chosen one has none."""
        segment = self._work.segment
        if segment is None or segment.key_masks(self.orientation):
            return
        viewed = (self._work.viewed[0],) if self._work.viewed else ()
        for orientation in (*viewed, *_ORIENTATIONS):
            if segment.key_masks(orientation):
                self.ui.orientationComboBox.currentIndex = _ORIENTATIONS.index(orientation)
                return

    def _key_slices_text(self, keys: list[int]) -> str:
        if self._work.segment is None:
            return _("Choose a volume and a segment first.")
        if not keys:
            return _("Give prompts in one or more slices first; slices from top to bottom make it better.")
        text = _("{name}: from {orientation} slices {slices}.")
        return text.format(
            name=self._work.segment.name,
            orientation=_(self.orientation.value),
            slices=", ".join(str(key) for key in keys),
        )

    def _show_range(self) -> None:
        """The slices of the volume in this orientation; a range that the user chose stays."""
        session = self._work.scene_session
        if session is None or (session.volume, self.orientation) == self._range_of:
            return
        self._range_of = session.volume, self.orientation
        last = slice_count(session.volume, self.orientation) - 1
        self.ui.rangeWidget.setRange(0, last)
        self.ui.rangeWidget.setValues(0, last)
        axis, low, high = _ENDS[self.orientation]
        if anatomical_axes(session.volume.ijk_to_ras)[axis][1] < 0:
            low, high = high, low
        for number, end in ((_UPWARDS, high), (_DOWNWARDS, low)):
            text = _("Only towards the {end}").format(end=_(end))
            self.ui.directionComboBox.setItemText(number, text)

    def _show_slice(self, reached: PropagatedSlice) -> None:
        self._reached.add(reached.plane.index)
        self._show_progress(_("{count} slices made").format(count=len(self._reached)))
        if self.ui.followCheckBox.checked:
            self._views.show((reached.plane.orientation, reached.plane.index))

    def _show_progress(self, text: str) -> None:
        session = self._work.scene_session
        span = int(self.ui.rangeWidget.maximumValue) - int(self.ui.rangeWidget.minimumValue) + 1
        self.ui.propagationProgressBar.maximum = max(1, span if session else 1)
        self.ui.propagationProgressBar.value = min(len(self._reached), span)
        self.ui.propagationProgressBar.format = text

    def _end(self, done: Future) -> None:
        self._running = None
        count = len(self._reached)
        try:
            done.result()
        except CancelledError:
            text = _("Cancelled; {count} slices kept")
        except SAMSegmentError:  # the work watches the future, too, and says why
            text = _("Failed after {count} slices")
        else:
            self.ui.propagationProgressBar.value = self.ui.propagationProgressBar.maximum
            text = _("Done: {count} slices made") if count else _("Nothing was missing")
        self.ui.propagationProgressBar.format = text.format(count=count)
        self._work.note_change()
