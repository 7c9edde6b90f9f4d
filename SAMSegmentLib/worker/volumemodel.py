"""A model on one volume: slices encoded once, prompts answered on their embeddings."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..embeddings import EmbeddingKey, window_key
from ..errors import EngineError
from ..geometry import slice_plane
from ..intensity import to_8bit
from ..models.catalogue import prompt_kinds
from ..prompts import to_slice_prompts
from ..slicegrid import SliceImage
from .interface import SliceAnswer, Timings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ..embeddings import CacheCounts, EmbeddingCache
    from ..geometry import Orientation, SlicePlane
    from ..models.interface import Candidates, Embedding, PromptableModel
    from ..models.steps import Steps
    from ..prompts import PromptSet, SlicePrompts
    from ..volume import Volume, Window


class VolumeModel:
    """Encodes and answers; for one thread, and nothing of it waits for anybody.

    :param volume: the volume that prompts speak of.
    :param window: how its values become the 8 bits that the model sees.
    :param cache: where embeddings are kept; it may hold those of other volumes, too.
    """

    def __init__(self, model: PromptableModel, volume: Volume, window: Window, cache: EmbeddingCache) -> None:
        self.volume = volume
        self._model = model
        self._window = window
        self._cache = cache

    @property
    def counts(self) -> CacheCounts:
        """Where embeddings have come from so far."""
        return self._cache.counts

    @property
    def takes_mask_prompts(self) -> bool:
        """Whether the model takes logits as a prompt; one that was trained for boxes alone does not."""
        return "mask" in prompt_kinds(self._model.name)

    def is_encoded(self, key: tuple[Orientation, int]) -> bool:
        """Whether a slice's embedding is at hand."""
        return self._cache.holds(self.key(*key))

    def encode_in_steps(self, planes: Sequence[SlicePlane]) -> Steps[None]:
        """Encode slices together and keep their embeddings; other slices may be answered between two steps.

        :raises EngineError: the model failed.
        """
        images = [self._image(plane) for plane in planes]
        with self._failures_named():
            embeddings = (yield from self._model.encode_in_steps(images)) if images else []
        for plane, embedding in zip(planes, embeddings, strict=True):
            self._cache.put(self.key(plane.orientation, plane.index), embedding)

    def answer(self, prompts: PromptSet) -> SliceAnswer:
        """The answer to the prompts of one slice; its embedding is made when it is not there.

        :raises InputError: a prompt lies outside of the volume, or is of a kind that the model does not take.
        :raises EngineError: the model failed.
        """
        plane = slice_plane(self.volume, prompts.orientation, prompts.index)
        in_pixels = to_slice_prompts(prompts, plane)
        start = time.perf_counter()
        embedding, was_known = self.embedding(plane)
        encoded = time.perf_counter()
        with self._failures_named():
            (candidates,) = self._model.decode(embedding, [in_pixels])
        decoded = time.perf_counter()
        encode_ms = 0.0 if was_known else (encoded - start) * 1e3
        return SliceAnswer(plane, candidates, Timings(encode_ms, (decoded - encoded) * 1e3))

    def pixels(self, plane: SlicePlane) -> NDArray[np.uint8]:
        """A slice as the model sees it, 8 bits [row, column]."""
        return to_8bit(plane.extract(self.volume.array), self._window, inverted=self.volume.inverted)

    def decode(self, plane: SlicePlane, prompts: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises InputError: a prompt is of a kind that the model does not take.
        :raises EngineError: the model failed.
        """
        embedding, _ = self.embedding(plane)
        with self._failures_named():
            return self._model.decode(embedding, prompts)

    def embedding(self, plane: SlicePlane) -> tuple[Embedding, bool]:
        """The embedding of a slice, and whether it was in the cache; otherwise it is there now.

        :raises EngineError: the model failed.
        """
        key = self.key(plane.orientation, plane.index)
        known = self._cache.get(key)
        if known is not None:
            return known, True
        with self._failures_named():
            (embedding,) = self._model.encode([self._image(plane)])
        # The model may have gone to another device and precision meanwhile: the key is asked for again.
        self._cache.put(self.key(plane.orientation, plane.index), embedding)
        return embedding, False

    def _image(self, plane: SlicePlane) -> SliceImage:
        return SliceImage(self.pixels(plane), plane.spacing)

    def key(self, orientation: Orientation, index: int) -> EmbeddingKey:
        """What the embedding of a slice depends on."""
        return EmbeddingKey(
            fingerprint=self.volume.fingerprint,
            window=window_key(self._window, self.volume.inverted),
            model=self._model.name,
            weights_sha256=self._model.weights_sha256,
            precision=self._model.precision,
            orientation=orientation.value,
            index=index,
        )

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, MemoryError) as error:  # what torch and numpy raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise EngineError(
                f"The model {self._model.name} failed on this slice ({reason}); try --device cpu or a smaller model."
            ) from error
