"""What a simulated user wants segmented in a view, and the first prompt that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .anatomy import DETAIL, PART, WHOLE
from .masks import box_of, components, depth, place_within, window_of
from .shapes import SIDE

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from .augment import View

_ATTEMPTS = 12
_SMALLEST_AREA = 16  # pixels of the view
_LARGEST_SHARE = 0.6  # of the slice
_ROUNDISH = 0.6  # compactness of an outline that a box alone describes
_VISIBLE = 0.4  # share of the border that can be seen; below it, a click alone cannot say what is meant


@dataclass(frozen=True)
class Target:
    """A structure and its prompts, in pixels of the view.

    :param mask: bool [row, column], not empty.
    :param point: (column, row) within the mask.
    :param box: the mask's box as a person would draw it, inclusive corners (column0, row0, column1, row1).
    :param is_visible: whether most of its border shows in the pixels.
    """

    mask: NDArray[np.bool_]
    point: tuple[int, int]
    box: NDArray[np.float32]
    is_visible: bool


def pick_target(rng: Generator, view: View) -> Target | None:
    """A random structure of the view, small ones as often as large ones; None when there is none to be found."""
    for _ in range(_ATTEMPTS):
        mask = _candidate(rng, view)
        if mask is None:
            continue
        visible = _visible_share(view, mask)
        if visible < _VISIBLE and _compactness(mask) < _ROUNDISH and rng.random() < 0.85:
            continue  # nobody can know a ragged outline that does not show; a roundish one is at least a fair guess
        share = 1.0 if rng.random() < 0.55 else rng.uniform(0, 0.8)
        return Target(
            mask, place_within(rng, depth(mask), share), draw_box(rng, box_of(mask), view), visible > _VISIBLE
        )
    return None


def draw_box(rng: Generator, box: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """A box drawn by hand: exact, every edge off by some pixels or by a share of the size, or roomy."""
    side = view.pixels.shape[0]
    size = np.array([box[2] - box[0] + 1, box[3] - box[1] + 1] * 2)
    draw = rng.random()
    if draw < 0.45:
        return box
    if draw < 0.7:  # an unsteady hand: pixels, whatever the size
        shift = rng.uniform(-1, 1, 4) * rng.uniform(2, 6) * side / SIDE
    elif draw < 0.88:
        shift = rng.uniform(-1, 1, 4) * rng.uniform(0.02, 0.12) * size
    else:
        shift = np.abs(rng.normal(0, 1, 4)) * rng.uniform(0.02, 0.15) * size * (-1, -1, 1, 1)
    moved = np.clip(box + shift, 0, [view.shape[1] - 1, view.shape[0] - 1] * 2).astype(np.float32)
    return moved if np.all(moved[2:] - moved[:2] >= 2) else box


def _candidate(rng: Generator, view: View) -> NDArray[np.bool_] | None:
    rows, columns = view.shape
    labels = view.labels[rng.choice([WHOLE, PART, DETAIL], p=[0.6, 0.25, 0.15])]
    if rng.random() < 0.4:
        label = labels[rng.integers(rows), rng.integers(columns)]
    else:
        label = rng.choice(np.unique(labels[:rows:2, :columns:2]))
    if label == 0 and rng.random() < 0.85:
        return None
    mask = labels == label
    mask[rows:], mask[:, columns:] = False, False
    piece = _one_piece(rng, mask)
    if piece is None:
        return None
    mask = _redrawn(rng, piece)
    mask[rows:], mask[:, columns:] = False, False
    area = int(mask.sum())
    if not _SMALLEST_AREA <= area <= _LARGEST_SHARE * rows * columns:
        return None
    # Scattered tissue is rarely what a person asks for.
    return None if _compactness(mask) < 0.3 and rng.random() < 0.65 else mask


def _one_piece(rng: Generator, mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Nearly always one connected piece, large ones more often."""
    if rng.random() < 0.04:
        return mask
    pieces, areas = components(mask)
    large = np.flatnonzero(areas >= _SMALLEST_AREA)
    if large.size == 0:
        return None
    odds = np.sqrt(areas[large])
    chosen: NDArray[np.bool_] = pieces == 1 + rng.choice(large, p=odds / odds.sum())
    return chosen


def _redrawn(rng: Generator, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """As people draw: sometimes with holes filled, smoothed, generous or tight, or only up to a straight cut."""
    if rng.random() < 0.15:
        mask = ndimage.binary_fill_holes(mask)
    if mask.sum() > 60 and rng.random() < 0.35:
        # Some readers count the pixels of mixed grey values in, others leave them out.
        threshold = rng.choice([0.5, rng.uniform(0.25, 0.4), rng.uniform(0.6, 0.7)], p=[0.35, 0.45, 0.2])
        mask = ndimage.gaussian_filter(mask.astype(np.float32), rng.uniform(0.8, 2.2)) > threshold
    if mask.sum() > 200 and rng.random() < 0.05:
        mask = _cut(rng, mask)
    return mask


def _cut(rng: Generator, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part on one side of a line across the mask, if most of it: a reader ended the structure there."""
    rows, columns = np.nonzero(mask)
    angle = rng.uniform(0, 2 * np.pi)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    keep = along < np.quantile(along, rng.uniform(0.45, 0.85))
    part = np.zeros_like(mask)
    part[rows[keep], columns[keep]] = True
    return part


def _compactness(mask: NDArray[np.bool_]) -> float:
    """Share of its box that a mask fills: 0.79 for a disc, less for a ring or a branch."""
    return float(mask[window_of(mask)].mean())


def _visible_share(view: View, mask: NDArray[np.bool_]) -> float:
    """Share of the pixels just outside of a mask that look unlike its inside."""
    window = window_of(mask, 4)
    inside = mask[window]
    rows, columns = view.shape
    pixels = view.pixels[window]
    # Averaged, because noise does not hide a border from a person.
    smooth = ndimage.uniform_filter(pixels, 3)
    near = ndimage.binary_dilation(inside, iterations=3) & ~ndimage.binary_dilation(inside)
    near[max(0, rows - window[0].start) :], near[:, max(0, columns - window[1].start) :] = False, False
    if not near.any():
        return 0.0
    values = smooth[inside]
    return float(np.mean(np.abs(smooth[near] - np.median(values)) > 0.8 * values.std() + 1.0))
