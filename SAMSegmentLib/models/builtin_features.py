"""What the built-in model's decoder sees of the prompts: dense maps of clicks, boxes and look-alikes.

A click or a box is drawn into maps on the decoder's own grid, because a convolutional decoder learns *where* a prompt
is much faster from maps than from tokens. Positions are pixels of the encoder's input, pixel centres at integers, so
that cell ``n`` of a map with stride ``s`` has its centre at ``(n + 0.5) * s - 0.5``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor

POSITIVE, NEGATIVE, PADDING = 1, 0, -1

# Radii in pixels over which a click is drawn; the small ones say where exactly, the large ones what is far from it.
_COARSE_SIGMAS = (2.0, 6.0, 18.0, 50.0)
_FINE_SIGMAS = (2.0, 5.0)

COARSE_STRIDE, FINE_STRIDE = 4, 2
_FINER = COARSE_STRIDE // FINE_STRIDE
SIMILARITY_CHANNELS = 12
# Click maps, four box maps, similarities, the previous logits (2x2 fine cells to a coarse one), whether there are any.
COARSE_CHANNELS = 2 * len(_COARSE_SIGMAS) + 4 + SIMILARITY_CHANNELS + 4 + 1
# Click maps, one box map and the previous logits.
FINE_CHANNELS = 2 * len(_FINE_SIGMAS) + 1 + 1


@dataclass(frozen=True)
class PromptTensors:
    """Prompts for n masks, in pixels of the encoder's input (height, width).

    :param points: (n, k, 2) float32, (column, row).
    :param labels: (n, k) int64, ``POSITIVE``, ``NEGATIVE`` or ``PADDING`` where a set has fewer than k points; k >= 1.
    :param boxes: (n, 4) float32, inclusive corners (column0, row0, column1, row1); anything where there is none.
    :param has_box: (n,) bool.
    :param logits: (n, 1, height / 2, width / 2) float32, an earlier answer; anything finite where there is none.
    :param has_logits: (n,) bool.
    """

    points: Tensor
    labels: Tensor
    boxes: Tensor
    has_box: Tensor
    logits: Tensor
    has_logits: Tensor


class DrawnPrompts(NamedTuple):
    """Clicks and boxes as the decoder sees them, float32: what stays the same when an answer to them is fed back.

    Maps are (n, c, h, w) at stride 4, but for ``fine`` at stride 2.
    """

    shapes: Tensor  # where clicks and boxes are
    cosines: Tensor  # with the positive clicks (nearest, mean), the nearest negative click, box core and ring
    sharpened: Tensor  # the same five
    appearance: Tensor  # (n, 3 * d) mean unit descriptors of positive clicks, negative clicks, box core; else zero
    fine: Tensor


class CoarseFeatures(NamedTuple):
    """The decoder's view of the prompts at stride 4, float32.

    ``maps`` is (n, COARSE_CHANNELS, h, w), and ``appearance`` (n, 4 * d) holds the mean unit descriptors of positive
    clicks, negative clicks, box core and previous mask, zero where there are none.
    """

    maps: Tensor
    appearance: Tensor


class _Comparison(NamedTuple):
    """How much each cell looks like r things, and how those look."""

    cosines: Tensor  # (n, r, h, w), zero where there is no such thing
    sharpened: Tensor  # the same, with all but the most similar near zero
    regions: Tensor  # (n, m, d) unit descriptors, or zero


class _Drawn(NamedTuple):
    """One kind of prompts, clicks or boxes."""

    shapes: Tensor  # (n, c, h, w)
    like: _Comparison
    fine: Tensor  # (n, c, 2h, 2w)


class _BoxFrame(NamedTuple):
    """Every cell seen from a box: ``across`` (n, 1, w) and ``down`` (n, h, 1) are -1..1 between its edges."""

    signed_distance: Tensor  # (n, h, w), pixels, positive inside
    across: Tensor
    down: Tensor
    radius_squared: Tensor  # (n, h, w), below 1 within the inscribed ellipse
    present: Tensor  # (n, 1, 1), 1 or 0


def draw_prompts(descriptors: Tensor, prompts: PromptTensors) -> DrawnPrompts:
    """Draw clicks and boxes into maps and compare the slice's descriptors with those under them.

    :param descriptors: (n, d, h, w) float32, unit length along d, at stride 4.
    """
    clicks, boxes = _draw_clicks(descriptors, prompts), _draw_boxes(descriptors, prompts)
    core = boxes.like.regions[:, :1]
    return DrawnPrompts(
        shapes=torch.cat([clicks.shapes, boxes.shapes], dim=1),
        cosines=torch.cat([clicks.like.cosines, boxes.like.cosines], dim=1),
        sharpened=torch.cat([clicks.like.sharpened, boxes.like.sharpened], dim=1),
        appearance=torch.cat([clicks.like.regions, core], dim=1).flatten(1),
        fine=torch.cat([clicks.fine, boxes.fine], dim=1),
    )


def earlier_answer(prompts: PromptTensors) -> Tensor:
    """(n, 1, 2h, 2w) the earlier answer in -1..1, 0 where there is none."""
    if not bool(prompts.has_logits.any()):
        return torch.zeros_like(prompts.logits, dtype=torch.float32)
    return torch.tanh(prompts.logits.float() / 3) * prompts.has_logits.float()[:, None, None, None]


def coarse_features(descriptors: Tensor, drawn: DrawnPrompts, earlier: Tensor, has_earlier: Tensor) -> CoarseFeatures:
    """The drawn prompts and what an earlier answer adds to them.

    :param descriptors: those that the prompts were drawn with.
    :param earlier: (n, 1, 2h, 2w), see :func:`earlier_answer`.
    :param has_earlier: (n,) bool.
    """
    quarters = F.pixel_unshuffle(earlier, _FINER)
    present = has_earlier.float()[:, None]
    inside = torch.clamp(quarters.mean(1, keepdim=True), min=0)
    like_inside = _compared_with_regions(descriptors, inside, present)
    maps = [
        drawn.shapes,
        drawn.cosines,
        like_inside.cosines,
        drawn.sharpened,
        like_inside.sharpened,
        quarters,
        present[:, :, None, None].expand_as(inside),
    ]
    return CoarseFeatures(torch.cat(maps, dim=1), torch.cat([drawn.appearance, like_inside.regions.flatten(1)], dim=1))


def fine_features(drawn: DrawnPrompts, earlier: Tensor) -> Tensor:
    """The decoder's view of the prompts at stride 2, (n, FINE_CHANNELS, 2h, 2w) float32."""
    return torch.cat([drawn.fine, earlier], dim=1)


def _cell_centres(count: int, stride: int, device: torch.device) -> Tensor:
    return (torch.arange(count, device=device) + 0.5) * stride - 0.5


def _draw_clicks(descriptors: Tensor, prompts: PromptTensors) -> _Drawn:
    height, width = descriptors.shape[2:]
    if bool((prompts.labels == PADDING).all()):
        return _nothing_drawn(descriptors, 2 * len(_COARSE_SIGMAS), 3, 2, 2 * len(_FINE_SIGMAS))
    return _Drawn(
        _click_maps(prompts, height, width, COARSE_STRIDE, _COARSE_SIGMAS),
        _compared_with_clicks(descriptors, prompts),
        _click_maps(prompts, _FINER * height, _FINER * width, FINE_STRIDE, _FINE_SIGMAS),
    )


def _draw_boxes(descriptors: Tensor, prompts: PromptTensors) -> _Drawn:
    height, width = descriptors.shape[2:]
    if not bool(prompts.has_box.any()):
        return _nothing_drawn(descriptors, 4, 2, 2, 1)
    box = _box_frame(prompts, height, width, COARSE_STRIDE)
    fine = _box_frame(prompts, _FINER * height, _FINER * width, FINE_STRIDE)
    edge = torch.tanh(fine.signed_distance / 2) * fine.present
    return _Drawn(_coarse_box_maps(box), _compared_with_box(descriptors, box), edge.unsqueeze(1))


def _nothing_drawn(descriptors: Tensor, shapes: int, cosines: int, regions: int, fine: int) -> _Drawn:
    """Zeros for a kind of prompts that no set has; the numbers are those of channels."""
    count, _, height, width = descriptors.shape
    return _Drawn(
        descriptors.new_zeros(count, shapes, height, width),
        _unlike_anything(descriptors, cosines, regions),
        descriptors.new_zeros(count, fine, _FINER * height, _FINER * width),
    )


def _click_maps(prompts: PromptTensors, height: int, width: int, stride: int, sigmas: tuple[float, ...]) -> Tensor:
    """(n, 2 * len(sigmas), height, width): for each radius a gaussian around the nearest positive, negative click."""
    columns = _cell_centres(width, stride, prompts.points.device)
    rows = _cell_centres(height, stride, prompts.points.device)
    # Not narrower than a cell, or a click between two centres would vanish.
    scales = prompts.points.new_tensor([2 * max(radius, 0.6 * stride) ** 2 for radius in sigmas])[:, None, None]
    across = torch.exp(-((columns - prompts.points[:, None, :, :1]) ** 2) / scales)  # (n, radii, k, width)
    down = torch.exp(-((rows - prompts.points[:, None, :, 1:]) ** 2) / scales)
    spots = down.unsqueeze(4) * across.unsqueeze(3)
    of_label = [(prompts.labels == label)[:, None, :, None, None] for label in (POSITIVE, NEGATIVE)]
    return torch.stack([(spots * chosen).amax(2) for chosen in of_label], dim=2).flatten(1, 2)


def _box_frame(prompts: PromptTensors, height: int, width: int, stride: int) -> _BoxFrame:
    columns = _cell_centres(width, stride, prompts.points.device)[None, None]
    rows = _cell_centres(height, stride, prompts.points.device)[None, :, None]
    left, top, right, bottom = (prompts.boxes[:, corner, None, None] for corner in range(4))
    to_side = torch.minimum(columns - left, right - columns)
    to_top_or_bottom = torch.minimum(rows - top, bottom - rows)
    across = (columns - (left + right) / 2) / ((right - left + 1) / 2)
    down = (rows - (top + bottom) / 2) / ((bottom - top + 1) / 2)
    return _BoxFrame(
        signed_distance=torch.minimum(to_side, to_top_or_bottom) + 0.5,  # corners are pixel centres, edges half out
        across=across,
        down=down,
        radius_squared=across * across + down * down,
        present=prompts.has_box.float()[:, None, None],
    )


def _coarse_box_maps(box: _BoxFrame) -> Tensor:
    """(n, 4, h, w): distance to the edge (near and far), the inscribed ellipse, and whether there is a box."""
    maps = [
        torch.tanh(box.signed_distance / 2) * box.present,
        torch.tanh(box.signed_distance / 16) * box.present,
        torch.clamp(1 - box.radius_squared, -1) * box.present,
        box.present.expand_as(box.radius_squared),
    ]
    return torch.stack(maps, dim=1)


def _compared_with_clicks(descriptors: Tensor, prompts: PromptTensors) -> _Comparison:
    """Similarity to the nearest and the mean positive click and to the nearest negative one."""
    count, _, height, width = descriptors.shape
    clicks = _descriptors_at(descriptors, prompts.points)
    cosines = torch.bmm(clicks, descriptors.flatten(2))  # (n, k, h * w)
    positive = (prompts.labels == POSITIVE).unsqueeze(2)
    negative = (prompts.labels == NEGATIVE).unsqueeze(2)
    has_positive, has_negative = positive.any(1).float(), negative.any(1).float()
    positives = positive.float().sum(1).clamp(min=1)
    negatives = negative.float().sum(1).clamp(min=1)
    maps = [
        cosines.masked_fill(~positive, -1.0).amax(1) * has_positive,
        (cosines * positive).sum(1) / positives,
        cosines.masked_fill(~negative, -1.0).amax(1) * has_negative,
    ]
    regions = [(clicks * positive).sum(1) / positives, (clicks * negative).sum(1) / negatives]
    return _comparison(
        torch.stack(maps, dim=1).view(count, -1, height, width),
        torch.cat([has_positive, has_positive, has_negative], dim=1),
        torch.stack(regions, dim=1),
    )


def _compared_with_box(descriptors: Tensor, box: _BoxFrame) -> _Comparison:
    """Similarity to the core of a box and to a ring outside of it."""
    core = torch.sigmoid((0.6 - box.radius_squared) * 12) * box.present
    outwards = torch.maximum(box.across.abs(), box.down.abs())
    ring = torch.sigmoid((outwards - 1.08) * 20) * torch.sigmoid((1.6 - outwards) * 12) * box.present
    has_box = box.present[:, 0]
    return _compared_with_regions(descriptors, torch.stack([core, ring], dim=1), torch.cat([has_box, has_box], dim=1))


def _compared_with_regions(descriptors: Tensor, weights: Tensor, present: Tensor) -> _Comparison:
    """Similarity to regions.

    :param weights: (n, r, h, w), how much each cell counts.
    :param present: (n, r), 1 where there is such a region, else 0.
    """
    if not bool(present.any()):
        return _unlike_anything(descriptors, weights.shape[1], weights.shape[1])
    regions = _region_descriptors(descriptors, weights)
    cosines = torch.bmm(regions, descriptors.flatten(2)) * present.unsqueeze(2)
    return _comparison(cosines.view_as(weights), present, regions * present.unsqueeze(2))


def _unlike_anything(descriptors: Tensor, cosines: int, regions: int) -> _Comparison:
    count, depth, height, width = descriptors.shape
    maps = descriptors.new_zeros(count, cosines, height, width)
    return _Comparison(maps, maps, descriptors.new_zeros(count, regions, depth))


def _comparison(cosines: Tensor, present: Tensor, regions: Tensor) -> _Comparison:
    return _Comparison(cosines, torch.exp(5 * (cosines - 1)) * present[:, :, None, None], regions)


def _descriptors_at(descriptors: Tensor, points: Tensor) -> Tensor:
    """(n, k, d) unit descriptors under points (n, k, 2)."""
    height, width = descriptors.shape[2:]
    size = points.new_tensor([width * COARSE_STRIDE, height * COARSE_STRIDE])
    places = ((points + 0.5) / size * 2 - 1).unsqueeze(2)
    sampled = F.grid_sample(descriptors, places, mode="bilinear", padding_mode="border", align_corners=False)
    return F.normalize(sampled.squeeze(3).transpose(1, 2), dim=2)


def _region_descriptors(descriptors: Tensor, weights: Tensor) -> Tensor:
    """(n, r, d) mean unit descriptors of regions, weighted by (n, r, h, w)."""
    flat = weights.flatten(2)
    # The small constant leaves an empty region near zero instead of dividing by it.
    flat = flat / (flat.sum(2, keepdim=True) + 1e-3)
    return F.normalize(torch.bmm(flat, descriptors.flatten(2).transpose(1, 2)), dim=2, eps=1e-3)
