"""Propagation of one segment of a session: what is asked of the engine, and where its slices go."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from .errors import InputError
from .geometry import slice_plane, slice_range
from .propagation import PropagationRequest, intervals

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from .carried import Propagation
    from .history import History
    from .propagation import Interval, PropagatedSlice
    from .segmentstate import SegmentState
    from .volume import Volume

States = tuple["SegmentState", ...]


def propagation_request(volume: Volume, state: SegmentState, propagation: Propagation) -> PropagationRequest:
    """What the engine is asked for: the intervals that are missing, or those that the propagation names.

    :raises InputError: see :meth:`SegmentationSession.propagate`.
    """
    orientation = propagation.orientation
    first, last = slice_range(volume, orientation, propagation.first, propagation.last)
    for index in {*propagation.stops, *(propagation.only or ())}:
        slice_plane(volume, orientation, index)  # refuses one that the volume does not have
    if any(prompts.orientation is orientation for prompts in state.unanswered()):
        raise InputError(f"Segment {state.name!r} has a slice whose mask is not there yet; propagate after it is.")
    key_masks = {
        index: mask.unpack() for index, mask in state.key_masks(orientation).items() if mask and first <= index <= last
    }
    if not key_masks:
        raise InputError(
            f"Segment {state.name!r} has no prompted {orientation.value} slice within {first}:{last} to start from."
        )
    wanted = _wanted(state, propagation, intervals(key_masks))
    # A slice that has become a key slice since matters to the intervals beside it only: the others stay as they are.
    both = sorted(set(propagation.stops) & {end for interval in wanted for end in interval})
    if both:
        raise InputError(
            f"Segment {state.name!r} is to stop at {orientation.value} slice {both[0]}, which has prompts or is "
            "accepted; leave one of the two out."
        )
    return PropagationRequest(
        orientation=orientation,
        key_masks=key_masks,
        first=first,
        last=last,
        only=propagation.only,
        stops=propagation.stops,
        farthest_mm=propagation.farthest_mm,
        intervals=wanted,
        smooth=propagation.smooth,
        connected=propagation.connected,
        fill_holes=propagation.fill_holes,
    )


def _wanted(state: SegmentState, propagation: Propagation, every: list[Interval]) -> tuple[Interval, ...]:
    if propagation.intervals is None:
        return state.missing(propagation) if propagation.only is None else tuple(every)
    unknown = [interval for interval in propagation.intervals if interval not in every]
    if unknown:
        raise InputError(
            f"Segment {state.name!r} has no {propagation.orientation.value} interval {list(unknown[0])}; "
            f"its key slices are {', '.join(str(low) for low, _ in every if low is not None)}."
        )
    return tuple(interval for interval in every if interval in propagation.intervals)


class Propagating:
    """One propagation while it goes on: puts slices into each of the session's states that it is part of.

    :param before: the segment when it began.
    :param changed: called after each change.
    :param on_slice: called with each slice, after it is in.
    """

    def __init__(
        self,
        history: History[States],
        propagation: Propagation,
        before: SegmentState,
        changed: Callable[[], None],
        on_slice: Callable[[PropagatedSlice], None] | None,
    ) -> None:
        self._history = history
        self._propagation = propagation
        self._before = before
        self._came = 0
        self._tell_changed = changed
        self._on_slice = on_slice

    def put_in(self, reached: PropagatedSlice) -> None:
        """Take a slice from the engine.

        :raises CancelledError: it is not wanted any more: undone, its key slices changed, or its segment removed.
        """
        if not any(self._is_in(state) for state in self._history.current):
            raise CancelledError
        self._came += 1
        self._amend(lambda state: state.with_reached(reached))
        if self._on_slice:
            self._on_slice(reached)

    def end(self, future: Future[None]) -> None:
        """Take the end: finished, cancelled or failed."""
        orientation = self._propagation.orientation
        has_run_out = not future.cancelled() and future.exception() is None
        complete = has_run_out and self._propagation.only is None
        if complete or self._came:
            self._amend(lambda state: state.without_run(orientation, complete=complete))
        else:  # it made nothing that could take the place of what it was to replace
            self._amend(lambda state: state.restored(orientation, self._before))

    def _amend(self, change: Callable[[SegmentState], SegmentState]) -> None:
        # Undo and redo lead to other states that hold the same propagation: what it makes is part of all of them.
        self._history.amend(
            lambda states: tuple(change(state) if self._is_in(state) else state for state in states),
        )
        self._tell_changed()

    def _is_in(self, state: SegmentState) -> bool:
        return state.run_of(self._propagation.orientation) is self
