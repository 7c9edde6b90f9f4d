"""The Segment Anything Model on slices: what ``SamPredictor`` does to photographs, done to grey slices in mm.

Steps and constants are those of facebookresearch/segment-anything (``SamPredictor``, ``Sam.preprocess``,
``Sam.postprocess_masks``), and tests compare the results with it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from ..slicegrid import SliceGrid
from .candidates import SliceResampler, interpolation_matrix, logits_prompt, make_candidates, require_prompt, row_bands
from .devices import DTYPES
from .fast_encoder import faster_encoder
from .interface import Embedding
from .sam_decoder import PromptBatch, SamDecoder
from .sam_network import INPUT_SIDE, LOGITS_SIDE
from .steps import run_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage
    from .interface import Candidates
    from .sam_decoder import PreparedImage
    from .sam_network import SegmentAnythingNetwork
    from .steps import Steps

# Mean and standard deviation of red, green and blue in the pictures it was trained on.
_MEAN = (123.675, 116.28, 103.53)
_DEVIATION = (58.395, 57.12, 57.375)

_POSITIVE, _NEGATIVE = 1, 0

# A click goes to one of the slices that are looked at; each takes 12 MB.
_PREPARED_SLICES = 4
_RESAMPLERS = 16

# On a graphics processor; on a CPU one after the other stays in the cache. The largest encoder takes 1 GB a slice.
_SLICE_BYTES = 1 << 30
_SLICES_AT_ONCE = 8
_PROMPT_SETS_AT_ONCE = 16


class SamModel:
    """:class:`PromptableModel` over a SAM network.

    A slice's longer side (in mm) fills 1024 square pixels. An embedding is one array ``image`` (256, 64, 64) in
    float16, 2 MB; decoding always starts from the rounded values, so that an embedding from a cache gives the same
    masks as a fresh one. The encoder computes in the precision that is asked for, the decoder in float32.

    On a CPU slices and prompt sets are computed one at a time; on a graphics processor slices together, and prompt sets
    with the same number of prompts (padding a set to another's length would change its answer).

    :param name: in the catalogue.
    :param network: in evaluation mode. It is moved to the device and its image encoder replaced by a faster one, so it
        belongs to this model from here on.
    :param weights_sha256: of the file that the weights came from.
    :param precision: of the encoder: float32, bfloat16 or float16.
    """

    def __init__(
        self,
        name: str,
        network: SegmentAnythingNetwork,
        weights_sha256: str,
        device: torch.device,
        precision: str = "float32",
    ) -> None:
        self.name = name
        self.weights_sha256 = weights_sha256
        self.precision = precision
        self._device = device
        network.image_encoder = faster_encoder(network.image_encoder, device, DTYPES[precision])
        self._network = network.to(device)
        self._decoder = SamDecoder(network.prompt_encoder, network.mask_decoder)
        # Embeddings are told apart by identity.
        self._prepared = lru_cache(_PREPARED_SLICES)(self._prepare_decoding)
        self._resampler = lru_cache(_RESAMPLERS)(self._make_resampler)

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        """Embeddings of slices, in their order."""
        return run_to_end(self.encode_in_steps(slices))

    @torch.inference_mode()
    def encode_in_steps(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        """The same embeddings; anything else may be asked of the model between two steps."""
        at_once = _slices_at_once(self._device)
        embeddings: list[Embedding] = []
        for start in range(0, len(slices), at_once):
            embeddings += yield from self._encode(slices[start : start + at_once])
        return embeddings

    @torch.inference_mode()
    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises InputError: a set is empty, of a kind that the model does not take, or holds another model's logits.
        """
        for prompts in prompt_sets:
            self._check(prompts)
        image, resample = self._prepared(embedding), self._resampler(embedding.grid)
        answers: dict[int, Candidates] = {}
        for indices in self._batches(prompt_sets):
            sets = [prompt_sets[index] for index in indices]
            logits, predicted_iou = self._decoder.decode(image, self._batch(sets, embedding.grid))
            for index, prompts, masks, iou in zip(indices, sets, logits, predicted_iou, strict=True):
                answers[index] = make_candidates(masks, iou, resample, ambiguous=prompts.is_ambiguous)
        return [answers[index] for index in range(len(prompt_sets))]

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

    def _encode(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        grids, pixels = zip(*(self._prepare(image) for image in slices), strict=True)
        encoded = yield from self._network.image_encoder.in_steps(torch.cat(pixels).to(self._device))
        features = encoded.to(torch.float16).cpu().numpy()
        # A copy, because an embedding must not keep the others of its batch in memory.
        return [
            Embedding(arrays={"image": np.array(image)}, grid=grid) for image, grid in zip(features, grids, strict=True)
        ]

    def _prepare_decoding(self, embedding: Embedding) -> PreparedImage:
        image = torch.from_numpy(embedding.arrays["image"]).to(self._device, torch.float32)
        return self._decoder.prepare(image)

    def _batches(self, prompt_sets: Sequence[SlicePrompts]) -> Iterator[list[int]]:
        """Which sets (by index) are answered together."""
        at_once = _sets_at_once(self._device)
        by_kind = sorted(range(len(prompt_sets)), key=lambda index: _kind(prompt_sets[index]))
        for _, alike in groupby(by_kind, key=lambda index: _kind(prompt_sets[index])):
            indices = list(alike)
            yield from (indices[start : start + at_once] for start in range(0, len(indices), at_once))

    def _batch(self, sets: Sequence[SlicePrompts], grid: SliceGrid) -> PromptBatch:
        """Sets of one kind, as the decoder takes them."""
        kind = _kind(sets[0])
        points = boxes = masks = None
        if kind.points:
            places = np.stack([grid.to_model(prompts.points) for prompts in sets])
            labels = np.stack([np.where(prompts.positive, _POSITIVE, _NEGATIVE) for prompts in sets])
            points = self._tensor(places, torch.float32), self._tensor(labels, torch.int32)
        if kind.has_box:
            corners = [grid.box_to_model(prompts.box) for prompts in sets if prompts.box is not None]
            boxes = self._tensor(np.array(corners), torch.float32)
        if kind.has_logits:
            logits = [prompt for prompts in sets if (prompt := logits_prompt(prompts, LOGITS_SIDE)) is not None]
            masks = self._tensor(np.stack(logits)[:, None], torch.float32)
        return PromptBatch(points, boxes, masks)

    def _tensor(self, values: NDArray, dtype: torch.dtype) -> Tensor:
        return torch.from_numpy(values).to(self._device, dtype)

    def _make_resampler(self, grid: SliceGrid) -> SliceResampler:
        """``Sam.postprocess_masks``: to the padded square, cropped to the slice, to its pixels; no antialiasing."""
        to_square = interpolation_matrix(LOGITS_SIDE, LOGITS_SIDE, INPUT_SIDE, antialias=False)
        rows, columns = (
            interpolation_matrix(model, model, source, antialias=False) @ to_square[:model]
            for model, source in zip(grid.model_shape, grid.source_shape, strict=True)
        )
        return SliceResampler(self._tensor(rows, torch.float32), self._tensor(columns, torch.float32), row_bands(rows))


class _Kind(NamedTuple):
    """Prompt sets of the same kind make tokens of the same number."""

    points: int
    has_box: bool
    has_logits: bool


def _kind(prompts: SlicePrompts) -> _Kind:
    return _Kind(len(prompts.points), prompts.box is not None, prompts.logits is not None)


def _sets_at_once(device: torch.device) -> int:
    return 1 if device.type == "cpu" else _PROMPT_SETS_AT_ONCE


def _slices_at_once(device: torch.device) -> int:
    if device.type != "cuda":
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    return min(max(1, free // _SLICE_BYTES), _SLICES_AT_ONCE)
