"""A model that goes on when a graphics processor runs out of memory: first slice by slice, then on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..models.interface import Candidates, Embedding, PromptableModel
    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage


class FallbackModel:
    """:class:`PromptableModel` that is made again on the CPU when its device has no memory left.

    :param make: makes the model on a device.
    :param device: the one to start on.
    :param tell: is given one sentence for the user, once for each step back.
    :raises EngineError: there is no memory for the model on the CPU either.
    """

    def __init__(self, make: Callable[[str], PromptableModel], device: str, tell: Callable[[str], None]) -> None:
        self._make = make
        self._tell = tell
        self._on_cpu = device == "cpu" or not _has_graphics_processor()
        self.batch = 1 if self._on_cpu else _GPU_BATCH
        try:
            self._model = make(device)
        except torch.OutOfMemoryError as error:
            self._go_to_cpu(error)

    @property
    def name(self) -> str:
        """The model's name in the catalogue."""
        return self._model.name

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights file, hexadecimal."""
        return self._model.weights_sha256

    @property
    def precision(self) -> str:
        """The number type that the encoder computes in; another one after a step back to the CPU."""
        return self._model.precision

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        """Embeddings of slices, in their order.

        :raises EngineError: there is no memory for one slice on the CPU either.
        """
        try:
            return self._model.encode(slices)
        except torch.OutOfMemoryError as error:
            if len(slices) == 1:
                self._go_to_cpu(error)
        if self.batch > 1:
            self.batch = 1
            self._tell("The graphics processor's memory is full: slices are encoded one at a time from now on.")
        return [embedding for image in slices for embedding in self.encode([image])]

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises EngineError: there is no memory for it on the CPU either.
        """
        try:
            return self._model.decode(embedding, prompt_sets)
        except torch.OutOfMemoryError as error:
            self._go_to_cpu(error)
        return self._model.decode(embedding, prompt_sets)

    def _go_to_cpu(self, error: torch.OutOfMemoryError) -> None:
        if self._on_cpu:
            raise _no_memory() from error
        self._on_cpu = True
        self.batch = 1
        self._tell("The graphics processor's memory is full: the model goes on with the CPU, more slowly.")
        try:
            self._model = self._make("cpu")
        except torch.OutOfMemoryError as again:
            raise _no_memory() from again


def _no_memory() -> EngineError:
    return EngineError("There is not enough memory for the model; close other programs or choose a smaller model.")


_GPU_BATCH = 4


def _has_graphics_processor() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()
