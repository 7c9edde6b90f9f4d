"""What the network is trained to make small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention

from ..models.builtin_features import FINE_STRIDE, PADDING

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.builtin_features import PromptTensors

_FOCAL_WEIGHT, _CLICK_WEIGHT = 5.0, 0.3
_CLICK_SIGMA = 4.0  # pixels
_EASY_WEIGHT = 0.1  # what a pixel that is right still counts in the focal loss
_ANY_CANDIDATE, _UNAMBIGUOUS_CANDIDATE, _ALL_CANDIDATES = 1.0, 0.3, 0.03
_IOU_WEIGHT = 0.5


def mask_losses(logits: Tensor, target: Tensor, near_clicks: Tensor) -> Tensor:
    """Soft Dice, focal cross entropy, and cross entropy near the clicks, which have to be obeyed.

    The first two as in SAM (Kirillov et al., 2023, appendix A); the focal weight (Lin et al., 2017) is linear in the
    error and carries no gradient.

    :param logits: (n, tokens, h, w).
    :param target: (n, h, w), the share 0..1 of each cell that belongs to the target.
    :param near_clicks: (n, h, w), see :func:`click_proximity`.
    :returns: (n, tokens).
    """
    wanted = target.unsqueeze(1).expand_as(logits)
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    error = (probability.detach() - wanted).abs().clamp(_EASY_WEIGHT)
    focal = (entropy * error).mean((2, 3))
    both = (probability * wanted).sum((2, 3))
    dice = 1 - (2 * both + 1) / (probability.sum((2, 3)) + wanted.sum((2, 3)) + 1)
    weight = near_clicks.unsqueeze(1)
    clicks = (entropy * weight).sum((2, 3)) / (weight.sum((2, 3)) + 1)
    return dice + _FOCAL_WEIGHT * focal + _CLICK_WEIGHT * clicks


def click_proximity(prompts: PromptTensors, height: int, width: int) -> Tensor:
    """(n, height, width) on the logits' grid: a gaussian around the nearest click of either kind."""
    device = prompts.points.device
    columns, rows = ((torch.arange(count, device=device) + 0.5) * FINE_STRIDE - 0.5 for count in (width, height))
    across = torch.exp(-((columns - prompts.points[..., :1]) ** 2) / (2 * _CLICK_SIGMA**2))
    down = torch.exp(-((rows - prompts.points[..., 1:]) ** 2) / (2 * _CLICK_SIGMA**2))
    spots = down.unsqueeze(3) * across.unsqueeze(2)
    return (spots * (prompts.labels != PADDING)[..., None, None]).amax(1)


def answer_loss(losses: Tensor, predicted_iou: Tensor, true_iou: Tensor, ambiguous: Tensor) -> Tensor:
    """The loss of one round of answers.

    Token 0 always learns. Of tokens 1 to 3 the best one learns (Kirillov et al., 2023, section 3), fully where one
    click left open what is meant, and a little bit of all three, so that none is lost.

    :param losses: (n, 4) of :func:`mask_losses`.
    :param predicted_iou: (n, 4).
    :param true_iou: (n, 4).
    :param ambiguous: (n,) bool.
    """
    best = losses[:, 1:].amin(1)
    weight = torch.where(ambiguous, _ANY_CANDIDATE, _UNAMBIGUOUS_CANDIDATE)
    masks = losses[:, 0].mean() + (weight * best).mean() + _ALL_CANDIDATES * losses[:, 1:].mean()
    return masks + _IOU_WEIGHT * (predicted_iou - true_iou).square().mean()


def affinity_loss(descriptors: Tensor, regions: Tensor, anchors: Tensor, scale: Tensor) -> Tensor:
    """Descriptors are to be alike within a structure and unlike across: binary cross entropy, both sides balanced.

    :param descriptors: (b, d, h, w) unit length along d.
    :param regions: (b, h, w) int64, equal within a structure.
    :param anchors: (b, k) int64, cells (row * w + column) that all others are compared with.
    :param scale: (2,) factor and offset from a cosine to a logit, trained along.
    """
    depth = descriptors.shape[1]
    cells, structure = descriptors.flatten(2), regions.flatten(1)
    chosen = cells.gather(2, anchors.unsqueeze(1).expand(-1, depth, -1))
    logits = torch.bmm(chosen.transpose(1, 2), cells) * scale[0] + scale[1]
    same = (structure.gather(1, anchors).unsqueeze(2) == structure.unsqueeze(1)).float()
    alike = same.sum(2, keepdim=True)
    unlike = same.shape[2] - alike
    weights = torch.where(same > 0, 0.5 / alike, 0.5 / unlike.clamp(min=1)) * (unlike > 0)
    return (F.binary_cross_entropy_with_logits(logits, same, reduction="none") * weights).sum(2).mean()
