"""What a session asks of the place where models run. No torch here: front ends import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from ..geometry import SlicePlane
    from ..models.interface import Candidates
    from ..prompts import PromptSet
    from ..propagation import PropagatedSlice, PropagationRequest


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


class Engine(Protocol):
    """Runs a model on one volume. Answers are futures: no front end waits for a model.

    Futures are finished in the thread that the session lives in (a viewer polls for them), so their callbacks are, too.
    """

    @property
    def model_name(self) -> str:
        """The model's name in the catalogue."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the model's weights, hexadecimal."""

    def predict(self, prompts: PromptSet) -> Future[SliceAnswer]:
        """Answer the prompts of one slice.

        The future raises InputError for prompts outside of the volume, and EngineError when the model fails.
        """

    def propagate(self, request: PropagationRequest, on_slice: Callable[[PropagatedSlice], None]) -> Future[None]:
        """Carry a mask to neighbouring slices, handing over each slice as it is made.

        ``on_slice`` is called in the thread that the session lives in. Cancelling the future, or raising
        :class:`concurrent.futures.CancelledError` from ``on_slice``, stops the work; slices handed over stay.
        """

    def close(self) -> None:
        """Release the model and the volume."""
