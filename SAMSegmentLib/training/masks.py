"""Small tools on binary masks [row, column]: components, boxes, and the places where a person would click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def window_of(mask: NDArray[Any], margin: int = 0) -> tuple[slice, slice]:
    """The rows and columns that hold all of a mask that is not empty, and ``margin`` pixels around it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def box_of(mask: NDArray[Any]) -> NDArray[np.float32]:
    """Inclusive corners (column0, row0, column1, row1) of a mask that is not empty."""
    rows, columns = window_of(mask)
    return np.array([columns.start, rows.start, columns.stop - 1, rows.stop - 1], np.float32)


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Pieces of a mask (eight neighbours) numbered from 1, and their areas in pixels."""
    pieces, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    return pieces, np.bincount(pieces.ravel(), minlength=count + 1)[1:]


def depth(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance in pixels of every mask pixel to the nearest pixel outside, beyond the image's border included."""
    distances = np.zeros(mask.shape, np.float32)
    if mask.any():
        window = window_of(mask)
        distances[window] = ndimage.distance_transform_edt(np.pad(mask[window], 1))[1:-1, 1:-1]
    return distances


def place_within(rng: Generator, distances: NDArray[np.float32], share: float) -> tuple[int, int]:
    """A random (column, row) among those at least ``share`` as deep as the deepest; the deepest itself for 1."""
    if share >= 1:
        row, column = np.unravel_index(int(distances.argmax()), distances.shape)
        return int(column), int(row)
    rows, columns = np.nonzero(distances > share * distances.max())
    chosen = int(rng.integers(len(rows)))
    return int(columns[chosen]), int(rows[chosen])


def corrective_click(
    rng: Generator, target: NDArray[np.bool_], answer: NDArray[np.bool_]
) -> tuple[tuple[int, int], bool] | None:
    """The next click of a simulated user, at or near the centre of the largest error.

    The protocol of interactive segmentation studies (Sofiiuk et al., 2022; Kirillov et al., 2023, appendix): a positive
    click where the answer misses the target, a negative one where it exceeds it, whichever error is deeper.

    :returns: (column, row) and whether the click is positive; None when the answer is the target.
    """
    missed, exceeded = depth(target & ~answer), depth(answer & ~target)
    if not missed.any() and not exceeded.any():
        return None
    is_positive = bool(missed.max() >= exceeded.max())
    share = 1.0 if rng.random() < 0.5 else 0.5
    return place_within(rng, missed if is_positive else exceeded, share), is_positive
