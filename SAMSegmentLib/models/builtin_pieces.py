"""What is left out of the built-in model's masks, and what is filled in: pieces and holes that nobody asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..prompts import SlicePrompts
    from .interface import Candidates

    _Pixels = tuple[NDArray[np.int_], NDArray[np.int_]]  # rows and columns

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
_SMALL_PIECE = 0.25  # of the largest piece
_SMALL_HOLE = 0.05  # of the mask


def without_specks(candidates: Candidates, prompts: SlicePrompts) -> Candidates:
    """The candidates without stray pieces and, in a box, without small holes.

    Clicks alone say what is meant: a piece that no positive click is in goes, unless that would leave nothing. In a box
    there may be several pieces, but not much smaller ones than the largest without a click, and no holes of less than
    a twentieth of the mask, unless a negative click is in them.
    """
    positive, negative = _pixels(prompts.points[prompts.positive]), _pixels(prompts.points[~prompts.positive])
    if prompts.box is None:
        masks = [_clicked_pieces(mask, positive) for mask in candidates.masks]
    else:
        masks = [_tidied_in_window(mask, positive, negative) for mask in candidates.masks]
    return replace(candidates, masks=np.stack(masks))


def _pixels(points: NDArray[np.float64]) -> _Pixels:
    columns, rows = points.astype(int).T
    return rows, columns


def _clicked_pieces(mask: NDArray[np.bool_], positive: _Pixels) -> NDArray[np.bool_]:
    pieces, count = ndimage.label(mask)
    clicked = np.unique(pieces[positive])
    clicked = clicked[clicked > 0]
    if count <= 1 or clicked.size == 0:
        return mask
    return np.asarray(np.isin(pieces, clicked))


def _tidied_in_window(mask: NDArray[np.bool_], positive: _Pixels, negative: _Pixels) -> NDArray[np.bool_]:
    """What :func:`_without_small_parts` makes of a mask, in the part of the slice that the mask is in: it is faster."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return mask
    # One pixel more, where there is one, so that what is around the mask hangs together.
    window = tuple(slice(max(0, line[0] - 1), line[-1] + 2) for line in (rows, columns))
    tidied: NDArray[np.bool_] = mask.copy()
    tidied[window] = _without_small_parts(mask[window], _within(window, positive), _within(window, negative))
    return tidied


def _within(window: tuple[slice, ...], pixels: _Pixels) -> _Pixels:
    """The pixels that are in a window, counted from its corner."""
    (rows, columns), (down, across) = pixels, window
    inside = (rows >= down.start) & (rows < down.stop) & (columns >= across.start) & (columns < across.stop)
    return rows[inside] - down.start, columns[inside] - across.start


def _without_small_parts(mask: NDArray[np.bool_], positive: _Pixels, negative: _Pixels) -> NDArray[np.bool_]:
    pieces, _ = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    keep = areas >= _SMALL_PIECE * areas.max()
    keep[pieces[positive]] = True
    keep[0] = False
    kept = keep[pieces]
    holes, _ = ndimage.label(~kept)
    areas = np.bincount(holes.ravel())
    fill = areas <= _SMALL_HOLE * kept.sum()
    # The first is the mask itself; what reaches the border is no hole.
    fill[0] = False
    for border in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        fill[border] = False
    fill[holes[negative]] = False
    filled: NDArray[np.bool_] = kept | fill[holes]
    return filled
