"""How tissue moves from one slice to the next.

Neighbouring slices show the same structures, shifted and deformed. Registering them carries a mask along with the
tissue under it, which is a better guess at the next slice's mask than the mask itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

from .demons import demons

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The deformation is smooth: it is estimated on at most so many pixels a side in so many iterations, at first on few,
# which finds tissue that moves far.
_LEVELS = ((24, 8), (48, 2))
_SMALLEST_SIDE = 4


def carried(values: NDArray[np.float32], before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Values [row, column] of one slice, moved with the tissue to the next slice.

    :param before: the pixels that the values belong to.
    :param now: the same part of the next slice. What comes in from outside of the part is like its edge: tissue at the
        border of the image goes on beyond it.
    """
    if min(before.shape) < _SMALLEST_SIDE:
        return values
    field = np.zeros((2, *_grid_shape(before.shape, _LEVELS[0][0])), dtype=np.float32)
    for longest, iterations in _LEVELS:
        shape = _grid_shape(before.shape, longest)
        field = demons(_resized(before, shape), _resized(now, shape), _on_grid(field, shape), iterations)
    where = np.indices(before.shape, dtype=np.float32) + _on_grid(field, before.shape)
    moved: NDArray[np.float32] = ndimage.map_coordinates(values, where, order=1, mode="nearest")
    return moved


def _grid_shape(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(shape))
    return max(_SMALLEST_SIDE, round(shape[0] * scale)), max(_SMALLEST_SIDE, round(shape[1] * scale))


def _on_grid(field: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Displacements (2, rows, columns), along rows first, of one grid in the cells of another over the same part."""
    _, rows, columns = field.shape
    if (rows, columns) == shape:
        return field
    down, across = (_resized(part, shape) for part in field)
    return np.stack([down * (shape[0] / rows), across * (shape[1] / columns)])


def _resized(values: NDArray, shape: tuple[int, ...]) -> NDArray[np.float32]:
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
