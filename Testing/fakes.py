"""A model that paints what its prompts say: for tests of everything around a model, where the truth must be exact."""

from collections.abc import Sequence

import numpy as np

from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.models.interface import Candidates, Embedding
from SAMSegmentLib.models.steps import Steps
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceGrid, SliceImage


class ThresholdModel:
    """Answers with the slice's bright pixels (>= 128) inside of the box; a stand-in for a real network.

    Candidate 0 is that mask, 1 is the whole box, 2 is empty. It counts what it was asked.
    """

    name = "threshold"
    weights_sha256 = "0" * 64
    precision = "float32"

    def __init__(self, *, fails: bool = False) -> None:
        self.encoded: list[SliceImage] = []
        self.decoded: list[SlicePrompts] = []
        self.fails = fails

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        self.encoded.extend(slices)
        return [Embedding({"pixels": item.pixels}, SliceGrid(item.pixels.shape, item.pixels.shape)) for item in slices]

    def encode_in_steps(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        yield
        return self.encode(slices)

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        if self.fails:
            raise EngineError("The threshold model was told to fail.")
        self.decoded.extend(prompt_sets)
        return [self._answer(embedding.arrays["pixels"], prompts) for prompts in prompt_sets]

    @staticmethod
    def _answer(pixels: np.ndarray, prompts: SlicePrompts) -> Candidates:
        inside = np.ones(pixels.shape, dtype=bool)
        if prompts.box is not None:
            column0, row0, column1, row1 = (int(value) for value in prompts.box)
            inside[:] = False
            inside[max(0, row0 - 1) : row1 + 2, max(0, column0 - 1) : column1 + 2] = True
        bright = (pixels >= 128) & inside
        for (column, row), positive in zip(prompts.points.astype(int), prompts.positive, strict=True):
            bright[row, column] = positive
        masks = np.stack([bright, inside, np.zeros_like(bright)])
        scores = np.array([0.9, 0.6, 0.1], dtype=np.float32)
        # As real models' logits: a square whose top left part the slice fills.
        side = max(pixels.shape)
        logits = np.full((3, side, side), -4, dtype=np.float32)
        logits[:, : pixels.shape[0], : pixels.shape[1]] += 8 * masks
        return Candidates(masks, scores, scores, logits, 0)
