"""Through the volume: start, progress, cancel, and the slices that are worth a look."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError, SAMSegmentError
from SAMSegmentLib.geometry import Orientation, native_orientation, slice_count

from .messages import told
from .state import PropagationState

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trame_server.state import State

    from SAMSegmentLib.propagation import PropagatedSlice
    from SAMSegmentLib.segmentstate import SliceKey
    from SAMSegmentLib.slicescores import SliceScore

    from .views import Views
    from .work import Work


class PropagationControl:
    """Carries the chosen segment through the slices of the active view's orientation."""

    def __init__(self, state: State, work: Work, views: Views) -> None:
        self.messages = work.messages
        self._work = work
        self._views = views
        self._data = TypedState(state, PropagationState).data
        self._running: Future[None] | None = None
        self._reached: set[int] = set()
        self._seen: set[SliceKey] = set()
        work.add_listener(self._refresh)

    @told
    def start(self) -> None:
        """Carry the segment from its slices with prompts or accepted masks to the others in the range."""
        selected = self._work.selected
        if selected is None or self._running is not None:
            return
        session, segment_id = selected
        first, last = self._data.range
        whole = (first, last) == (0, self._data.last_index)
        propagation = Propagation(
            Orientation(self._data.orientation),
            None if whole else first,
            None if whole else last,
            smooth=self._data.is_smooth,
        )
        self._reached.clear()
        self._seen.clear()
        future = session.propagate(segment_id, propagation, self._note_slice)
        self._running = future
        self._data.is_running = True
        self._data.percent, self._data.text = 0, "Starting ..."
        future.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Stop, and keep the slices that are there."""
        if self._running is not None:
            self._running.cancel()

    @told
    def next_doubtful(self) -> None:
        """Go to the slice that is least likely to be right, then to the next such one."""
        doubtful = self._doubtful()
        if not doubtful:
            raise InputError("There is no doubtful slice; propagate first.")
        fresh = [score for score in doubtful if (score.orientation, score.index) not in self._seen]
        if not fresh:
            self._seen.clear()
            fresh = doubtful
        score = fresh[0]
        self._seen.add((score.orientation, score.index))
        self._views.show((score.orientation, score.index))
        self._data.doubtful = (
            f"{score.orientation.value.capitalize()} slice {score.index}: "
            f"{round(100 * (score.confidence or 0.0))} % sure. {len(fresh) - 1} left."
        )

    def show_volume(self) -> None:
        """Take the range from the volume that was opened."""
        opened = self._work.opened
        if opened is None:
            return
        self._use_orientation(native_orientation(opened.volume))
        self._data.text = self._data.doubtful = ""

    # --- inside

    def _use_orientation(self, orientation: Orientation) -> None:
        opened = self._work.opened
        if opened is not None:
            last = slice_count(opened.volume, orientation) - 1
            self._data.orientation = orientation.value
            self._data.last_index, self._data.range = last, [0, last]

    def _note_slice(self, reached: PropagatedSlice) -> None:
        self._reached.add(reached.plane.index)
        first, last = self._data.range
        self._data.percent = min(100, round(100 * len(self._reached) / max(1, last - first)))
        self._data.text = f"Slice {reached.plane.index}; {len(self._reached)} done"

    def _ended(self, future: Future[None]) -> None:
        self._running = None
        self._data.is_running = False
        done = f"{len(self._reached)} slices were made"
        try:
            future.result()
        except CancelledError:
            self._data.text = f"Stopped; {done}."
        except SAMSegmentError as error:
            self._data.text = f"It failed; {done}."
            self.messages.fail(str(error))
        else:
            self._data.text = f"Done: {done}." if self._reached else "Done: everything was there already."
        self._work.note_change()

    def _doubtful(self) -> list[SliceScore]:
        selected = self._work.selected
        if selected is None:
            return []
        session, segment_id = selected
        return session.session.doubtful_slices(session.name_of(segment_id))

    def _refresh(self) -> None:
        key = self._views.active_slice
        if key is not None and key[0].value != self._data.orientation and self._running is None:
            self._use_orientation(key[0])
        count = len(self._doubtful())
        self._data.has_doubtful = count > 0
        if count == 0:
            self._data.doubtful = ""
