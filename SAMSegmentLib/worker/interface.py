"""What a session asks of the place where models run. No torch here: front ends import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from ..embeddings import CacheCounts
    from ..geometry import SlicePlane
    from ..models.interface import Candidates
    from ..prompts import PromptSet
    from ..propagation import PropagatedSlice, PropagationRequest


Result = TypeVar("Result")


@dataclass(frozen=True)
class Timings:
    """Where the time of one answer went, in milliseconds; encoding is 0 when the embedding was there."""

    encode_ms: float
    decode_ms: float


@dataclass(frozen=True, eq=False)
class SliceAnswer:
    """The answer to the prompts of one slice."""

    plane: SlicePlane
    candidates: Candidates
    timings: Timings


@dataclass(frozen=True)
class EmbeddingProgress:
    """How far the encoding of many slices is.

    :param done: slices that have an embedding now.
    :param total: slices that were asked for.
    :param encoded: slices of ``done`` that had to be computed.
    :param seconds: since it was asked for.
    """

    done: int
    total: int
    encoded: int
    seconds: float

    @property
    def slices_per_second(self) -> float:
        """Slices computed in a second so far, 0 before the first."""
        return self.encoded / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate, if all of it has to be computed; None before there is a rate."""
        rate = self.slices_per_second
        return (self.total - self.done) / rate if rate > 0 else None


class Engine(Protocol):
    """Runs a model on one volume. Answers are futures: no front end waits for a model.

    Futures are finished in the thread that the session lives in (a viewer polls for them), so their callbacks are, too.
    """

    @property
    def model_name(self) -> str:
        """The model's name in the catalogue."""

    @property
    def weights_sha256(self) -> str | None:
        """SHA-256 of the model's weights, hexadecimal; None where only the loaded model can tell, and it is not yet."""

    @property
    def precision(self) -> str | None:
        """The number type that slices are encoded in; None while the model is not loaded yet."""

    @property
    def cache_counts(self) -> CacheCounts:
        """Where the embeddings of the answers so far came from: misses were encoded."""

    def predict(self, prompts: PromptSet, *, slot: str | None = None) -> Future[SliceAnswer]:
        """Answer the prompts of one slice.

        The future raises InputError for prompts outside of the volume, and EngineError when the model fails.

        :param slot: a request that waits in the same slot is cancelled: this one takes its place.
        """

    def propagate(self, request: PropagationRequest, on_slice: Callable[[PropagatedSlice], None]) -> Future[None]:
        """Carry a mask to neighbouring slices, handing over each slice as it is made.

        ``on_slice`` is called in the thread that the session lives in. Cancelling the future, or raising
        :class:`concurrent.futures.CancelledError` from ``on_slice``, stops the work; slices handed over stay.
        """

    def wait(self, future: Future[Result], *, give_up: Callable[[], bool] | None = None) -> Result:
        """The result of one of its futures, when it has come: for callers with nothing else to do.

        :param give_up: asked now and then; the future is cancelled when it says so.
        :raises SAMSegmentError: what the future holds.
        :raises concurrent.futures.CancelledError: the future was cancelled.
        """

    def close(self) -> None:
        """Release the model and the volume."""
