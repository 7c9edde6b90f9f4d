"""The built-in model: small, shipped with the package, needs no download and runs on any processor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage

from ..slicegrid import SliceGrid
from .builtin import INPUT_SIDE, LOGITS_STRIDE, BuiltinNetwork, ProjectedFeatures, SliceFeatures, fold_batch_norm
from .builtin_features import NEGATIVE, PADDING, POSITIVE, PromptTensors
from .candidates import SliceResampler, interpolation_matrix, logits_prompt, make_candidates, require_prompt
from .catalogue import BUILTIN
from .devices import has_native_bfloat16
from .interface import Embedding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage
    from .interface import Candidates

_LOGITS_SIDE = INPUT_SIDE // LOGITS_STRIDE
_MIDDLE_GREY, _GREY_SCALE = 127.5, 64.0


class BuiltinModel:
    """:class:`PromptableModel` over :class:`BuiltinNetwork`.

    A slice's longer side (in mm) fills 256 square pixels. An embedding holds ``stride8`` (112, 32, 32), ``stride4``
    (48, 64, 64) and ``stride2`` (8, 128, 128) in float16, 864 KB. Decoding always starts from these rounded arrays, so
    that an embedding from a cache gives the same masks as a fresh one. Slices are encoded and prompt sets decoded one
    at a time: results do not depend on what else was asked for.

    The encoder computes in bfloat16 where the processor does so natively (on two cores 15 ms instead of 23 ms a slice),
    the decoder always in float32.

    :param network: in evaluation mode; it is copied, not changed.
    :param weights_sha256: of the file that the weights came from.
    """

    name = BUILTIN

    def __init__(self, network: BuiltinNetwork, weights_sha256: str, device: torch.device) -> None:
        self.weights_sha256 = weights_sha256
        self._device = device
        self._encoder_bfloat16 = has_native_bfloat16(device)
        self.precision = "bfloat16" if self._encoder_bfloat16 else "float32"
        folded = fold_batch_norm(network).to(device)
        # Convolutions are faster with the channels innermost.
        self._network = folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs

    @torch.inference_mode()
    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        """Embeddings of slices, in their order."""
        return [self._encode(image) for image in slices]

    @torch.inference_mode()
    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises InputError: a set is empty, or holds a mask prompt of another model.
        """
        features = SliceFeatures(
            *(
                torch.from_numpy(embedding.arrays[name]).to(self._device, torch.float32).unsqueeze(0)
                for name in SliceFeatures._fields
            )
        )
        projected = self._network.decoder.project(features)
        resample = _resampler(embedding.grid, self._device)
        return [self._decode(projected, embedding.grid, resample, prompts) for prompts in prompt_sets]

    def _encode(self, image: SliceImage) -> Embedding:
        grid = SliceGrid.fit(image.pixels.shape, image.spacing, INPUT_SIDE)
        rows, columns = grid.model_shape
        canvas = torch.zeros(1, 1, INPUT_SIDE, INPUT_SIDE)
        grey = grid.resample(image.pixels).astype(np.float32)
        canvas[0, 0, :rows, :columns] = torch.from_numpy((grey - _MIDDLE_GREY) / _GREY_SCALE)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._encoder_bfloat16):
            features: SliceFeatures = self._network.encoder(canvas.to(self._device))
        arrays = {name: _half(values[0]) for name, values in features._asdict().items()}
        return Embedding(arrays=arrays, grid=grid)

    def _decode(
        self, projected: ProjectedFeatures, grid: SliceGrid, resample: SliceResampler, prompts: SlicePrompts
    ) -> Candidates:
        require_prompt(prompts)
        logits, predicted_iou = self._network.decoder(projected, _prompt_tensors(prompts, grid, self._device))
        candidates = make_candidates(logits[0], predicted_iou[0], resample, ambiguous=prompts.is_ambiguous)
        return candidates if prompts.box is not None else _without_stray_pieces(candidates, prompts)


def _without_stray_pieces(candidates: Candidates, prompts: SlicePrompts) -> Candidates:
    """The candidates without the pieces that no positive click is in: without a box, clicks alone say what is meant.

    A mask with a click in none of its pieces stays as it is.
    """
    columns, rows = prompts.points[prompts.positive].astype(int).T
    masks = np.stack([_pieces_at(mask, rows, columns) for mask in candidates.masks])
    return replace(candidates, masks=masks)


def _pieces_at(mask: NDArray[np.bool_], rows: NDArray[np.int_], columns: NDArray[np.int_]) -> NDArray[np.bool_]:
    pieces, count = ndimage.label(mask)
    clicked = np.unique(pieces[rows, columns])
    clicked = clicked[clicked > 0]
    if count <= 1 or clicked.size == 0:
        return mask
    return np.asarray(np.isin(pieces, clicked))


def _half(values: Tensor) -> np.ndarray:
    # bfloat16 reaches further than float16: a value beyond it would become infinite.
    limit = torch.finfo(torch.float16).max
    half = values.float().clamp(-limit, limit).to(torch.float16)
    return np.ascontiguousarray(half.cpu().numpy())


def _resampler(grid: SliceGrid, device: torch.device) -> SliceResampler:
    """From the logits of the padded square to the slice; an odd number of model pixels ends within a logit."""
    rows, columns = (
        interpolation_matrix(_LOGITS_SIDE, model / LOGITS_STRIDE, source, antialias=True)
        for model, source in zip(grid.model_shape, grid.source_shape, strict=True)
    )
    return SliceResampler(*(torch.from_numpy(matrix).float().to(device) for matrix in (rows, columns)))


def _prompt_tensors(prompts: SlicePrompts, grid: SliceGrid, device: torch.device) -> PromptTensors:
    """One prompt set in pixels of the padded square."""
    points = grid.to_model(prompts.points)
    labels = np.where(prompts.positive, POSITIVE, NEGATIVE)
    if len(points) == 0:
        points, labels = np.zeros((1, 2)), np.array([PADDING])
    box = (0.0, 0.0, 1.0, 1.0) if prompts.box is None else grid.box_to_model(prompts.box)
    logits = logits_prompt(prompts, _LOGITS_SIDE)
    earlier = torch.zeros(_LOGITS_SIDE, _LOGITS_SIDE) if logits is None else torch.from_numpy(logits)
    return PromptTensors(
        points=torch.from_numpy(points).float().to(device)[None],
        labels=torch.from_numpy(labels).to(device)[None],
        boxes=torch.tensor([box], dtype=torch.float32, device=device),
        has_box=torch.tensor([prompts.box is not None], device=device),
        logits=earlier.to(device)[None, None],
        has_logits=torch.tensor([logits is not None], device=device),
    )
