"""One user's work on one volume: segments, prompts, undo. Every front end talks to this and to nothing below it."""

from __future__ import annotations

import unicodedata
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from .errors import InputError
from .geometry import slice_plane, slice_range, slice_through
from .history import History
from .prompts import CANDIDATE_COUNT, Box, Point, PromptSet, to_slice_prompts
from .propagation import PropagationRequest
from .segments import Segment, segment_color
from .segmentstate import SegmentState, SliceMask

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from .geometry import IJK, Orientation
    from .propagation import PropagatedSlice
    from .segments import Color
    from .segmentstate import Propagation, SliceKey
    from .volume import Volume
    from .worker.interface import Engine, SliceAnswer

_States = tuple[SegmentState, ...]

_PREVIEW_SLOT = "preview"  # no segment's slot: those begin with an orientation


@dataclass(frozen=True)
class SliceScore:
    """What the model says of one slice of a segment; ``stability`` is None for slices that propagation reached."""

    orientation: Orientation
    index: int
    predicted_iou: float
    stability: float | None
    candidate: int


class SegmentationSession:
    """Segments of one volume, made by prompts.

    Every change of prompts is one undo step and asks the engine for a new mask of that slice; the answer is put in
    when the engine's future is done, unless the prompts have changed again by then. No method waits for the engine.
    Methods are called from one thread, which also lets the engine finish its futures.

    :param volume: the volume that is segmented.
    :param engine: runs the model on the same volume.
    :param window: how the engine shows the volume to the model, as the user wrote it; saved with the prompts.
    """

    def __init__(self, volume: Volume, engine: Engine, window: str = "auto") -> None:
        self.volume = volume
        self.engine = engine
        self.window = window
        self._history: History[_States] = History(())
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
        name = name.strip()
        if not name or any(unicodedata.category(letter) == "Cs" for letter in name):
            raise InputError("A segment needs a name, of letters that can be written.")
        if name in self.segment_names:
            raise InputError(f"There is a segment named {name!r} already; choose another name.")
        states = self._history.current
        self._push((*states, SegmentState(name, color or segment_color(len(states)))))
        return name

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
        masks = sorted(self.state(name).masks.items(), key=lambda item: (item[0][0].value, item[0][1]))
        return [
            SliceScore(orientation, index, mask.predicted_iou, mask.stability, mask.candidate)
            for (orientation, index), mask in masks
        ]

    # --- prompts

    def add_point(self, name: str, ijk: IJK, orientation: Orientation, *, positive: bool = True) -> Future[SliceAnswer]:
        """Add a click to the slice of ``orientation`` through the voxel ``ijk``, and ask for the slice's new mask.

        :raises InputError: there is no such segment, or the voxel lies outside of the volume.
        """
        prompts = self.prompts(name, (orientation, slice_through(self.volume, orientation, ijk).index))
        return self.set_prompts(name, prompts.with_point(Point(ijk, positive)))

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

        :raises InputError: there is no such segment, the prompts are empty (see :meth:`clear_slice`), or one of them
            lies outside of its slice.
        """
        self._check(prompts)
        state = self.state(name)
        self._push(self._replaced(state.with_prompts(prompts)))
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
        """Remove all prompts of one slice, and its mask."""
        orientation, index = key
        self._push(self._replaced(self.state(name).with_prompts(PromptSet(orientation, index))))

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

    # --- propagation

    def slice_range(self, propagation: Propagation) -> tuple[int, int]:
        """The lowest and highest slice index that a propagation may reach, inclusive.

        :raises InputError: they lie outside of the volume, or in the wrong order.
        """
        return slice_range(self.volume, propagation.orientation, propagation.first, propagation.last)

    def propagate(
        self, name: str, propagation: Propagation, on_slice: Callable[[PropagatedSlice], None] | None = None
    ) -> Future[None]:
        """Carry the prompted slices' masks through the volume, as one undo step.

        What an earlier propagation made in this orientation is replaced; slices with prompts of their own stay. It ends
        early when its prompts are changed, or when it is undone.

        :param on_slice: called with each slice as it is made; raise
            :class:`concurrent.futures.CancelledError` in it to stop and keep what there is.
        :raises InputError: there is no such segment, no prompted slice in this orientation or one without its mask yet,
            or the range lies outside of the volume or holds no prompted slice.
        """
        state = self.state(name).without_propagated(propagation.orientation)
        request = self._propagation_request(state, propagation)
        record = replace(propagation)  # an object of its own: it is what tells this propagation from an equal one
        self._push(self._replaced(state.with_propagation(record)))
        reached: list[int] = []

        def put_in(result: PropagatedSlice) -> None:
            if not any(_holds(item, record) for item in self._history.current):
                raise CancelledError  # undone, overtaken by other prompts, or its segment removed
            reached.append(result.plane.index)
            mask = SliceMask.pack(result.mask, None, result.predicted_iou)
            key = record.orientation, result.plane.index
            self._amend(record, lambda item: item.with_mask(key, mask))
            if on_slice:
                on_slice(result)

        def remember_end(future: Future[None]) -> None:
            if future.cancelled() or future.exception() is not None:
                ended = replace(record, only=tuple(reached))
                self._amend(record, lambda item: item.with_propagation(ended))

        future = self.engine.propagate(request, put_in)
        future.add_done_callback(remember_end)
        return future

    def _propagation_request(self, state: SegmentState, propagation: Propagation) -> PropagationRequest:
        first, last = self.slice_range(propagation)
        orientation = propagation.orientation
        if any(prompts.orientation is orientation for prompts in state.unanswered()):
            raise InputError(f"Segment {state.name!r} has a slice whose mask is not there yet; propagate after it is.")
        key_masks = {
            index: mask.unpack()
            for (same, index), mask in state.masks.items()
            if same is orientation and first <= index <= last
        }
        if not key_masks:
            raise InputError(
                f"Segment {state.name!r} has no prompted {orientation.value} slice within {first}:{last} to start from."
            )
        return PropagationRequest(orientation, key_masks, first, last, propagation.only)

    def _amend(self, record: Propagation, change: Callable[[SegmentState], SegmentState]) -> None:
        # Undo and redo lead to other states that hold the same propagation: what it makes is part of all of them.
        self._history.amend(lambda states: tuple(change(state) if _holds(state, record) else state for state in states))
        self._changed()

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

    def _set_or_clear(self, name: str, prompts: PromptSet) -> Future[SliceAnswer] | None:
        if prompts:
            return self.set_prompts(name, prompts)
        self.clear_slice(name, prompts.key)
        return None

    def _push(self, states: _States) -> None:
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
        candidates = future.result().candidates
        chosen = candidates.best if prompts.candidate is None else prompts.candidate
        mask = SliceMask.pack(
            candidates.masks[chosen],
            prompts,
            float(candidates.predicted_iou[chosen]),
            float(candidates.stability[chosen]),
            chosen,
        )
        self._history.current = self._replaced(state.with_mask(prompts.key, mask))
        self._changed()

    def _replaced(self, changed: SegmentState) -> _States:
        return tuple(changed if state.name == changed.name else state for state in self._history.current)


def _holds(state: SegmentState, record: Propagation) -> bool:
    return any(item is record for item in state.propagations)
