"""Through the volume: start, progress, cancel, and where to end."""

from __future__ import annotations

from concurrent.futures import CancelledError
from functools import partial
from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError, SAMSegmentError
from SAMSegmentLib.geometry import Orientation, native_orientation, slice_count

from .messages import told
from .propagation_results import KEYS_CHANGED, PropagationResults, describe_extent, have_changed
from .state import PropagationState
from .stops import Stops

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from trame_server.state import State

    from SAMSegmentLib.mrml.scenesession import SceneSession
    from SAMSegmentLib.propagation import PropagatedSlice
    from SAMSegmentLib.segmentstate import SegmentState, SliceMask

    from .views import Views
    from .work import Opened, Work


class PropagationControl:
    """Carries the chosen segment through the slices of the active view's orientation.

    :param started: called when one begins.
    :param ended: called when one has come to its end, and made something.
    """

    def __init__(
        self,
        state: State,
        work: Work,
        views: Views,
        *,
        started: Callable[[], None] = lambda: None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.messages = work.messages
        self._work = work
        self._views = views
        self._data = TypedState(state, PropagationState).data
        self._running: Future[None] | None = None
        self._reached: set[int] = set()
        self._started, self._finished = started, ended
        self._stops = Stops()
        self._ranges: dict[str, list[int]] = {}
        self._results = PropagationResults()
        work.add_listener(self._refresh)

    @told
    def start(self) -> None:
        """Carry the segment from its slices with prompts or accepted masks to the others in the range."""
        selected = self._work.selected
        if selected is None or self._running is not None:
            return
        session, segment_id = selected
        first, last = self._data.range
        state = _state(session, segment_id)
        whole = (first, last) == (0, self._data.last_index)
        orientation = Orientation(self._data.orientation)
        keys = state.key_masks(orientation)
        propagation = Propagation(
            orientation,
            None if whole else first,
            None if whole else last,
            stops=self._stops.of(segment_id, orientation, keys),
            smooth=self._data.is_smooth,
            connected=self._data.is_connected,
            fill_holes=self._data.is_filled,
        )
        self._reached.clear()
        future = session.propagate(segment_id, propagation, self._note_slice)
        self._started()
        self._running = future
        self._data.is_running = True
        self._data.percent, self._data.text = 0, "Starting ..."
        future.add_done_callback(partial(self._ended, session, segment_id, orientation, keys))

    def cancel(self) -> None:
        """Stop, and keep the slices that are there."""
        if self._running is not None:
            self._running.cancel()

    @told
    def set_stop(self, is_stop: bool) -> None:
        """Have the segment end before the slice in view, or not."""
        selected, key = self._work.selected, self._views.active_slice
        if selected is None or key is None:
            raise InputError("Choose a segment, and point at a slice of the volume.")
        self._stops.set(selected[1], *key, is_stop=bool(is_stop))
        self._work.note_change()

    def show_volume(self) -> None:
        """Take the range from the volume that was opened."""
        opened = self._work.opened
        if opened is None:
            return
        self._ranges.clear()
        self._use_orientation(opened, native_orientation(opened.volume))
        self._data.text = ""
        self._stops.clear()
        self._results.clear()

    # --- inside

    def _use_orientation(self, opened: Opened, orientation: Orientation) -> None:
        last = slice_count(opened.volume, orientation) - 1
        self._data.orientation = orientation.value
        self._data.last_index, self._data.range = last, self._ranges.get(orientation.value, [0, last])

    def _follow_view(self, orientation: Orientation) -> None:
        """Turn to the orientation of the active view; each keeps the range that was set for it."""
        opened = self._work.opened
        if opened is not None and orientation.value != self._data.orientation and self._running is None:
            self._ranges[self._data.orientation] = list(self._data.range)
            self._use_orientation(opened, orientation)

    def _note_slice(self, reached: PropagatedSlice) -> None:
        self._reached.add(reached.plane.index)
        first, last = self._data.range
        self._data.percent = min(100, round(100 * len(self._reached) / max(1, last - first)))
        self._data.text = f"Slice {reached.plane.index}; {len(self._reached)} done"

    def _ended(
        self,
        session: SceneSession,
        segment_id: str,
        orientation: Orientation,
        keys: Mapping[int, SliceMask | None],
        future: Future[None],
    ) -> None:
        self._running = None
        self._data.is_running = False
        count = len(self._reached)
        done = f"{count} slice{'s were' if count != 1 else ' was'} made"
        self._data.text = ""
        is_stopped = False
        try:
            future.result()
        except CancelledError:
            is_stopped = True
            text = f"Stopped; {done}."
        except SAMSegmentError as error:
            text = f"It failed; {done}."
            self.messages.fail(str(error))
        else:
            text = f"Done: {done}." if self._reached else "Done: everything was there already."
            if self._reached:
                self._finished()
        if session is self._work.scene_session and segment_id in session.segment_ids:
            state = _state(session, segment_id)
            if not is_stopped:
                text = f"{text} {describe_extent(session.volume, state, orientation)}"
            if is_stopped and have_changed(keys, state.key_masks(orientation)):
                text, count = KEYS_CHANGED, 0
            self._results.keep(segment_id, state, orientation, text, has_made=count > 0)
        self._work.note_change()

    def _refresh(self) -> None:
        selected, key = self._work.selected, self._views.active_slice
        if key is not None:
            self._follow_view(key[0])
        if selected is None:
            self._data.can_stop = self._data.is_stop = False
            self._data.stops = ""
            if self._running is None:
                self._data.text = ""
            return
        session, segment_id = selected
        state, orientation = _state(session, segment_id), Orientation(self._data.orientation)
        if self._running is None:
            self._data.text = self._results.text(segment_id, state, orientation)
        keys = state.key_masks(orientation)
        stops = self._stops.of(segment_id, orientation, keys)
        self._data.stops = f"It ends before: {', '.join(map(str, stops))}." if stops else ""
        viewed = key[1] if key is not None and key[0] is orientation else None
        self._data.can_stop = viewed is not None and viewed not in keys
        self._data.is_stop = viewed in stops


def _state(session: SceneSession, segment_id: str) -> SegmentState:
    return session.session.state(session.name_of(segment_id))
