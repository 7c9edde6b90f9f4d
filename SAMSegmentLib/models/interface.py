"""What every promptable model offers: encode slices once, answer prompts on the embedding many times.

No torch here: front ends import these types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceGrid, SliceImage
    from .steps import Steps


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a model keeps of one slice: a small named set of arrays that nobody but the model looks into.

    ``grid`` is the way between the slice's pixels and the model's.
    """

    arrays: Mapping[str, NDArray]
    grid: SliceGrid


@dataclass(frozen=True, eq=False)
class Candidates:
    """A model's answer to one prompt set: three masks, of which ``best`` is shown first.

    The best is the single mask token's (SAM: token 0) where the prompts are unambiguous; for one click alone, which may
    mean a part or the whole, it is that of the three multimask tokens with the highest predicted IoU. The others
    follow in the order of their predicted IoU. (Kirillov et al., Segment Anything, 2023, section 3.)

    :param masks: (3, rows, columns) bool in slice pixels.
    :param predicted_iou: (3,) float32, the model's own estimate of each mask's IoU with what was meant, 0..1.
    :param stability: (3,) float32, IoU of the mask with itself when the threshold moves by one logit up and down, 0..1.
    :param logits: (3, h, w) float32, low-resolution logits that may be fed back as a mask prompt.
    :param best: index of the candidate to show first.
    """

    masks: NDArray[np.bool_]
    predicted_iou: NDArray[np.float32]
    stability: NDArray[np.float32]
    logits: NDArray[np.float32]
    best: int = 0


class PromptableModel(Protocol):
    """A model that segments what prompts point at in single slices."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights file, hexadecimal: part of every cached embedding's key."""

    @property
    def precision(self) -> str:
        """The number type that its encoder computes in ("float32", "bfloat16", "float16"): part of the key, too."""

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        """Embeddings of slices, in their order."""

    def encode_in_steps(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        """The same embeddings; anything else may be asked of the model between two steps."""

    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order."""
