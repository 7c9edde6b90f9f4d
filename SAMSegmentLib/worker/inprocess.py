"""The engine that runs in the caller's own process: for the command line and for tests.

Its futures are done when they are returned, so a caller of this engine does wait for the model.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, TypeVar

from ..embeddings import DEFAULT_MEMORY_BYTES, EmbeddingCache
from ..errors import SAMSegmentError
from ..propagation import propagate
from .volumemodel import VolumeModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..embeddings import CacheCounts
    from ..models.interface import PromptableModel
    from ..prompts import PromptSet
    from ..propagation import PropagatedSlice, PropagationRequest
    from ..volume import Volume, Window
    from .interface import SliceAnswer

Result = TypeVar("Result")


class InProcessEngine:
    """A model on one volume, in this process.

    :param volume: the volume that prompts speak of.
    :param window: how its values become the 8 bits that the model sees.
    :param cache: where embeddings are kept; the engine's own, in memory only, when there is none.
    """

    def __init__(
        self, model: PromptableModel, volume: Volume, window: Window, cache: EmbeddingCache | None = None
    ) -> None:
        self._model = model
        self._cache = EmbeddingCache(DEFAULT_MEMORY_BYTES) if cache is None else cache
        self._on_volume = VolumeModel(model, volume, window, self._cache)

    @property
    def model_name(self) -> str:
        """The model's name in the catalogue."""
        return self._model.name

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the model's weights, hexadecimal."""
        return self._model.weights_sha256

    @property
    def precision(self) -> str:
        """The number type that slices are encoded in."""
        return self._model.precision

    @property
    def cache_counts(self) -> CacheCounts:
        """Where the embeddings of the answers so far came from."""
        return self._cache.counts

    def predict(self, prompts: PromptSet, *, slot: str | None = None) -> Future[SliceAnswer]:  # noqa: ARG002 - none waits
        """Answer the prompts of one slice."""
        future: Future[SliceAnswer] = Future()
        try:
            future.set_result(self._on_volume.answer(prompts))
        except SAMSegmentError as error:
            future.set_exception(error)
        return future

    def propagate(self, request: PropagationRequest, on_slice: Callable[[PropagatedSlice], None]) -> Future[None]:
        """Carry a mask to neighbouring slices, handing over each slice as it is made."""
        future: Future[None] = Future()
        try:
            for reached in propagate(self._on_volume, request):
                on_slice(reached)
            future.set_result(None)
        except CancelledError:
            future.cancel()
        except SAMSegmentError as error:
            future.set_exception(error)
        return future

    def wait(self, future: Future[Result], *, give_up: Callable[[], bool] | None = None) -> Result:  # noqa: ARG002 - it is done
        """The result, which is there."""
        return future.result()

    def close(self) -> None:
        """Forget the embeddings in memory."""
        self._cache.clear()
