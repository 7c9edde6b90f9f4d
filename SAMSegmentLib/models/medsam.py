"""MedSAM: SAM's smallest network trained on medical images, with its own way of preparing a slice.

Preparation as published (Ma et al., Segment anything in medical images, 2024; bowang-lab/MedSAM, MedSAM_Inference.py):
the slice is stretched to a square, its smallest and largest grey become 0 and 1, and the prompt is one box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import InputError
from ..slicegrid import SliceGrid
from .sam import SamModel
from .sam_network import INPUT_SIDE

if TYPE_CHECKING:
    from torch import Tensor

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage


class MedSamModel(SamModel):
    """:class:`SamModel` with MedSAM's preparation; it takes a box and nothing else."""

    def _prepare(self, image: SliceImage) -> tuple[SliceGrid, Tensor]:
        """The slice stretched over all of (1, 3, 1024, 1024): its proportions and spacing are ignored, as in training.

        Bicubic, as published, though by Pillow instead of scikit-image.
        """
        from PIL import Image

        rows, columns = image.pixels.shape
        grid = SliceGrid(source_shape=(rows, columns), model_shape=(INPUT_SIDE, INPUT_SIDE))
        stretched = Image.fromarray(np.ascontiguousarray(image.pixels)).resize(
            (INPUT_SIDE, INPUT_SIDE), Image.Resampling.BICUBIC
        )
        grey = torch.from_numpy(np.asarray(stretched, dtype=np.float32))
        low, high = grey.aminmax()
        scaled = (grey - low) / (high - low).clamp(min=1e-8)
        return grid, scaled.expand(1, 3, -1, -1).contiguous()

    def _check(self, prompts: SlicePrompts) -> None:
        if prompts.box is None or len(prompts.points) > 0 or prompts.logits is not None:
            raise InputError(
                f"{self.name} was trained for boxes only; give one box and no points, or choose another model."
            )
