"""One user's work on one volume: segments, prompts, undo. Every front end talks to this and to nothing below it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .clicks import with_click
from .errors import InputError
from .geometry import slice_plane, slice_range, slice_through
from .history import History
from .prompts import CANDIDATE_COUNT, Box, Point, PromptSet, to_slice_prompts
from .propagating import Propagating, propagation_request
from .segments import Segment, checked_name, segment_color
from .segmentstate import SegmentState, SliceMask
from .slicescores import doubtful_slices, slice_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from .carried import Propagation
    from .geometry import IJK, Orientation
    from .propagating import States
    from .propagation import PropagatedSlice
    from .savedmask import SavedMask
    from .segments import Color
    from .segmentstate import SliceKey
    from .slicescores import SliceScore
    from .volume import Volume
    from .worker.interface import Engine, SliceAnswer

_PREVIEW_SLOT = "preview"  # no segment's slot: those begin with an orientation


class SegmentationSession:
    """Segments of one volume, made by prompts.

    Every change of prompts is one undo step and asks the engine for a new mask of that slice; the answer is put in
    when the engine's future is done, unless the prompts have changed again by then. No method waits for the engine.
    Methods are called from one thread, which also lets the engine finish its futures.

    :param volume: the volume that is segmented.
    :param engine: runs the model on the same volume.
    :param window: how the engine shows the volume to the model, as the user wrote it; saved with the prompts.
    :param states: the segments to go on with, of names that differ; nothing is asked of the engine for them.
    """

    def __init__(self, volume: Volume, engine: Engine, window: str = "auto", states: States = ()) -> None:
        self.volume = volume
        self.engine = engine
        self.window = window
        self._history: History[States] = History(states)
        self._listeners: list[Callable[[], None]] = []

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each change of segments, prompts or masks, answers that came included."""
        self._listeners.append(listener)

    # --- segments

    @property
    def states(self) -> tuple[SegmentState, ...]:
        """All segments as they are now: an immutable value, which another thread may read."""
        return self._history.current

    @property
    def segment_names(self) -> tuple[str, ...]:
        """Names of the segments in the order in which they were added."""
        return tuple(state.name for state in self._history.current)

    def add_segment(self, name: str, color: Color | None = None) -> str:
        """Add an empty segment, and return its name (without spaces around it).

        :raises InputError: the name is empty or taken.
        """
        name = checked_name(name)
        if name in self.segment_names:
            raise _taken(name)
        states = self._history.current
        self._push((*states, SegmentState(name, color or segment_color(len(states)))))
        return name

    def rename_segment(self, name: str, new_name: str) -> str:
        """Give a segment another name, also in what undo and redo lead to, and return it (without spaces around it).

        This is no step of its own: nothing is there that undo would take back.

        :raises InputError: there is no such segment, or the new name is empty or taken, if only by a segment that undo
            or redo would bring back.
        """
        self.state(name)
        new_name = checked_name(new_name)
        if new_name == name:
            return name
        if any(state.name == new_name for states in self._history.states for state in states):
            raise _taken(new_name)
        self._history.amend(
            lambda states: tuple(replace(state, name=new_name) if state.name == name else state for state in states)
        )
        self._changed()
        self.ask_again()  # answers on their way are to the old name
        return new_name

    def remove_segment(self, name: str) -> None:
        """Remove a segment with its prompts and its mask.

        :raises InputError: there is no such segment.
        """
        gone = self.state(name)
        self._push(tuple(state for state in self._history.current if state is not gone))

    def state(self, name: str) -> SegmentState:
        """Prompts and slice masks of a segment as they are now.

        :raises InputError: there is no such segment.
        """
        for state in self._history.current:
            if state.name == name:
                return state
        raise InputError(f"There is no segment named {name!r}; there are: {', '.join(self.segment_names) or 'none'}.")

    def segments(self) -> list[Segment]:
        """The segments with their masks in the volume."""
        return [Segment(state.name, state.color, state.volume_mask(self.volume)) for state in self._history.current]

    def scores(self, name: str) -> list[SliceScore]:
        """What the model says of each slice of a segment, in slice order."""
        return slice_scores(self.state(name))

    def doubtful_slices(self, name: str, orientation: Orientation | None = None) -> list[SliceScore]:
        """The slices of a segment that are most worth a look: propagated ones, not accepted, least confident first.

        :param orientation: None for all.
        :raises InputError: there is no such segment.
        """
        return doubtful_slices(self.state(name), orientation)

    # --- prompts

    def add_point(self, name: str, ijk: IJK, orientation: Orientation, *, positive: bool = True) -> Future[SliceAnswer]:
        """Add a click to the slice of ``orientation`` through the voxel ``ijk``, and ask for the slice's new mask.

        :raises InputError: there is no such segment, or the voxel lies outside of the volume.
        """
        return self.set_prompts(name, self.with_click(name, ijk, orientation, positive=positive))

    def with_click(self, name: str, ijk: IJK, orientation: Orientation, *, positive: bool = True) -> PromptSet:
        """The prompts that :meth:`add_point` would give the slice; see :func:`.clicks.with_click`."""
        key = orientation, slice_through(self.volume, orientation, ijk).index
        return with_click(self.volume, self.state(name), key, Point(ijk, positive))

    def add_box(self, name: str, box: Box, orientation: Orientation) -> Future[SliceAnswer]:
        """Add a box to the slice of ``orientation`` that it lies in, and ask for the slice's new mask.

        :raises InputError: there is no such segment, or the box leaves the slice or the volume.
        """
        prompts = self.prompts(name, (orientation, slice_through(self.volume, orientation, box.ijk_min).index))
        return self.set_prompts(name, prompts.with_box(box))

    def prompts(self, name: str, key: SliceKey) -> PromptSet:
        """The prompts of one slice, empty when there are none."""
        orientation, index = key
        return self.state(name).prompts.get(key) or PromptSet(orientation, index)

    def set_prompts(self, name: str, prompts: PromptSet) -> Future[SliceAnswer]:
        """Replace the prompts of one slice, and ask for its new mask.

        :raises InputError: there is no such segment, the prompts are empty (see :meth:`clear_slice`), one of them lies
            outside of its slice, or the slice is accepted, as in all methods that change a slice's prompts.
        """
        self._check(prompts)
        self._push(self._replaced(self._unlocked(name, prompts.key).with_prompts(prompts)))
        return self._ask(name, prompts)

    def remove_point(self, name: str, key: SliceKey, number: int) -> Future[SliceAnswer] | None:
        """Remove one click of a slice, counted from 0 in the order in which they were added, and ask for the new mask.

        :returns: None when it was the slice's last prompt: its mask is gone with it.
        :raises InputError: there is no such segment or click.
        """
        return self._set_or_clear(name, self.prompts(name, key).without_point(number))

    def remove_box(self, name: str, key: SliceKey, number: int) -> Future[SliceAnswer] | None:
        """Remove one box of a slice; otherwise as :meth:`remove_point`.

        :raises InputError: there is no such segment or box.
        """
        return self._set_or_clear(name, self.prompts(name, key).without_box(number))

    def preview(self, prompts: PromptSet) -> Future[SliceAnswer]:
        """What these prompts would give, while one of them is dragged or follows the mouse; nothing is changed.

        A preview that was asked for before and has not come is cancelled: only the newest counts.

        :raises InputError: the prompts are empty, or one of them lies outside of its slice.
        """
        self._check(prompts)
        return self.engine.predict(prompts, slot=_PREVIEW_SLOT)

    def clear_slice(self, name: str, key: SliceKey) -> None:
        """Remove all prompts of one slice, and the mask that they made; without prompts there is nothing to clear.

        :raises InputError: there is no such segment, or the slice is accepted.
        """
        orientation, index = key
        state = self._unlocked(name, key)
        if key in state.prompts:
            self._push(self._replaced(state.with_prompts(PromptSet(orientation, index))))

    def ask_again(self) -> list[Future[SliceAnswer]]:
        """Ask for the mask of each slice whose prompts have none: the engine failed, and its cause was mended."""
        states = self._history.current
        return [self._ask(state.name, prompts) for state in states for prompts in state.unanswered()]

    def choose_candidate(self, name: str, key: SliceKey, candidate: int) -> Future[SliceAnswer]:
        """Take another of the model's candidates for one slice.

        :raises InputError: the slice has no prompts, or there is no such candidate.
        """
        if candidate not in range(CANDIDATE_COUNT):
            raise InputError(f"Candidates are numbered 0 to {CANDIDATE_COUNT - 1}; there is no candidate {candidate}.")
        return self.set_prompts(name, replace(self.prompts(name, key), candidate=candidate))

    # --- accepted slices

    def accept_slice(self, name: str, key: SliceKey) -> None:
        """Lock the mask of one slice: nothing changes it any more, and it is a key slice of propagations to come.

        What was propagated around a slice that had no prompts is outdated: it was not made from this one.

        :raises InputError: there is no such segment, or the slice has no mask, or not the one to its prompts yet.
        """
        state = self.state(name)
        if key not in state.masks or any(prompts.key == key for prompts in state.unanswered()):
            raise InputError(f"{_of(name, key)} has no mask yet that could be accepted; give it prompts, or propagate.")
        if not state.masks[key].is_accepted:
            self._push(self._replaced(state.with_accepted(key)))

    def release_slice(self, name: str, key: SliceKey) -> None:
        """Unlock an accepted slice. Its mask stays: as that of its prompts, or as an outdated one.

        :raises InputError: there is no such segment, or the slice is not accepted.
        """
        state = self.state(name)
        if key not in state.masks or not state.masks[key].is_accepted:
            raise InputError(f"{_of(name, key)} is not accepted, so there is nothing to release.")
        self._push(self._replaced(state.with_released(key)))

    def set_mask(self, name: str, orientation: Orientation, index: int, mask: NDArray[np.bool_]) -> None:
        """Give one slice a mask from elsewhere, as an accepted one, in place of its prompts and mask.

        :param mask: bool [row, column] in the pixels of the slice; nothing set where the segment is not in the slice.
        :raises InputError: there is no such segment or slice, or the mask is not one of the slice.
        """
        rows, columns = slice_plane(self.volume, orientation, index).shape
        if mask.dtype != np.bool_ or mask.shape != (rows, columns):
            raise InputError(
                f"{_of(name, (orientation, index))} takes a mask of {rows}x{columns} truth values, "
                f"not of {'x'.join(map(str, mask.shape))} {mask.dtype}."
            )
        self._push(self._replaced(self.state(name).with_given((orientation, index), SliceMask.given(mask))))

    # --- propagation

    def slice_range(self, propagation: Propagation) -> tuple[int, int]:
        """The lowest and highest slice index that a propagation may reach, inclusive.

        :raises InputError: they lie outside of the volume, or in the wrong order.
        """
        return slice_range(self.volume, propagation.orientation, propagation.first, propagation.last)

    def propagate(
        self, name: str, propagation: Propagation, on_slice: Callable[[PropagatedSlice], None] | None = None
    ) -> Future[None]:
        """Carry the masks of key slices (prompted or accepted) through the volume, as one undo step.

        Only what is not there yet is made: intervals between key slices that have changed, or that a cancelled
        propagation did not come to. With other settings, or a second pass, everything is made anew. Where nothing is
        missing, nothing is done. It ends early when its key slices are changed, or when it is undone.

        :param on_slice: called with each slice as it is made, and again when it is made better; raise
            :class:`concurrent.futures.CancelledError` in it to stop and keep what there is.
        :raises InputError: there is no such segment, no key slice in this orientation or one without its mask yet, the
            range lies outside of the volume or holds no key slice, or there is no such stop or interval.
        """
        state = self.state(name)
        request = propagation_request(self.volume, state, propagation)
        if not request.intervals:
            if state.outdated(propagation.orientation):
                self._push(self._replaced(state.without_outdated(propagation.orientation)))
            done: Future[None] = Future()
            done.set_result(None)
            return done
        run = Propagating(self._history, propagation, state, self._changed, on_slice)
        self._push(self._replaced(state.with_run(propagation, request.intervals, run)))
        future = self.engine.propagate(request, run.put_in)
        future.add_done_callback(run.end)
        return future

    def put_outdated(self, name: str, masks: Iterable[SavedMask]) -> None:
        """Have slices back that propagation made earlier, where the segment has none, until it is propagated again.

        :raises InputError: there is no such segment or slice, or a mask is not one of its slice.
        """
        found = {}
        for mask in masks:
            mask.check(self.volume, name)
            found[mask.key] = SliceMask.outdated(mask.unpack(), mask.confidence)
        self._push(self._replaced(self.state(name).with_outdated(found)))

    # --- undo

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self._history.can_redo

    def undo(self) -> None:
        """Take back the last step: prompts and masks are what they were."""
        self._history.undo()
        self._changed()
        # An answer that came after its prompts were undone was dropped; with the prompts back it is wanted again.
        self.ask_again()

    def redo(self) -> None:
        """Do the step again that was undone last."""
        self._history.redo()
        self._changed()
        self.ask_again()

    # --- inside

    def _check(self, prompts: PromptSet) -> None:
        if not prompts:
            raise InputError("Give at least one point or box; clear_slice() removes the prompts of a slice.")
        to_slice_prompts(prompts, slice_plane(self.volume, prompts.orientation, prompts.index))

    def _unlocked(self, name: str, key: SliceKey) -> SegmentState:
        """The state of a segment whose slice may be changed."""
        state = self.state(name)
        if key in state.masks and state.masks[key].is_accepted:
            raise InputError(f"{_of(name, key)} is accepted; release it before its prompts are changed.")
        return state

    def _set_or_clear(self, name: str, prompts: PromptSet) -> Future[SliceAnswer] | None:
        if prompts:
            return self.set_prompts(name, prompts)
        self.clear_slice(name, prompts.key)
        return None

    def _push(self, states: States) -> None:
        self._history.push(states)
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _ask(self, name: str, prompts: PromptSet) -> Future[SliceAnswer]:
        # Of one segment and slice only the newest answer counts.
        slot = f"{prompts.orientation.value} {prompts.index} {name}"
        future = self.engine.predict(prompts, slot=slot)
        future.add_done_callback(partial(self._put_in, name, prompts))
        return future

    def _put_in(self, name: str, prompts: PromptSet, future: Future[SliceAnswer]) -> None:
        if future.cancelled() or future.exception() is not None or name not in self.segment_names:
            return
        state = self.state(name)
        if state.prompts.get(prompts.key) != prompts:
            return  # superseded while the engine was at it
        if prompts.key in state.masks and state.masks[prompts.key].is_accepted:
            return  # asked for again, and accepted as it was
        mask = SliceMask.answer(future.result().candidates, prompts)
        self._history.current = self._replaced(state.with_answer(prompts.key, mask))
        self._changed()

    def _replaced(self, changed: SegmentState) -> States:
        return tuple(changed if state.name == changed.name else state for state in self._history.current)


def _taken(name: str) -> InputError:
    return InputError(f"There is a segment named {name!r} already; choose another name.")


def _of(name: str, key: SliceKey) -> str:
    orientation, index = key
    return f"{orientation.value.capitalize()} slice {index} of {name!r}"
