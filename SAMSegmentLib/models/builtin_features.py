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


class CoarseFeatures(NamedTuple):
    """The decoder's view of the prompts at stride 4, float32.

    ``maps`` is (n, COARSE_CHANNELS, h, w), and ``appearance`` (n, 4 * d) holds the mean unit descriptors of positive
    clicks, negative clicks, box core and previous mask, zero where there are none.
    """

    maps: Tensor
    appearance: Tensor


class _BoxFrame(NamedTuple):
    """Every cell seen from a box: ``across`` (n, 1, w) and ``down`` (n, h, 1) are -1..1 between its edges."""

    signed_distance: Tensor  # (n, h, w), pixels, positive inside
    across: Tensor
    down: Tensor
    radius_squared: Tensor  # (n, h, w), below 1 within the inscribed ellipse
    present: Tensor  # (n, 1, 1), 1 or 0


def coarse_features(descriptors: Tensor, prompts: PromptTensors) -> CoarseFeatures:
    """Draw prompts into maps and compare the slice's descriptors with those under the prompts.

    :param descriptors: (n, d, h, w) float32, unit length along d, at stride 4.
    """
    height, width = descriptors.shape[2:]
    box = _box_frame(prompts, height, width, COARSE_STRIDE)
    present = prompts.has_logits.float()[:, None, None, None]
    previous = F.pixel_unshuffle(_previous(prompts), 2)
    similarity, appearance = _similarity(descriptors, prompts, box, previous)
    maps = torch.cat(
        [
            _click_maps(prompts, height, width, COARSE_STRIDE, _COARSE_SIGMAS),
            _coarse_box_maps(box),
            similarity,
            previous,
            present.expand(-1, 1, height, width),
        ],
        dim=1,
    )
    return CoarseFeatures(maps, appearance)


def fine_features(prompts: PromptTensors, height: int, width: int) -> Tensor:
    """The decoder's view of the prompts at stride 2, (n, FINE_CHANNELS, height, width) float32."""
    box = _box_frame(prompts, height, width, FINE_STRIDE)
    edge = torch.tanh(box.signed_distance / 2) * box.present
    clicks = _click_maps(prompts, height, width, FINE_STRIDE, _FINE_SIGMAS)
    return torch.cat([clicks, edge.unsqueeze(1), _previous(prompts)], dim=1)


def _previous(prompts: PromptTensors) -> Tensor:
    """(n, 1, 2h, 2w) the earlier answer in -1..1, 0 where there is none."""
    return torch.tanh(prompts.logits.float() / 3) * prompts.has_logits.float()[:, None, None, None]


def _cell_centres(count: int, stride: int, device: torch.device) -> Tensor:
    return (torch.arange(count, device=device) + 0.5) * stride - 0.5


def _click_maps(prompts: PromptTensors, height: int, width: int, stride: int, sigmas: tuple[float, ...]) -> Tensor:
    """(n, 2 * len(sigmas), height, width): for each radius a gaussian around the nearest positive, negative click."""
    if bool((prompts.labels == PADDING).all()):
        return prompts.points.new_zeros(len(prompts.points), 2 * len(sigmas), height, width)
    columns = _cell_centres(width, stride, prompts.points.device)
    rows = _cell_centres(height, stride, prompts.points.device)
    across_squared = (columns - prompts.points[..., :1]) ** 2  # (n, k, width)
    down_squared = (rows - prompts.points[..., 1:]) ** 2
    maps = []
    for radius in sigmas:
        # Not narrower than a cell, or a click between two centres would vanish.
        sigma = max(radius, 0.6 * stride)
        across = torch.exp(-across_squared / (2 * sigma * sigma)).unsqueeze(2)
        down = torch.exp(-down_squared / (2 * sigma * sigma)).unsqueeze(3)
        spots = down * across
        maps += [(spots * (prompts.labels == label)[..., None, None]).amax(1) for label in (POSITIVE, NEGATIVE)]
    return torch.stack(maps, dim=1)


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


def _similarity(descriptors: Tensor, prompts: PromptTensors, box: _BoxFrame, previous: Tensor) -> tuple[Tensor, Tensor]:
    """How much each cell looks like what the prompts point at.

    :returns: cosines with the positive clicks (nearest, mean), the nearest negative click, the box core, the ring
        around the box and the previous mask, then the same six sharpened: (n, 12, h, w); and ``appearance`` (n, 4 * d).
    """
    count, _, height, width = descriptors.shape
    clicks = _descriptors_at(descriptors, prompts.points)
    regions = _region_descriptors(descriptors, box, previous)
    cosines = torch.bmm(torch.cat([clicks, regions], dim=1), descriptors.flatten(2))  # (n, k + 3, h * w)
    at_clicks, at_regions = cosines[:, : clicks.shape[1]], cosines[:, clicks.shape[1] :]

    positive = (prompts.labels == POSITIVE).unsqueeze(2)
    negative = (prompts.labels == NEGATIVE).unsqueeze(2)
    has_positive, has_negative = positive.any(1).float(), negative.any(1).float()
    positives = positive.float().sum(1).clamp(min=1)
    negatives = negative.float().sum(1).clamp(min=1)
    has_box, has_logits = box.present[:, 0], prompts.has_logits.float().unsqueeze(1)
    has_regions = torch.cat([has_box, has_box, has_logits], dim=1)

    click_maps = [
        at_clicks.masked_fill(~positive, -1.0).amax(1) * has_positive,
        (at_clicks * positive).sum(1) / positives,
        at_clicks.masked_fill(~negative, -1.0).amax(1) * has_negative,
    ]
    maps = torch.cat([torch.stack(click_maps, dim=1), at_regions * has_regions.unsqueeze(2)], dim=1)
    has_any = torch.cat([has_positive, has_positive, has_negative, has_regions], dim=1).unsqueeze(2)
    maps = torch.cat([maps, torch.exp(5 * (maps - 1)) * has_any], dim=1)
    appearance = [
        (clicks * positive).sum(1) / positives,
        (clicks * negative).sum(1) / negatives,
        regions[:, 0] * has_box,
        regions[:, 2] * has_logits,
    ]
    return maps.view(count, SIMILARITY_CHANNELS, height, width), torch.cat(appearance, dim=1)


def _descriptors_at(descriptors: Tensor, points: Tensor) -> Tensor:
    """(n, k, d) unit descriptors under points (n, k, 2)."""
    height, width = descriptors.shape[2:]
    size = points.new_tensor([width * COARSE_STRIDE, height * COARSE_STRIDE])
    places = ((points + 0.5) / size * 2 - 1).unsqueeze(2)
    sampled = F.grid_sample(descriptors, places, mode="bilinear", padding_mode="border", align_corners=False)
    return F.normalize(sampled.squeeze(3).transpose(1, 2), dim=2)


def _region_descriptors(descriptors: Tensor, box: _BoxFrame, previous: Tensor) -> Tensor:
    """(n, 3, d) mean unit descriptors of the box core, of a ring outside of the box and of the previous mask."""
    core = torch.sigmoid((0.6 - box.radius_squared) * 12) * box.present
    outwards = torch.maximum(box.across.abs(), box.down.abs())
    ring = torch.sigmoid((outwards - 1.08) * 20) * torch.sigmoid((1.6 - outwards) * 12) * box.present
    inside = torch.clamp(previous.mean(1), min=0)
    weights = torch.stack([core, ring, inside], dim=1).flatten(2)
    # The small constant leaves an empty region near zero instead of dividing by it.
    weights = weights / (weights.sum(2, keepdim=True) + 1e-3)
    return F.normalize(torch.bmm(weights, descriptors.flatten(2).transpose(1, 2)), dim=2, eps=1e-3)
