"""The Segment Anything Model on slices: what ``SamPredictor`` does to photographs, done to grey slices in mm.

Steps and constants are those of facebookresearch/segment-anything (``SamPredictor``, ``Sam.preprocess``,
``Sam.postprocess_masks``), and tests compare the results with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from ..slicegrid import SliceGrid
from .candidates import SliceResampler, interpolation_matrix, logits_prompt, make_candidates, require_prompt
from .interface import Embedding
from .sam_network import INPUT_SIDE, LOGITS_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage
    from .interface import Candidates
    from .sam_network import SamNetwork

# Mean and standard deviation of red, green and blue in the pictures it was trained on.
_MEAN = (123.675, 116.28, 103.53)
_DEVIATION = (58.395, 57.12, 57.375)

_POSITIVE, _NEGATIVE = 1, 0


class SamModel:
    """:class:`PromptableModel` over a SAM network.

    A slice's longer side (in mm) fills 1024 square pixels. An embedding is one array ``image`` (256, 64, 64) in
    float16, 2 MB; decoding always starts from the rounded values, so that an embedding from a cache gives the same
    masks as a fresh one. Slices and prompt sets are computed one at a time, in float32: padding a set to another's
    length would change its answer.

    :param name: in the catalogue.
    :param network: in evaluation mode; it is moved to the device.
    :param weights_sha256: of the file that the weights came from.
    """

    def __init__(self, name: str, network: SamNetwork, weights_sha256: str, device: torch.device) -> None:
        self.name = name
        self.weights_sha256 = weights_sha256
        self.precision = "float32"
        self._device = device
        self._network = network.to(device)

    @torch.inference_mode()
    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        """Embeddings of slices, in their order."""
        return [self._encode(image) for image in slices]

    @torch.inference_mode()
    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises InputError: a set is empty, of a kind that the model does not take, or holds another model's logits.
        """
        image = torch.from_numpy(embedding.arrays["image"]).to(self._device, torch.float32).unsqueeze(0)
        resample = _resampler(embedding.grid, self._device)
        return [self._decode(image, embedding.grid, resample, prompts) for prompts in prompt_sets]

    def _prepare(self, image: SliceImage) -> tuple[SliceGrid, Tensor]:
        """The slice's grid, and the encoder's input (1, 3, 1024, 1024), zero at the bottom and right of the slice."""
        grid = SliceGrid.fit(image.pixels.shape, image.spacing, INPUT_SIDE)
        grey = torch.from_numpy(grid.resample(image.pixels).astype(np.float32))
        rows, columns = grid.model_shape
        mean, deviation = (torch.tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
        colours = (grey.expand(3, -1, -1) - mean) / deviation
        return grid, F.pad(colours, (0, INPUT_SIDE - columns, 0, INPUT_SIDE - rows)).unsqueeze(0)

    def _check(self, prompts: SlicePrompts) -> None:
        """Refuse prompts that the model cannot answer.

        :raises InputError: the sentence says what it takes.
        """
        require_prompt(prompts)

    def _encode(self, image: SliceImage) -> Embedding:
        grid, pixels = self._prepare(image)
        features = self._network.image_encoder(pixels.to(self._device))[0]
        return Embedding(arrays={"image": features.to(torch.float16).cpu().numpy()}, grid=grid)

    def _decode(self, image: Tensor, grid: SliceGrid, resample: SliceResampler, prompts: SlicePrompts) -> Candidates:
        self._check(prompts)
        prompt_encoder = self._network.prompt_encoder
        sparse, dense = prompt_encoder(
            points=self._points(prompts, grid), boxes=self._boxes(prompts, grid), masks=self._masks(prompts)
        )
        # All four tokens in one pass; the decoder's own forward would throw one kind away.
        logits, predicted_iou = self._network.mask_decoder.predict_masks(
            image_embeddings=image,
            image_pe=prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
        return make_candidates(logits[0], predicted_iou[0], resample, ambiguous=prompts.is_ambiguous)

    def _points(self, prompts: SlicePrompts, grid: SliceGrid) -> tuple[Tensor, Tensor] | None:
        if len(prompts.points) == 0:
            return None
        points = torch.from_numpy(grid.to_model(prompts.points)).float().to(self._device)
        labels = np.where(prompts.positive, _POSITIVE, _NEGATIVE).astype(np.int32)
        return points[None], torch.from_numpy(labels).to(self._device)[None]

    def _boxes(self, prompts: SlicePrompts, grid: SliceGrid) -> Tensor | None:
        if prompts.box is None:
            return None
        return torch.tensor([grid.box_to_model(prompts.box)], dtype=torch.float32, device=self._device)

    def _masks(self, prompts: SlicePrompts) -> Tensor | None:
        logits = logits_prompt(prompts, LOGITS_SIDE)
        return None if logits is None else torch.from_numpy(logits).to(self._device)[None, None]


def _resampler(grid: SliceGrid, device: torch.device) -> SliceResampler:
    """``Sam.postprocess_masks``: to the padded square, cropped to the slice, then to its pixels; no antialiasing."""
    to_square = interpolation_matrix(LOGITS_SIDE, LOGITS_SIDE, INPUT_SIDE, antialias=False)
    rows, columns = (
        interpolation_matrix(model, model, source, antialias=False) @ to_square[:model]
        for model, source in zip(grid.model_shape, grid.source_shape, strict=True)
    )
    return SliceResampler(*(torch.from_numpy(matrix).float().to(device) for matrix in (rows, columns)))
