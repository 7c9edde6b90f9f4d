"""A model that goes on when a graphics processor runs out of memory: first slice by slice, then on the CPU."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from ..errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..models.interface import Candidates, Embedding, PromptableModel
    from ..models.steps import Steps
    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage


# A click waits for the batch that is running; two slices keep a graphics processor busy between their launches.
_GPU_BATCH = 2

# Errors of a graphics processor other than want of memory: its context is broken, and everything after fails, too.
# PyTorch has a type of its own for them since 2.8.
_DEVICE_ERRORS: tuple[type[RuntimeError], ...] = (torch.AcceleratorError,) if hasattr(torch, "AcceleratorError") else ()


# Apple's graphics processors have no type of error of their own.
_MPS_OUT_OF_MEMORY = "MPS backend out of memory"


class BrokenDeviceError(Exception):
    """The process cannot use its graphics processor any more; nobody catches this, so that another is started."""


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
            with _device_errors_sorted():
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
        :raises BrokenDeviceError: the graphics processor failed for good.
        """
        try:
            with _device_errors_sorted():
                return self._model.encode(slices)
        except torch.OutOfMemoryError as error:
            if len(slices) == 1:
                self._go_to_cpu(error)
        if self.batch > 1:
            self.batch = 1
            self._tell("The graphics processor's memory is full: slices are encoded one at a time from now on.")
        return [embedding for image in slices for embedding in self.encode([image])]

    def encode_in_steps(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        """The same embeddings, in one step unless the model is on the CPU.

        A graphics processor is done with a slice soon; and were something else computed between its steps and found no
        memory, half a slice would be on one device and half on the other.

        :raises EngineError: there is no memory for one slice on the CPU either.
        :raises BrokenDeviceError: the graphics processor failed for good.
        """
        if not self._on_cpu:
            return self.encode(slices)
        try:
            return (yield from self._model.encode_in_steps(slices))
        except torch.OutOfMemoryError as error:
            raise _no_memory() from error

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises EngineError: there is no memory for it on the CPU either.
        :raises BrokenDeviceError: the graphics processor failed for good.
        """
        try:
            with _device_errors_sorted():
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


@contextmanager
def _device_errors_sorted() -> Iterator[None]:
    """Want of memory on any device is an OutOfMemoryError within the block, a broken device a BrokenDeviceError."""
    try:
        yield
    except _DEVICE_ERRORS as error:
        raise BrokenDeviceError(str(error)) from error
    except RuntimeError as error:
        if _MPS_OUT_OF_MEMORY not in str(error):
            raise
        raise torch.OutOfMemoryError(str(error)) from error


def _no_memory() -> EngineError:
    return EngineError("There is not enough memory for the model; close other programs or choose a smaller model.")


def _has_graphics_processor() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()
