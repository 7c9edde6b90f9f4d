"""The engine that runs in the caller's own process: for the command line and for tests.

Its futures are done when they are returned, so a caller of this engine does wait for the model.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import EngineError, SAMSegmentError
from ..geometry import slice_plane
from ..intensity import to_8bit
from ..prompts import to_slice_prompts
from ..propagation import propagate
from ..slicegrid import SliceImage
from .interface import SliceAnswer, Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..geometry import Orientation, SlicePlane
    from ..models.interface import Candidates, Embedding, PromptableModel
    from ..prompts import PromptSet
    from ..propagation import PropagatedSlice, PropagationRequest
    from ..volume import Volume, Window

# A correction goes to a slice that was just looked at; more belongs to the embedding cache.
_EMBEDDINGS_KEPT = 8


class InProcessEngine:
    """A model on one volume, in this process.

    :param volume: the volume that prompts speak of.
    :param window: how its values become the 8 bits that the model sees.
    """

    def __init__(self, model: PromptableModel, volume: Volume, window: Window) -> None:
        self._model = model
        self._volume = volume
        self._window = window
        self._embeddings: OrderedDict[tuple[Orientation, int], Embedding] = OrderedDict()

    @property
    def model_name(self) -> str:
        """The model's name in the catalogue."""
        return self._model.name

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the model's weights, hexadecimal."""
        return self._model.weights_sha256

    def predict(self, prompts: PromptSet) -> Future[SliceAnswer]:
        """Answer the prompts of one slice."""
        future: Future[SliceAnswer] = Future()
        try:
            future.set_result(self._answer(prompts))
        except SAMSegmentError as error:
            future.set_exception(error)
        return future

    def propagate(self, request: PropagationRequest, on_slice: Callable[[PropagatedSlice], None]) -> Future[None]:
        """Carry a mask to neighbouring slices, handing over each slice as it is made."""
        future: Future[None] = Future()
        try:
            for reached in propagate(self._volume, request, self._candidates):
                on_slice(reached)
            future.set_result(None)
        except CancelledError:
            future.cancel()
        except SAMSegmentError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Forget the embeddings."""
        self._embeddings.clear()

    def _candidates(self, prompts: PromptSet) -> Candidates:
        return self._answer(prompts).candidates

    def _answer(self, prompts: PromptSet) -> SliceAnswer:
        plane = slice_plane(self._volume, prompts.orientation, prompts.index)
        in_pixels = to_slice_prompts(prompts, plane)
        with self._model_failures_named():
            start = time.perf_counter()
            embedding, was_known = self._embedding(plane)
            encoded = time.perf_counter()
            (candidates,) = self._model.decode(embedding, [in_pixels])
            decoded = time.perf_counter()
        encode_ms = 0.0 if was_known else (encoded - start) * 1e3
        return SliceAnswer(plane, candidates, Timings(encode_ms, (decoded - encoded) * 1e3))

    @contextmanager
    def _model_failures_named(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # what torch raises, out of device memory included
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise EngineError(
                f"The model {self.model_name} failed on this slice ({reason}); try --device cpu or a smaller model."
            ) from error

    def _embedding(self, plane: SlicePlane) -> tuple[Embedding, bool]:
        key = plane.orientation, plane.index
        if key in self._embeddings:
            self._embeddings.move_to_end(key)
            return self._embeddings[key], True
        pixels = to_8bit(plane.extract(self._volume.array), self._window, inverted=self._volume.inverted)
        (embedding,) = self._model.encode([SliceImage(pixels, plane.spacing)])
        self._embeddings[key] = embedding
        if len(self._embeddings) > _EMBEDDINGS_KEPT:
            self._embeddings.popitem(last=False)
        return embedding, False
