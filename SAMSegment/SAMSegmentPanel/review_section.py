"""Looking through what propagation made: the plot, the slices worth a look, and their acceptance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from SAMSegmentLib.geometry import slice_count

from .confidence_plot import bars, draw, legend
from .views import no_view_sentence

if TYPE_CHECKING:
    from SAMSegmentLib.segmentstate import SliceMask

    from .propagation_section import PropagationSection
    from .views import SliceViews
    from .work import Work

_PLOT_HEIGHT = 70
_LEAST_WIDTH = 100


class ReviewSection:
    """Shows how sure propagation was, and locks slices."""

    def __init__(self, ui: Any, work: Work, views: SliceViews, propagation: PropagationSection) -> None:
        self.ui = ui
        self._work = work
        self._views = views
        self._propagation = propagation
        self._plotted: tuple[Any, ...] | None = None
        self.ui.confidenceLegendLabel.text = legend()
        self.ui.nextDoubtfulButton.connect("clicked()", self.next_doubtful)
        self.ui.acceptSliceButton.connect("clicked(bool)", self._set_accepted)
        self.ui.acceptCorrectionButton.connect("clicked()", self.accept)

    def next_doubtful(self) -> None:
        """Show the propagated slice that most needs a look, then the one that does so next."""
        if self._work.segment is None:
            return
        session = self._work.scene_session
        doubtful = session.session.doubtful_slices(self._work.segment.name, self._propagation.orientation)
        keys = [(score.orientation, score.index) for score in doubtful]
        if not keys:
            self._work.tell(_("No slice is in doubt: nothing was propagated in this orientation, or all is accepted."))
            return
        number = keys.index(self._work.viewed) + 1 if self._work.viewed in keys else 0
        key = keys[number % len(keys)]
        if not self._views.show(key):
            self._work.tell(no_view_sentence(key))

    def toggle_accepted(self) -> None:
        """Accept the slice in view, or release it."""
        mask = self._viewed_mask()
        self._set_accepted(not (mask and mask.is_accepted))

    def accept(self) -> None:
        """Accept the slice in view as it is, hand corrections included."""
        self._set_accepted(True)

    def refresh(self) -> None:
        """Show the plot and what is known of the slice in view."""
        mask = self._viewed_mask()
        has_slice = self._work.segment is not None and self._work.viewed is not None
        self.ui.acceptSliceButton.enabled = has_slice
        self.ui.acceptCorrectionButton.enabled = has_slice
        self.ui.acceptSliceButton.checked = bool(mask and mask.is_accepted)
        self.ui.acceptSliceButton.text = _("Release slice") if mask and mask.is_accepted else _("Accept slice")
        self.ui.nextDoubtfulButton.enabled = self._work.segment is not None
        self.ui.sliceStateLabel.text = self._slice_text(mask)
        self._plot()

    def _viewed_mask(self) -> SliceMask | None:
        segment = self._work.segment
        return segment.masks.get(self._work.viewed) if segment and self._work.viewed else None

    def _set_accepted(self, is_accepted: bool) -> None:
        session, segment_id, key = self._work.scene_session, self._work.segment_id, self._work.viewed
        if session and segment_id and key:
            self._work.attempt(session.accept_slice if is_accepted else session.release_slice, segment_id, key)

    def _slice_text(self, mask: SliceMask | None) -> str:
        if self._work.viewed is None:
            return _("No slice is shown.")
        orientation, index = self._work.viewed
        text = _("{orientation} {index}: {what}")
        return text.format(orientation=_(orientation.value.capitalize()), index=index, what=_what(mask))

    def _plot(self) -> None:
        session, segment = self._work.scene_session, self._work.segment
        orientation = self._propagation.orientation
        scores = session.session.scores(segment.name) if segment else []
        shown = bars([score for score in scores if score.orientation is orientation])
        viewed = self._work.viewed
        marker = viewed[1] if viewed and viewed[0] is orientation else None
        count = slice_count(session.volume, orientation) if session else 1
        width = max(_LEAST_WIDTH, self.ui.confidencePlotLabel.width)
        plot = shown, marker, (width, _PLOT_HEIGHT), count
        if plot != self._plotted:
            self._plotted = plot
            self.ui.confidencePlotLabel.setPixmap(draw(*plot))


def _what(mask: SliceMask | None) -> str:
    if mask is None:
        return _("nothing of this segment.")
    if mask.is_accepted:
        return _("accepted, so nothing changes it.")
    if mask.confidence is not None:
        return _("propagated, confidence {confidence:.0%}.").format(confidence=mask.confidence)
    if mask.predicted_iou is not None:
        score = max(0.0, min(mask.predicted_iou, 1.0))
        return _("from prompts, the model's own estimate {score:.0%}.").format(score=score)
    return _("drawn by hand.")
