"""How tissue moves from one slice to the next.

Neighbouring slices show the same structures, shifted and deformed. Registering them (demons with symmetric forces:
Vercauteren et al., "Diffeomorphic demons", NeuroImage 2009; SimpleITK's filter) carries a mask along with the tissue
under it, which is a better guess at the next slice's mask than the mask itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# The deformation is smooth: it is estimated on at most this many pixels a side, after a first estimate on half of them,
# which finds tissue that moves far.
_LONGEST_SIDE = 48
_COARSE_ITERATIONS, _FINE_ITERATIONS = 8, 2
_SMOOTHING = 1.0  # pixels of the deformation's grid
_SMALLEST_SIDE = 4  # SimpleITK's demons need that many


def carried(values: NDArray[np.float32], before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Values [row, column] of one slice, moved with the tissue to the next slice.

    :param before: the pixels that the values belong to.
    :param now: the same part of the next slice. What comes in from outside of the part is like its edge: tissue at the
        border of the image goes on beyond it.
    """
    rows, columns = before.shape
    if min(rows, columns) < _SMALLEST_SIDE:
        return values
    across, down = np.moveaxis(_displacement(before, now), -1, 0)
    row, column = np.mgrid[:rows, :columns].astype(np.float32)
    moved: NDArray[np.float32] = ndimage.map_coordinates(values, [row + down, column + across], order=1, mode="nearest")
    return moved


def _displacement(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.float32]:
    """For each pixel of ``now``: where it was, (column, row) pixels away; (rows, columns, 2)."""
    fine = _grid_shape(before.shape, _LONGEST_SIDE)
    coarse = _grid_shape(before.shape, _LONGEST_SIDE // 2)
    first = _demons(before, now, coarse, _COARSE_ITERATIONS)
    field = _demons(before, now, fine, _FINE_ITERATIONS, _on_grid(first, fine))
    return _on_grid(field, before.shape)


def _demons(
    before: NDArray[np.uint8],
    now: NDArray[np.uint8],
    shape: tuple[int, int],
    iterations: int,
    start: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Displacements (rows, columns, 2) in cells of a grid of ``shape``, as (column, row)."""
    import SimpleITK as sitk

    moving, fixed = (sitk.GetImageFromArray(_resized(pixels, shape)) for pixels in (before, now))
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(iterations)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations(_SMOOTHING)
    starts = [] if start is None else [sitk.GetImageFromArray(start.astype(np.float64), isVector=True)]
    with _one_thread():
        field = demons.Execute(fixed, moving, *starts)
    return np.asarray(sitk.GetArrayFromImage(field), dtype=np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    # A slice is so small that sharing it out costs more than it saves, also in the filters within the filter, which
    # know only of the default.
    import SimpleITK as sitk

    usual = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(usual)


def _grid_shape(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(shape))
    return max(_SMALLEST_SIDE, round(shape[0] * scale)), max(_SMALLEST_SIDE, round(shape[1] * scale))


def _on_grid(field: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Displacements of one grid in the cells of another over the same part."""
    rows, columns = field.shape[:2]
    across, down = _resized(field[..., 0], shape), _resized(field[..., 1], shape)
    return np.stack([across * (shape[1] / columns), down * (shape[0] / rows)], axis=-1)


def _resized(values: NDArray, shape: tuple[int, ...]) -> NDArray[np.float32]:
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
