"""Section 'Propagate through volume': from key slices to the whole structure."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import Orientation, anatomical_axes, slice_count

from .propagation_progress import PropagationProgress
from .stops import Stops

if TYPE_CHECKING:
    from concurrent.futures import Future

    from SAMSegmentLib.mrml.scenesession import SceneSession
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
        self._segment_id = ""  # that is propagated
        self._progress = PropagationProgress(self.ui.propagationProgressBar)
        self._stops = Stops(self.ui.stopCheckBox, work)
        self._reached: set[int] = set()
        self._range_of: tuple[Any, Orientation] | None = None
        self.ui.orientationComboBox.connect("activated(int)", lambda _number: self._work.note_change())
        self.ui.propagateButton.connect("clicked()", self.propagate)
        self.ui.cancelPropagationButton.connect("clicked()", self.cancel)
        work.bound.connect(self._start_anew)

    @property
    def orientation(self) -> Orientation:
        """Of the slices that are followed."""
        return _ORIENTATIONS[self.ui.orientationComboBox.currentIndex]

    def propagate(self) -> None:
        """Carry the selected segment through the volume."""
        if self._work.segment is None or self._running:
            return
        session, segment_id, chosen = self._work.scene_session, self._work.segment_id, self._chosen()
        self._reached.clear()
        future = self._work.attempt(session.propagate, segment_id, chosen, on_slice=self._show_slice)
        if future is not None:
            self._running, self._segment_id = future, segment_id
            self._show_progress(_("Starting"))
            future.add_done_callback(lambda done: self._end(done, session, segment_id, chosen.orientation))

    def cancel(self) -> None:
        """Stop; what was made stays."""
        if self._running:
            self._running.cancel()

    def refresh(self) -> None:
        """Show from where and how far it can go."""
        segment = self._work.segment
        self._cancel_without_segment()
        self._follow_prompts()
        keys = sorted(segment.key_masks(self.orientation)) if segment else []
        self.ui.keySlicesLabel.text = self._key_slices_text(keys)
        self.ui.propagateButton.enabled = bool(keys) and not self._running
        self.ui.cancelPropagationButton.enabled = self._running is not None
        for widget in (self.ui.orientationComboBox, self.ui.directionComboBox, self.ui.rangeWidget):
            widget.enabled = segment is not None
        self._show_range()
        self._stops.refresh(self.orientation)
        if not self._running:
            self._progress.show_result(self._work.segment_id, segment, self.orientation)

    # --- inside

    def _start_anew(self) -> None:
        self.cancel()
        self._progress.forget()

    def _cancel_without_segment(self) -> None:
        session = self._work.scene_session
        if self._running and session and self._segment_id not in session.segment_ids:
            self.cancel()

    def _chosen(self) -> Propagation:
        orientation, direction = self.orientation, self.ui.directionComboBox.currentIndex
        first, last = int(self.ui.rangeWidget.minimumValue), int(self.ui.rangeWidget.maximumValue)
        keys = sorted(self._work.segment.key_masks(orientation))
        if keys and direction == _UPWARDS:
            first = max(first, keys[0])
        if keys and direction == _DOWNWARDS:
            last = min(last, keys[-1])
        return Propagation(
            orientation,
            first,
            last,
            stops=self._stops.of(orientation),
            smooth=self.ui.smoothCheckBox.checked,
            connected=self.ui.connectedCheckBox.checked,
            fill_holes=self.ui.fillHolesCheckBox.checked,
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
        if len(keys) == 1:
            text = _("{name} is carried from {orientation} slice {slices}.")
        else:
            text = _("{name} is carried from {orientation} slices {slices}.")
        sentence = text.format(
            name=self._work.segment.name,
            orientation=_(self.orientation.value),
            slices=", ".join(str(key) for key in keys),
        )
        return " ".join((sentence, self._stops.sentence(self.orientation))).rstrip()

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
        span = int(self.ui.rangeWidget.maximumValue) - int(self.ui.rangeWidget.minimumValue) + 1
        self._progress.show_running(text, len(self._reached), span)

    def _end(self, done: Future, session: SceneSession, segment_id: str, orientation: Orientation) -> None:
        self._running = None
        count = len(self._reached)
        try:
            done.result()
        except CancelledError:
            text = _("Cancelled; {count} slices kept")
        except SAMSegmentError:  # the work watches the future, too, and says why
            text = _("Failed after {count} slices")
        else:
            text = _("Done: {count} slices made") if count else _("Nothing was missing")
        if session is self._work.scene_session and session.is_open and segment_id in session.segment_ids:
            segment = session.session.state(session.name_of(segment_id))
            self._progress.keep(segment_id, segment, orientation, text.format(count=count))
        self._work.note_change()
