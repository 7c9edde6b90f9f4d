"""Sheared grids (gantry tilt) made rectangular, since neither ITK nor Slicer's slice views can hold a sheared one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..geometry import corner_voxels

if TYPE_CHECKING:
    from numpy.typing import NDArray


# What a user must know who brings voxel coordinates from the file as it is stored.
NEW_GRID_NOTE = "Voxel coordinates and labelmaps are those of the new grid; positions in mm (--ras) are unchanged."


def rectangular_grid(
    shape_ijk: tuple[int, int, int], ijk_to_ras: NDArray[np.float64]
) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """The rectangular grid that encloses a sheared one, without making it.

    :param shape_ijk: voxels along i, j and k of the sheared grid.
    :param ijk_to_ras: 4x4 in mm, sheared.
    :returns: voxels along i, j and k of the rectangular grid, and its 4x4.
    """
    target_axes = _rectangular_axes(ijk_to_ras[:3, :3])
    # Corners of the old grid in units of the new voxels, from the old origin.
    in_target = corner_voxels(shape_ijk) @ (np.linalg.inv(target_axes) @ ijk_to_ras[:3, :3]).T
    low = np.floor(in_target.min(axis=0) + 1e-6)
    high = np.ceil(in_target.max(axis=0) - 1e-6)
    target = np.eye(4)
    target[:3, :3] = target_axes
    target[:3, 3] = ijk_to_ras[:3, 3] + target_axes @ low
    i, j, k = (int(count) for count in high - low + 1)
    return (i, j, k), target


def make_rectangular(array: NDArray, ijk_to_ras: NDArray[np.float64]) -> tuple[NDArray, NDArray[np.float64]]:
    """Resample a regular but sheared grid onto the rectangular grid that encloses it.

    The i axis and the plane of i and j are kept, k becomes their normal: a slice of a tilted-gantry CT stays the slice
    that was measured, shifted within its plane. Linear interpolation; voxels that were not measured get the smallest
    value of the volume (air in CT). World positions are unchanged.

    :param array: [k, j, i].
    :param ijk_to_ras: 4x4 in mm, sheared.
    :returns: the resampled voxels, in the type of ``array``, and their 4x4.
    """
    i, j, k = array.shape[::-1]
    target_counts, target = rectangular_grid((i, j, k), ijk_to_ras)
    to_source = np.linalg.inv(ijk_to_ras) @ target
    # ndimage works in array order [k, j, i]: reverse rows and columns of the matrix.
    resampled = ndimage.affine_transform(
        array,
        to_source[:3, :3][::-1, ::-1],
        offset=to_source[:3, 3][::-1],
        output_shape=target_counts[::-1],
        output=np.float64,
        order=1,
        # Plain "constant" drops a whole border slice when rounding puts it 1e-15 outside of the old grid.
        mode="grid-constant",
        cval=float(array.min()),
    )
    if array.dtype.kind in "iu":
        np.rint(resampled, out=resampled)
    return resampled.astype(array.dtype), target


def _rectangular_axes(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three orthogonal axes in mm per voxel: i as it is, j and k made orthogonal to what comes before them."""
    spacing = np.linalg.norm(axes, axis=0)
    first = axes[:, 0] / spacing[0]
    second = axes[:, 1] - first * (first @ axes[:, 1])
    second /= np.linalg.norm(second)
    third = np.cross(first, second)
    along = float(third @ axes[:, 2])
    return np.stack([first * spacing[0], second * spacing[1], third * along], axis=1)
