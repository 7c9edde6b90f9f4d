"""The built-in model: small, shipped with the package, needs no download and runs on any processor."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..slicegrid import SliceGrid
from .builtin import INPUT_SIDE, BuiltinNetwork, fold_batch_norm
from .builtin_pieces import without_specks
from .builtin_slice import PreparedSlice
from .candidates import make_candidates, require_prompt
from .catalogue import BUILTIN
from .devices import DTYPES, resolve_precision
from .interface import Embedding
from .packed_convolutions import can_pack, pack_convolutions
from .steps import each_within, run_to_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceImage
    from .interface import Candidates
    from .steps import Steps

_PREPARED_SLICES = 4
_MIDDLE_GREY, _GREY_SCALE = 127.5, 64.0


class BuiltinModel:
    """:class:`PromptableModel` over :class:`BuiltinNetwork`.

    A slice's longer side (in mm) fills 256 square pixels. An embedding holds ``stride8`` (112, 32, 32), ``stride4``
    (48, 64, 64) and ``stride2`` (8, 128, 128) in float16, 864 KB. Decoding always starts from these rounded arrays, so
    that an embedding from a cache gives the same masks as a fresh one. Slices are encoded and prompt sets decoded one
    at a time: results do not depend on what else was asked for.

    Encoder and decoder compute in bfloat16 where the processor does so natively; where only the encoder takes another
    type (float16), the decoder computes in float32.

    :param network: in evaluation mode; it is copied, not changed.
    :param weights_sha256: of the file that the weights came from.
    :param precision: as :func:`resolve_precision` takes it.
    """

    name = BUILTIN

    def __init__(
        self, network: BuiltinNetwork, weights_sha256: str, device: torch.device, precision: str = "auto"
    ) -> None:
        self.weights_sha256 = weights_sha256
        self._device = device
        self.precision = resolve_precision(precision, device)
        self._encoder_type = DTYPES[self.precision]
        folded = fold_batch_norm(network).to(device)
        if self._encoder_type is torch.bfloat16:
            folded.decoder.convolve_in(torch.bfloat16)
        if can_pack(device, folded.decoder.number_type):
            pack_convolutions(folded.decoder)
        # Embeddings are told apart by identity.
        self._prepared = lru_cache(_PREPARED_SLICES)(self._prepare_decoding)
        # Convolutions are faster with the channels innermost.
        self._network = folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        """Embeddings of slices, in their order."""
        return run_to_end(self.encode_in_steps(slices))

    @torch.inference_mode()
    def encode_in_steps(self, slices: Sequence[SliceImage]) -> Steps[list[Embedding]]:
        """The same embeddings; anything else may be asked of the model between two steps."""
        embeddings: list[Embedding] = []
        for image in slices:
            embedding = yield from self._encode(image)
            embeddings.append(embedding)
        return embeddings

    @torch.inference_mode()
    def decode(self, embedding: Embedding, prompt_sets: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order.

        :raises InputError: a set is empty, or holds a mask prompt of another model.
        """
        prepared = self._prepared(embedding)
        return [self._decode(prepared, prompts) for prompts in prompt_sets]

    def _encode(self, image: SliceImage) -> Steps[Embedding]:
        grid = SliceGrid.fit(image.pixels.shape, image.spacing, INPUT_SIDE)
        rows, columns = grid.model_shape
        canvas = torch.zeros(1, 1, INPUT_SIDE, INPUT_SIDE)
        grey = grid.resample(image.pixels).astype(np.float32)
        canvas[0, 0, :rows, :columns] = torch.from_numpy((grey - _MIDDLE_GREY) / _GREY_SCALE)
        # What is computed between steps chooses its own precision.
        precision = partial(
            torch.autocast, self._device.type, self._encoder_type, enabled=self._encoder_type is not torch.float32
        )
        features = yield from each_within(precision, self._network.encoder.in_steps(canvas.to(self._device)))
        arrays = {name: _half(values[0]) for name, values in features._asdict().items()}
        return Embedding(arrays=arrays, grid=grid)

    def _prepare_decoding(self, embedding: Embedding) -> PreparedSlice:
        return PreparedSlice(self._network.decoder, embedding, self._device)

    def _decode(self, prepared: PreparedSlice, prompts: SlicePrompts) -> Candidates:
        require_prompt(prompts)
        logits, predicted_iou = prepared.answer(prompts)
        candidates = make_candidates(logits, predicted_iou, prepared.resample, ambiguous=prompts.is_ambiguous)
        return without_specks(candidates, prompts)


def _half(values: Tensor) -> np.ndarray:
    # bfloat16 reaches further than float16: a value beyond it would become infinite.
    limit = torch.finfo(torch.float16).max
    half = values.float().clamp(-limit, limit).to(torch.float16)
    return np.ascontiguousarray(half.cpu().numpy())
