"""Where things are: anatomical orientations, slices of a volume, and the ways between slice pixels, IJK and RAS.

Frames used throughout: IJK are voxel indices (integers at voxel centres), RAS is patient space in mm (right,
anterior, superior), slice pixels are (column, row) with integers at pixel centres.

A slice is always shown the way radiologists look at it, whatever the order and direction of the stored axes:
axial and coronal with the patient's left on the right of the picture, sagittal with anterior on the left, and
superior (axial: anterior) on top. A model therefore sees the same picture of the same anatomy for all 48 ways of
storing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .volume import Volume

IJK = tuple[int, int, int]

# Cosine of the angle by which two voxel axes may miss the right angle (0.1 degrees) before a grid counts as sheared.
_SHEAR_COSINE = 2e-3

# How many times longer one side of a voxel may be than another that it counts as equal to: of a pixel, of a cube.
_SAME_PIXEL_SIDE, _SAME_SIDE = 1.01, 1.05


class Orientation(str, Enum):
    """The anatomical plane that a slice lies nearest to."""

    AXIAL = "axial"
    SAGITTAL = "sagittal"
    CORONAL = "coronal"


# ITK's patient axes (and DICOM's, NRRD's, MetaImage's) point left and posterior, ours right and anterior.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

_R, _A, _S = 0, 1, 2

# For each orientation: the RAS axis across the slices, and the (RAS axis, sign) along which columns and rows grow.
_VIEWS: dict[Orientation, tuple[int, tuple[int, int], tuple[int, int]]] = {
    Orientation.AXIAL: (_S, (_R, -1), (_A, -1)),
    Orientation.SAGITTAL: (_R, (_A, -1), (_S, -1)),
    Orientation.CORONAL: (_A, (_R, -1), (_S, -1)),
}


def anatomical_axes(ijk_to_ras: NDArray[np.float64]) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """For R, A and S: the voxel axis (0 = i) that runs nearest to it, and its sign.

    Each voxel axis is given to exactly one anatomical axis, also where an oblique volume lies between two: of the six
    assignments the one with the largest product of cosines is taken.

    :param ijk_to_ras: 4x4 in mm.
    """
    # Plain numbers: every slice asks, and for nine of them arrays take five times as long.
    axes = (ijk_to_ras[:3, :3] / np.linalg.norm(ijk_to_ras[:3, :3], axis=0)).tolist()
    best = max(permutations(range(3)), key=lambda order: prod(abs(axes[ras][order[ras]]) for ras in range(3)))
    right, anterior, superior = ((best[ras], 1 if axes[ras][best[ras]] >= 0 else -1) for ras in range(3))
    return right, anterior, superior


def axis_codes(ijk_to_ras: NDArray[np.float64]) -> str:
    """Three letters, one for the direction in which i, j and k grow, e.g. ``"LPS"``."""
    letters = ["", "", ""]
    for (axis, sign), pair in zip(anatomical_axes(ijk_to_ras), ("RL", "AP", "SI"), strict=True):
        letters[axis] = pair[0 if sign > 0 else 1]
    return "".join(letters)


def shear_cosine(ijk_to_ras: NDArray[np.float64]) -> float:
    """Largest cosine of the angle between two voxel axes; 0 where all are at right angles."""
    axes = ijk_to_ras[:3, :3] / np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())


def is_sheared(ijk_to_ras: NDArray[np.float64]) -> bool:
    """Whether the voxel axes miss right angles by more than 0.1 degrees."""
    return shear_cosine(ijk_to_ras) > _SHEAR_COSINE


def obliqueness_degrees(ijk_to_ras: NDArray[np.float64]) -> float:
    """Largest angle in degrees between a voxel axis and the anatomical axis it is taken for."""
    axes = ijk_to_ras[:3, :3] / np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    cosines = [abs(axes[ras, axis]) for ras, (axis, _) in enumerate(anatomical_axes(ijk_to_ras))]
    return float(np.degrees(np.arccos(np.clip(min(cosines), 0.0, 1.0))))


def corner_voxels(shape_ijk: tuple[int, int, int]) -> NDArray[np.int_]:
    """The (i, j, k) of a grid's eight outermost voxels, shape (8, 3)."""
    ends = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners: NDArray[np.int_] = ends * (np.array(shape_ijk) - 1)
    return corners


def apply_transform(matrix: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float64]:
    """Map points of shape (..., 3) by a 4x4 matrix."""
    values = np.asarray(points, dtype=np.float64)
    mapped: NDArray[np.float64] = values @ matrix[:3, :3].T + matrix[:3, 3]
    return mapped


def ras_to_voxel(volume: Volume, ras: ArrayLike) -> IJK:
    """The voxel (i, j, k) that contains a RAS position in mm.

    :raises InputError: the position lies outside of the volume.
    """
    position = np.asarray(ras, dtype=np.float64)
    if position.shape != (3,) or not np.isfinite(position).all():
        raise InputError(f"A RAS position is three finite numbers in mm, not {ras!r}.")
    i, j, k = (int(value) for value in np.floor(apply_transform(volume.ras_to_ijk, position) + 0.5))
    if not volume.contains((i, j, k)):
        place = ", ".join(f"{value:g}" for value in position)
        raise InputError(
            f"The RAS position ({place}) mm lies outside of {volume.name or 'the volume'}; "
            "'samsegment info' shows the volume's extent."
        )
    return i, j, k


@dataclass(frozen=True)
class SlicePlane:
    """One slice of a volume: an orientation and an index, and how its pixels lie among the voxels.

    ``column_axis`` and ``row_axis`` are voxel axes (0 = i, 1 = j, 2 = k); a flipped one runs against the stored order.
    ``shape`` is (rows, columns); ``spacing`` is (row, column) distance in mm.
    """

    orientation: Orientation
    index: int
    slice_axis: int
    column_axis: int
    row_axis: int
    column_flipped: bool
    row_flipped: bool
    shape: tuple[int, int]
    spacing: tuple[float, float]

    def extract(self, array: NDArray) -> NDArray:
        """The slice's pixels as a [row, column] view into ``array`` [k, j, i]; writing to it writes the voxels."""
        return self.oriented(array[self._selector()])

    def pixel_to_ijk(self, column: float, row: float) -> IJK:
        """The voxel under a slice position (rounded to the nearest pixel centre)."""
        rows, columns = self.shape
        ijk = [0, 0, 0]
        ijk[self.slice_axis] = self.index
        ijk[self.column_axis] = _unflip(int(np.floor(column + 0.5)), columns, self.column_flipped)
        ijk[self.row_axis] = _unflip(int(np.floor(row + 0.5)), rows, self.row_flipped)
        return ijk[0], ijk[1], ijk[2]

    def ijk_to_pixel(self, ijk: IJK) -> tuple[int, int]:
        """(column, row) of a voxel of this slice.

        :raises InputError: the voxel lies in another slice.
        """
        if ijk[self.slice_axis] != self.index:
            raise InputError(
                f"Voxel {tuple(ijk)} is not in {self.orientation.value} slice {self.index}; "
                f"its {'ijk'[self.slice_axis]} must be {self.index}."
            )
        rows, columns = self.shape
        column = _unflip(ijk[self.column_axis], columns, self.column_flipped)
        row = _unflip(ijk[self.row_axis], rows, self.row_flipped)
        return column, row

    def _selector(self) -> tuple[slice | int, ...]:
        selector: list[slice | int] = [slice(None)] * 3
        selector[2 - self.slice_axis] = self.index
        return tuple(selector)

    def oriented(self, pixels: NDArray) -> NDArray:
        """Pixels as they are cut from an array [k, j, i], turned to [row, column]; a view."""
        # The remaining array axes are in descending voxel-axis order (k before j before i).
        oriented = pixels if self.row_axis > self.column_axis else pixels.T
        if self.row_flipped:
            oriented = oriented[::-1]
        if self.column_flipped:
            oriented = oriented[:, ::-1]
        return oriented


def _unflip(value: int, count: int, flipped: bool) -> int:
    return count - 1 - value if flipped else value


def slice_axis(volume: Volume, orientation: Orientation) -> int:
    """The voxel axis (0 = i) that runs across the slices of an orientation."""
    return anatomical_axes(volume.ijk_to_ras)[_VIEWS[orientation][0]][0]


def slice_count(volume: Volume, orientation: Orientation) -> int:
    """Number of slices of an orientation."""
    return volume.shape_ijk[slice_axis(volume, orientation)]


def slice_range(volume: Volume, orientation: Orientation, first: int | None, last: int | None) -> tuple[int, int]:
    """The lowest and highest slice index of a range, inclusive; None is the volume's end.

    :raises InputError: they lie outside of the volume, or in the wrong order.
    """
    highest = slice_count(volume, orientation) - 1
    low = 0 if first is None else first
    high = highest if last is None else last
    if not 0 <= low <= high <= highest:
        raise InputError(
            f"{orientation.value.capitalize()} slices {low}:{high} must lie within 0:{highest}, the lower one first."
        )
    return low, high


def slice_plane(volume: Volume, orientation: Orientation, index: int) -> SlicePlane:
    """The slice ``index`` (along the stored voxel axis) of an orientation.

    :raises InputError: there is no such slice.
    """
    axes = anatomical_axes(volume.ijk_to_ras)
    across, (column_ras, column_sign), (row_ras, row_sign) = _VIEWS[orientation]
    axis = axes[across][0]
    column_axis, column_direction = axes[column_ras]
    row_axis, row_direction = axes[row_ras]
    counts, spacing = volume.shape_ijk, volume.spacing
    if not 0 <= index < counts[axis]:
        raise InputError(
            f"{volume.name or 'The volume'} has {orientation.value} slices 0 to {counts[axis] - 1}, not {index}."
        )
    return SlicePlane(
        orientation=orientation,
        index=index,
        slice_axis=axis,
        column_axis=column_axis,
        row_axis=row_axis,
        column_flipped=column_direction != column_sign,
        row_flipped=row_direction != row_sign,
        shape=(counts[row_axis], counts[column_axis]),
        spacing=(spacing[row_axis], spacing[column_axis]),
    )


def slice_through(volume: Volume, orientation: Orientation, ijk: IJK) -> SlicePlane:
    """The slice of an orientation that a voxel lies in.

    :raises InputError: the voxel lies outside of the volume.
    """
    if not volume.contains(ijk):
        raise InputError(
            f"Voxel {tuple(ijk)} lies outside of {volume.name or 'the volume'}, "
            f"whose voxels are 0,0,0 to {','.join(str(n - 1) for n in volume.shape_ijk)}."
        )
    return slice_plane(volume, orientation, ijk[slice_axis(volume, orientation)])


def native_orientation(volume: Volume) -> Orientation:
    """The orientation that the volume was acquired in, axial when in doubt.

    A single slice lies in the plane of its other two axes, whatever its thickness. DICOM's frames are the slices. Of
    other volumes two voxel sides that are equal are a pixel's, so that the slices are across the third one, be it the
    longest or the shortest; where there are no such two, they are across the longest side.
    """
    single = [item for item in Orientation if slice_count(volume, item) == 1]
    if len(single) == 1:
        return single[0]
    across = _slice_axis_as_acquired(volume)
    return next((item for item in Orientation if slice_axis(volume, item) == across), Orientation.AXIAL)


def _slice_axis_as_acquired(volume: Volume) -> int | None:
    """The voxel axis from slice to slice; None when the voxels are cubes."""
    if volume.source_frames:
        return 2
    spacing = volume.spacing
    if max(spacing) <= _SAME_SIDE * min(spacing):
        return None
    for axis in range(3):
        one, other = (length for number, length in enumerate(spacing) if number != axis)
        if max(one, other) <= _SAME_PIXEL_SIDE * min(one, other):
            return axis
    return int(np.argmax(spacing))
