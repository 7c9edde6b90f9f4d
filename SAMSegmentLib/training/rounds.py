"""Simulated users during training: a first prompt, then corrective clicks on the network's own answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from ..models.builtin import LOGITS_STRIDE
from ..models.builtin_features import NEGATIVE, PADDING, POSITIVE, PromptTensors
from .losses import affinity_loss, answer_loss, click_proximity, mask_losses
from .masks import corrective_click

if TYPE_CHECKING:
    from numpy.random import Generator
    from torch import Tensor

    from ..models.builtin import BuiltinNetwork, ProjectedFeatures
    from .batches import Batch
    from .config import TrainingConfig

# A share of the answers is not fed back: a user may also go on without them.
_FEEDBACK_SHARE = 0.85
_ANCHORS = 64
# A click on a structure whose border does not show says too little: a box is drawn instead, nearly always.
_HIDDEN_NEEDS_BOX = 0.85


class StepResult(NamedTuple):
    """The loss of a step and, for the log, named figures: Dice by first prompt and round."""

    loss: Tensor
    figures: dict[str, float]


def run_rounds(
    network: BuiltinNetwork,
    batch: Batch,
    scale: Tensor,
    config: TrainingConfig,
    rng: Generator,
    *,
    affinity_weight: float,
    corrections: bool,
) -> StepResult:
    """Answer every target of a batch, correct the answers, and add up the losses.

    The first and the last round carry gradient; those between only bring the clicks about, at a third of the cost.

    :param batch: on the network's device.
    :param scale: see :func:`affinity_loss`.
    :param affinity_weight: of that loss.
    :param corrections: False for first prompts only.
    """
    device = batch.slices.device
    target = F.avg_pool2d(batch.masks.float().unsqueeze(1), LOGITS_STRIDE).squeeze(1)
    wanted = target >= 0.5
    prompts, is_point, is_box = first_prompts(batch, config, rng)
    rounds = 1 + int(rng.choice(len(config.round_odds), p=config.round_odds)) if corrections else 1
    with torch.autocast(device.type, torch.bfloat16):
        projected = network.decoder.project(network.encoder(batch.slices))
    cells = projected.descriptors.shape[2] * projected.descriptors.shape[3]
    anchors = torch.from_numpy(rng.integers(0, cells, (len(batch.slices), _ANCHORS))).to(device)
    affinity = affinity_loss(projected.descriptors, batch.regions, anchors, scale)
    figures = {"affinity": affinity.item()}
    losses = []
    for number in range(rounds):
        learns = number in (0, rounds - 1)
        logits, predicted_iou = _answer(network, projected, prompts, learns=learns)
        iou, dice = _overlaps(logits.detach() > 0, wanted)
        ambiguous = is_point if number == 0 else torch.zeros_like(is_point)
        if learns:
            near_clicks = click_proximity(prompts, *target.shape[1:])
            losses.append(answer_loss(mask_losses(logits, target, near_clicks), predicted_iou, iou, ambiguous))
        figures.update(_figures(number, dice, predicted_iou.detach(), is_point, is_box))
        if number + 1 < rounds:
            answer = _chosen(logits.detach(), predicted_iou.detach(), ambiguous)
            prompts = _corrected(prompts, answer, wanted, rng)
    loss = torch.stack(losses).mean() + affinity_weight * affinity
    return StepResult(loss, {"loss": loss.item(), **figures})


def first_prompts(batch: Batch, config: TrainingConfig, rng: Generator) -> tuple[PromptTensors, Tensor, Tensor]:
    """A click, a box or both for every target; which targets have only a click, and which only a box (n,)."""
    count, side = len(batch.masks), batch.masks.shape[1]
    draw = torch.from_numpy(rng.random(count))
    hidden = ~batch.visible.cpu() & torch.from_numpy(rng.random(count) < _HIDDEN_NEEDS_BOX)
    is_point = (draw < config.point_share) & ~hidden
    is_box = ((draw < config.point_share + config.box_share) & ~is_point).to(batch.masks.device)
    is_point = is_point.to(batch.masks.device)
    labels = torch.where(is_box, PADDING, POSITIVE).unsqueeze(1)
    prompts = PromptTensors(
        points=batch.points.unsqueeze(1),
        labels=labels,
        boxes=batch.boxes,
        has_box=~is_point,
        logits=batch.points.new_zeros(count, 1, side // LOGITS_STRIDE, side // LOGITS_STRIDE),
        has_logits=torch.zeros_like(is_point),
    )
    return prompts, is_point, is_box


def _answer(
    network: BuiltinNetwork, projected: ProjectedFeatures, prompts: PromptTensors, *, learns: bool
) -> tuple[Tensor, Tensor]:
    with torch.set_grad_enabled(learns), torch.autocast(prompts.points.device.type, torch.bfloat16):
        logits, predicted_iou = network.decoder(projected, prompts)
    return logits.float(), predicted_iou.float()


def _overlaps(answers: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and Dice (n, 4) of answers (n, 4, h, w) with what is wanted (n, h, w)."""
    wanted = wanted.unsqueeze(1)
    both = (answers & wanted).sum((2, 3)).float()
    either = (answers | wanted).sum((2, 3)).float()
    return both / either.clamp(min=1), 2 * both / (both + either).clamp(min=1)


def _chosen(logits: Tensor, predicted_iou: Tensor, ambiguous: Tensor) -> Tensor:
    """(n, h, w) logits that a user would be shown: the best rated candidate of an ambiguous prompt, else token 0."""
    token = torch.where(ambiguous, 1 + predicted_iou[:, 1:].argmax(1), 0)
    return logits[torch.arange(len(logits), device=logits.device), token]


def _corrected(prompts: PromptTensors, answer: Tensor, wanted: Tensor, rng: Generator) -> PromptTensors:
    """The prompts with one more click each, and (nearly always) the answer as mask prompt."""
    count, device = len(answer), answer.device
    shown, truth = (answer > 0).cpu().numpy(), wanted.cpu().numpy()
    points = np.zeros((count, 1, 2), np.float32)
    labels = np.full((count, 1), PADDING)
    for index in range(count):
        click = corrective_click(rng, truth[index], shown[index])
        if click is not None:
            place, is_positive = click
            # The middle of the logit's cell, in pixels.
            points[index, 0] = (np.array(place) + 0.5) * LOGITS_STRIDE - 0.5
            labels[index, 0] = POSITIVE if is_positive else NEGATIVE
    fed_back = torch.from_numpy(rng.random(count) < _FEEDBACK_SHARE).to(device)
    return replace(
        prompts,
        points=torch.cat([prompts.points, torch.from_numpy(points).to(device)], dim=1),
        labels=torch.cat([prompts.labels, torch.from_numpy(labels).to(device)], dim=1),
        logits=answer.unsqueeze(1) * fed_back[:, None, None, None],
        has_logits=fed_back,
    )


def _figures(number: int, dice: Tensor, predicted_iou: Tensor, is_point: Tensor, is_box: Tensor) -> dict[str, float]:
    """Mean Dice of token 0 by first prompt; of a first click also of the best candidate and of the best rated one."""
    groups = {"point": is_point, "box": is_box, "both": ~is_point & ~is_box}
    figures = {f"{name}{number}": dice[group, 0].mean().item() for name, group in groups.items() if group.any()}
    if number == 0 and is_point.any():
        candidates = dice[is_point, 1:]
        rated = predicted_iou[is_point, 1:].argmax(1, keepdim=True)
        figures["point0_best"] = candidates.amax(1).mean().item()
        figures["point0_chosen"] = candidates.gather(1, rated).mean().item()
    return figures
