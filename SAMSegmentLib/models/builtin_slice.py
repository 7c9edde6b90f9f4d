"""One slice that the built-in decoder is asked about, again and again.

The network was trained to correct its own answers with them as a mask prompt (Sofiiuk et al., "Reviving iterative
training with mask guidance", 2022), and it corrects better than it starts. So clicks are answered one after the other,
each with the answer to those before it, and a box (with its first click) is looked at twice where the first answer is
not in doubt. Both are defined by the prompts alone: whether they came one by one or all at once, the answer has the
same bits.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from .builtin import INPUT_SIDE, LOGITS_STRIDE, PromptDecoder, SliceFeatures
from .builtin_features import NEGATIVE, PADDING, POSITIVE, PromptTensors
from .candidates import SliceResampler, interpolation_matrix, logits_prompt

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ..prompts import SlicePrompts
    from ..slicegrid import SliceGrid
    from .interface import Embedding

_LOGITS_SIDE = INPUT_SIDE // LOGITS_STRIDE
# Answers to clicks, 64 KB each: a user who corrects goes on from the last one.
_KEPT_ANSWERS = 64
# Predicted IoU of a first look that is worth a second one: a doubtful answer, fed back, gains nothing on average.
_SURE = 0.78
_Key = tuple[object, bytes, bytes]


class PreparedSlice:
    """What does not change between the prompts on one slice.

    :param decoder: computes in the number type of its weights.
    """

    def __init__(self, decoder: PromptDecoder, embedding: Embedding, device: torch.device) -> None:
        self._decoder = decoder
        self._device = device
        self._grid = embedding.grid
        features = SliceFeatures(
            *(
                torch.from_numpy(embedding.arrays[name]).to(device, decoder.number_type).unsqueeze(0)
                for name in SliceFeatures._fields
            )
        )
        self._projected = decoder.project(features)
        self._earlier: OrderedDict[_Key, NDArray[np.float32]] = OrderedDict()
        self.resample = _resampler(embedding.grid, device)

    def answer(self, prompts: SlicePrompts) -> tuple[Tensor, Tensor]:
        """Logits (4, 128, 128) and predicted IoU (4,) of all tokens, float32.

        :raises InputError: the prompts hold a mask prompt of another model.
        """
        if prompts.logits is not None:
            return self._look(prompts)
        if len(prompts.points) <= _opening_clicks(prompts):
            answer = self._opening_answer(prompts)
        else:
            answer = self._look(replace(prompts, logits=self._answer_so_far(prompts)))
        self._keep(prompts, _shown(*answer, prompts))
        return answer

    def _opening_answer(self, prompts: SlicePrompts) -> tuple[Tensor, Tensor]:
        """The answer to the first prompts: with a box a second look, unless the first one left doubts."""
        tensors = self._tensors(prompts)
        drawn = self._decoder.draw(self._projected, tensors)
        logits, predicted_iou = self._decoder.look(self._projected, drawn, tensors)
        if prompts.box is not None and float(predicted_iou[0, 0]) >= _SURE:
            # A box leaves no doubt about what is meant: its answer is token 0's.
            again = replace(tensors, logits=logits[:, :1], has_logits=torch.ones_like(tensors.has_logits))
            logits, predicted_iou = self._decoder.look(self._projected, drawn, again)
        return logits[0], predicted_iou[0]

    def _answer_so_far(self, prompts: SlicePrompts) -> NDArray[np.float32] | None:
        """Logits [row, column] of what the last click corrects."""
        opening, clicks = _opening_clicks(prompts), len(prompts.points)
        known, logits = self._longest_known(prompts, opening)
        for count in range(known + 1, clicks):
            earlier = _first_clicks(prompts, count)
            if count == opening:
                logits = _shown(*self._opening_answer(earlier), earlier)
            else:
                logits = self._corrected(replace(earlier, logits=logits))
            self._keep(earlier, logits)
        return logits

    def _longest_known(self, prompts: SlicePrompts, opening: int) -> tuple[int, NDArray[np.float32] | None]:
        """The most of the clicks, but the last, whose answer is at hand; one less than the opening when none is."""
        for count in range(len(prompts.points) - 1, opening - 1, -1):
            logits = self._earlier.get(_key(_first_clicks(prompts, count)))
            if logits is not None:
                return count, logits
        return opening - 1, None

    def _keep(self, prompts: SlicePrompts, logits: NDArray[np.float32]) -> None:
        self._earlier[_key(prompts)] = logits
        if len(self._earlier) > _KEPT_ANSWERS:
            self._earlier.popitem(last=False)

    def _corrected(self, prompts: SlicePrompts) -> NDArray[np.float32]:
        """Logits [row, column] of the answer to prompts with an earlier answer among them."""
        tensors = self._tensors(prompts)
        logits = self._decoder.logits(self._projected, self._decoder.draw(self._projected, tensors), tensors)
        single: NDArray[np.float32] = logits[0, 0].cpu().numpy()
        return single

    def _look(self, prompts: SlicePrompts) -> tuple[Tensor, Tensor]:
        logits, predicted_iou = self._decoder(self._projected, self._tensors(prompts))
        return logits[0], predicted_iou[0]

    def _tensors(self, prompts: SlicePrompts) -> PromptTensors:
        return _prompt_tensors(prompts, self._grid, self._device)


def _shown(logits: Tensor, predicted_iou: Tensor, prompts: SlicePrompts) -> NDArray[np.float32]:
    """Logits [row, column] of the answer that a user is shown first."""
    token = 1 + int(predicted_iou[1:].argmax()) if prompts.is_ambiguous else 0
    shown: NDArray[np.float32] = logits[token].cpu().numpy()
    return shown


def _opening_clicks(prompts: SlicePrompts) -> int:
    """How many clicks are answered together at first: one with the box, else up to the first positive one."""
    if prompts.box is not None:
        return 1
    # What negative clicks alone say is no answer to go on from.
    return 1 + int(np.argmax(prompts.positive)) if prompts.positive.any() else len(prompts.points)


def _first_clicks(prompts: SlicePrompts, count: int) -> SlicePrompts:
    return replace(prompts, points=prompts.points[:count], positive=prompts.positive[:count])


def _key(prompts: SlicePrompts) -> _Key:
    return prompts.box, prompts.points.tobytes(), prompts.positive.tobytes()


def _resampler(grid: SliceGrid, device: torch.device) -> SliceResampler:
    """From the logits of the padded square to the slice; an odd number of model pixels ends within a logit."""
    rows, columns = (
        interpolation_matrix(_LOGITS_SIDE, model / LOGITS_STRIDE, source, antialias=True)
        for model, source in zip(grid.model_shape, grid.source_shape, strict=True)
    )
    return SliceResampler(torch.from_numpy(rows).float().to(device), torch.from_numpy(columns).float().to(device))


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
