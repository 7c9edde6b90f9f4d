"""Models for the worker process whose timing or failure a test decides on; the process makes them by their names here.

They look into the folder that the environment variable ``SAMSEGMENT_TEST_FOLDER`` names, which the process inherits.
"""

import gc
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from SAMSegmentLib.models.interface import Candidates, Embedding
from SAMSegmentLib.models.steps import Steps
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage
from SAMSegmentLib.worker.channel import MessageWriter
from Testing.fakes import ThresholdModel

FOLDER_VARIABLE = "SAMSEGMENT_TEST_FOLDER"


def folder() -> Path:
    return Path(os.environ[FOLDER_VARIABLE])


def note(text: str) -> None:
    with (folder() / "calls").open("a") as file:
        file.write(f"{text}\n")


class GatedModel(ThresholdModel):
    """Notes each slice that it is asked for, by its brightest pixel, and waits while the test holds it."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        for image in slices:
            self._pass("encode", image.pixels)
        return super().encode(slices)

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        self._pass("decode", embedding.arrays["pixels"])
        return super().decode(embedding, prompt_sets)

    @staticmethod
    def _pass(what: str, pixels: np.ndarray) -> None:
        note(f"{what} {pixels.max()}")
        while (folder() / f"hold-{what}").exists():
            time.sleep(0.002)


class SteppedModel(GatedModel):
    """Encodes in four steps where it is asked to, notes each, and waits within them while the test holds "step"."""

    def encode_in_steps(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        for _ in range(3):
            for image in slices:
                self._pass("step", image.pixels)
            yield
            if (folder() / "no-encoding").exists():
                raise RuntimeError("the encoder was told to fail")
        return self.encode(slices)

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        if (folder() / "no-decoding").exists():
            raise RuntimeError("the decoder was told to fail")
        return super().decode(embedding, prompt_sets)


class MatrixModel(ThresholdModel):
    """As much matrix work for each slice as ViT-B's encoder does (0.74 TFLOP), through the same libraries."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        import torch

        rows, columns = torch.ones(4096, 768), torch.ones(768, 3072)
        for image in slices:
            note(f"encode {image.pixels.max()}")
            for _ in range(38):
                torch.matmul(rows, columns)
        return super().encode(slices)


class WideModel(ThresholdModel):
    """Embeddings of a megabyte, at next to no time."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        return [
            Embedding({**embedding.arrays, "wide": np.ones(1 << 18, dtype=np.float32)}, embedding.grid)
            for embedding in super().encode(slices)
        ]


class CrookedModel(ThresholdModel):
    """Answers with masks of another size than the slice's."""

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        (answer,) = super().decode(embedding, prompt_sets)
        return [Candidates(answer.masks[:, 1:], answer.predicted_iou, answer.stability, answer.logits, answer.best)]


class FallingModel(ThresholdModel):
    """Ends its process in the slice whose brightest pixel the test names, after a last word."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        if any(image.pixels.max() == int((folder() / "fatal").read_text()) for image in slices):
            sys.stderr.write("cannot allocate the flux capacitor\n")
            sys.stderr.flush()
            os._exit(3)
        return super().encode(slices)


class TalkativeModel(ThresholdModel):
    """Prints, and warns, and logs, as libraries do."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        print("printed by Python")  # noqa: T201 - what is tested
        os.write(1, b"printed by a C library\n")
        os.write(1, b"\x00\xff\xfe" * 5000)
        sys.stderr.write("50 %\r" * 1000)
        logging.getLogger("somebody.else").warning("logged by a library")
        return super().encode(slices)


class GarblingModel(ThresholdModel):
    """Writes among the messages."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        if not (folder() / "garbled").exists():
            (folder() / "garbled").touch()
            (writer,) = (item for item in gc.get_objects() if isinstance(item, MessageWriter))
            writer._stream.write(b"Segmentation fault (core dumped)\n")
        return super().encode(slices)


class BrokenOnceModel(ThresholdModel):
    """As on a graphics processor whose context breaks in the first process, and is whole in the next."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        import torch

        if not (folder() / "broken").exists():
            (folder() / "broken").touch()
            raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
        return super().encode(slices)


def broken_once(name: str, **options: object) -> BrokenOnceModel:
    return BrokenOnceModel()


def gated(name: str, **options: object) -> GatedModel:
    return GatedModel()


def stepped(name: str, **options: object) -> SteppedModel:
    return SteppedModel()


def matrix(name: str, **options: object) -> MatrixModel:
    return MatrixModel()


def slow_builtin(name: str, **options: object) -> object:
    """The built-in model, but each slice takes as long as with a large one."""
    from SAMSegmentLib.models.builtin_model import BuiltinModel
    from SAMSegmentLib.models.load import load_model

    encode_in_steps = BuiltinModel.encode_in_steps

    def slowly(self: BuiltinModel, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        for _ in range(15):
            time.sleep(0.01)
            yield
        return (yield from encode_in_steps(self, slices))

    BuiltinModel.encode_in_steps = slowly
    return load_model(name, **options)


def wide(name: str, **options: object) -> WideModel:
    return WideModel()


def crooked(name: str, **options: object) -> CrookedModel:
    return CrookedModel()


def falling(name: str, **options: object) -> FallingModel:
    return FallingModel()


def talkative(name: str, **options: object) -> TalkativeModel:
    return TalkativeModel()


def garbling(name: str, **options: object) -> GarblingModel:
    return GarblingModel()
