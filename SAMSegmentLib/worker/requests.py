"""What a front end has asked the worker for and not been answered yet."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..errors import InputError
from ..geometry import slice_plane
from .channel import ChannelError
from .interface import EmbeddingProgress, SliceAnswer, Timings
from .messages import Answer, Done, Progress, SliceReached
from .wire import candidates_of, reached_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..geometry import Orientation, SlicePlane
    from ..prompts import PromptSet
    from ..propagation import PropagatedSlice
    from ..volume import Volume
    from .messages import EmbedAll, Predict, Propagate

Result = TypeVar("Result")
Outcome = Answer | SliceReached | Progress | Done


class WorkFuture(Future, Generic[Result]):
    """A future whose cancelling also ends the work.

    :param on_cancel: called once, when it is cancelled before its result has come.
    """

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        super().__init__()
        self._on_cancel = on_cancel

    def cancel(self) -> bool:
        """Cancel it and the work that it stands for; False when the result is there already."""
        was_open = not self.done()
        cancelled = super().cancel()
        if cancelled and was_open:
            self._on_cancel()
        return cancelled


class Request(Protocol):
    """One request, until its future is done."""

    @property
    def message(self) -> Predict | Propagate | EmbedAll:
        """What the worker is asked, and asked again when it was started again."""

    @property
    def future(self) -> WorkFuture:
        """What the front end was given."""

    def take(self, outcome: Outcome, volume: Volume) -> bool:
        """Take what came; the future is done when it was the last. Returns whether it was news.

        :raises ChannelError: it is inconsistent.
        """


class Prediction:
    """The prompts of one slice."""

    def __init__(self, message: Predict, prompts: PromptSet, future: WorkFuture[SliceAnswer]) -> None:
        self.message = message
        self.future = future
        self._prompts = prompts

    def take(self, outcome: Outcome, volume: Volume) -> bool:
        """Hand the answer over."""
        if not isinstance(outcome, Answer):
            return False
        plane = slice_plane(volume, self._prompts.orientation, self._prompts.index)
        candidates = candidates_of(outcome)
        _require_shape(candidates.masks.shape[1:], plane)
        timings = Timings(outcome.encode_ms, outcome.decode_ms)
        self.future.set_result(SliceAnswer(plane, candidates, timings))
        return True


class PropagationRun:
    """Masks carried through the volume."""

    def __init__(
        self,
        message: Propagate,
        orientation: Orientation,
        on_slice: Callable[[PropagatedSlice], None],
        future: WorkFuture[None],
    ) -> None:
        self.message = message
        self.future = future
        self._orientation = orientation
        self._on_slice = on_slice
        self._taken = 0

    def take(self, outcome: Outcome, volume: Volume) -> bool:
        """Hand a slice over, or the end."""
        if isinstance(outcome, Done):
            self.future.set_result(None)
            return True
        # A worker that was started again begins at the first slice, and makes the same masks.
        if not isinstance(outcome, SliceReached) or outcome.position < self._taken:
            return False
        try:
            plane = slice_plane(volume, self._orientation, outcome.index)
        except InputError as error:
            raise ChannelError(str(error)) from error
        reached = reached_of(outcome, plane)
        _require_shape(reached.mask.shape, plane)
        self._taken = outcome.position + 1
        try:
            self._on_slice(reached)
        except CancelledError:
            self.future.cancel()
        return True


class EmbeddingRun:
    """Slices encoded ahead of the user."""

    def __init__(
        self, message: EmbedAll, on_progress: Callable[[EmbeddingProgress], None], future: WorkFuture[None]
    ) -> None:
        self.message = message
        self.future = future
        self._on_progress = on_progress
        self._started = time.monotonic()

    def take(self, outcome: Outcome, volume: Volume) -> bool:  # noqa: ARG002 - the protocol's
        """Hand the progress over, or the end."""
        if isinstance(outcome, Done):
            self.future.set_result(None)
            return True
        if isinstance(outcome, Progress):
            seconds = time.monotonic() - self._started
            self._on_progress(EmbeddingProgress(outcome.done, outcome.total, outcome.encoded, seconds))
        # A worker that was started again, with no cache on disk, counts from 0: only the end is sure to be news.
        return False


def _require_shape(shape: tuple[int, ...], plane: SlicePlane) -> None:
    if shape != plane.shape:
        raise ChannelError(f"a mask of {shape} pixels for a slice of {plane.shape}")
