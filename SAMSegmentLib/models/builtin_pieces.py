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
    in_box = prompts.box is not None
    return replace(
        candidates, masks=np.stack([_tidied(mask, positive, negative, in_box=in_box) for mask in candidates.masks])
    )


def _pixels(points: NDArray[np.float64]) -> _Pixels:
    columns, rows = points.astype(int).T
    return rows, columns


def _tidied(mask: NDArray[np.bool_], positive: _Pixels, negative: _Pixels, *, in_box: bool) -> NDArray[np.bool_]:
    """One mask without what goes; only the part of the slice that it is in is looked at, which is faster."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return mask
    # One pixel more, where there is one, so that what is around the mask hangs together.
    window = tuple(slice(max(0, line[0] - 1), line[-1] + 2) for line in (rows, columns))
    positive, negative = _within(window, positive), _within(window, negative)
    tidied: NDArray[np.bool_] = mask.copy()
    if in_box:
        tidied[window] = _without_small_holes(_without_small_pieces(mask[window], positive), negative)
    else:
        tidied[window] = _clicked_pieces(mask[window], positive)
    return tidied


def _within(window: tuple[slice, ...], pixels: _Pixels) -> _Pixels:
    """The pixels that are in a window, counted from its corner."""
    (rows, columns), (down, across) = pixels, window
    inside = (rows >= down.start) & (rows < down.stop) & (columns >= across.start) & (columns < across.stop)
    return rows[inside] - down.start, columns[inside] - across.start


def _clicked_pieces(mask: NDArray[np.bool_], positive: _Pixels) -> NDArray[np.bool_]:
    pieces, count = ndimage.label(mask)
    clicked = _clicked(pieces, count, positive)
    if count == 1 or not clicked.any():
        return mask
    kept: NDArray[np.bool_] = clicked[pieces]
    return kept


def _without_small_pieces(mask: NDArray[np.bool_], positive: _Pixels) -> NDArray[np.bool_]:
    pieces, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    if count == 1:
        return mask
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    keep = (areas >= _SMALL_PIECE * areas.max()) | _clicked(pieces, count, positive)
    keep[0] = False
    kept: NDArray[np.bool_] = keep[pieces]
    return kept


def _without_small_holes(mask: NDArray[np.bool_], negative: _Pixels) -> NDArray[np.bool_]:
    holes, count = ndimage.label(~mask)
    fill = ~_clicked(holes, count, negative)
    # The first is the mask itself; what reaches the border is no hole.
    fill[0] = False
    for border in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        fill[border] = False
    if not fill.any():
        return mask
    fill &= np.bincount(holes.ravel()) <= _SMALL_HOLE * np.count_nonzero(mask)
    filled: NDArray[np.bool_] = mask | fill[holes]
    return filled


def _clicked(parts: NDArray[np.int32], count: int, clicks: _Pixels) -> NDArray[np.bool_]:
    """(count + 1,) which of the numbered parts a click is in; never number 0, which is none."""
    clicked = np.zeros(count + 1, dtype=bool)
    clicked[parts[clicks]] = True
    clicked[0] = False
    return clicked
