"""Looking through what propagation made: the plot of confidence, and the slices that are worth a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import slice_count
from SAMSegmentLib.slicescores import DOUBTFUL_BELOW

from .confidence_plot import ConfidencePlot, is_doubtful
from .messages import told
from .state import ReviewState

if TYPE_CHECKING:
    from trame_server.state import State

    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.mrml.scenesession import SceneSession
    from SAMSegmentLib.segmentstate import SegmentState, SliceKey
    from SAMSegmentLib.slicescores import SliceScore

    from .views import Views
    from .work import Work

_LIMIT = f"{DOUBTFUL_BELOW:.0%}".replace("%", " %")


class ReviewControl:
    """Shows how sure propagation was, of the slices of the active view's orientation."""

    def __init__(self, state: State, work: Work, views: Views) -> None:
        self.messages = work.messages
        self._work = work
        self._views = views
        self._data = TypedState(state, ReviewState).data
        self._seen: set[SliceKey] = set()
        self._current: SliceKey | None = None
        self._plotted: tuple[SegmentState, Orientation] | None = None
        work.add_listener(self._refresh)

    @told
    def next_doubtful(self) -> None:
        """Go to the slice that is least likely to be right, then to the next such one."""
        selected = self._work.selected
        least_sure = _least_sure(*selected) if selected else []
        if not least_sure:
            raise InputError("There is no doubtful slice; propagate first.")
        fresh = [score for score in least_sure if _key(score) not in self._seen]
        if not fresh:
            self._seen.clear()
            fresh = least_sure
        self._current = _key(fresh[0])
        self._seen.add(self._current)
        self._views.show(self._current)
        self._describe(least_sure)

    def show_slice(self, index: int) -> None:
        """Go to a slice of the plot."""
        key = self._views.active_slice
        if key is not None and 0 <= index < self._data.count:
            self._views.show((key[0], index))

    def start_anew(self) -> None:
        """Other slices will be worth a look: it is propagated again, or another volume was opened."""
        self._seen.clear()
        self._current = None
        self._data.doubtful = ""

    # --- inside

    def _describe(self, least_sure: list[SliceScore]) -> None:
        """Say of the slice that was gone to how sure it is, until it is accepted, or made anew, or gone."""
        scores = {_key(score): score for score in least_sure}
        if self._current not in scores:
            self._data.doubtful = ""
            return
        left = sum(is_doubtful(score) for key, score in scores.items() if key not in self._seen)
        self._data.doubtful = _sentence(scores[self._current], left)

    def _refresh(self) -> None:
        selected, key = self._work.selected, self._views.active_slice
        if selected is None or key is None:
            self._plotted = None
            self._data.is_shown = self._data.has_propagated = False
            return
        session, segment_id = selected
        orientation, self._data.viewed = key
        state = session.session.state(session.name_of(segment_id))
        if self._plotted != (state, orientation):
            if self._plotted is None or self._plotted[0].name != state.name:
                self.start_anew()
            self._plotted = state, orientation
            self._plot(session, state, orientation)

    def _plot(self, session: SceneSession, state: SegmentState, orientation: Orientation) -> None:
        scores = [score for score in session.session.scores(state.name) if score.orientation is orientation]
        plot = ConfidencePlot.of(scores)
        self._data.is_shown = not plot.is_empty
        self._data.key_bars, self._data.sure_bars, self._data.doubtful_bars = plot.key, plot.sure, plot.doubtful
        self._data.count = slice_count(session.volume, orientation)
        propagated = session.session.doubtful_slices(state.name)
        self._data.has_propagated = bool(propagated)
        self._data.summary = _summary(propagated)
        self._describe(propagated)


def _least_sure(session: SceneSession, segment_id: str) -> list[SliceScore]:
    """Propagated slices that nobody has accepted, the least sure first."""
    return session.session.doubtful_slices(session.name_of(segment_id))


def _key(score: SliceScore) -> SliceKey:
    return score.orientation, score.index


def _summary(propagated: list[SliceScore]) -> str:
    if not propagated:
        return ""
    doubtful = sum(map(is_doubtful, propagated))
    if not doubtful:
        return f"Each propagated slice is at least {_LIMIT} sure."
    return f"Worth a look: {doubtful} of {len(propagated)} propagated slices."


def _sentence(score: SliceScore, left: int) -> str:
    """Where the view has gone, and how many slices more are worth a look."""
    there = (
        f"{score.orientation.value.capitalize()} slice {score.index}: {round(100 * (score.confidence or 0.0))} % sure"
    )
    if not is_doubtful(score):
        return f"{there}, which is no reason for doubt."
    return f"{there}. {left} more to look at." if left else f"{there}. It is the last one worth a look."
