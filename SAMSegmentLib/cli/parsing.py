"""Points, boxes and slice ranges as a user writes them on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..geometry import Orientation, apply_transform, native_orientation, ras_to_voxel, slice_axis
from ..prompts import Box, Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..geometry import IJK
    from ..volume import Volume

# The anatomical axis (of R, A, S) across an orientation's slices.
_ACROSS = {Orientation.SAGITTAL: 0, Orientation.CORONAL: 1, Orientation.AXIAL: 2}

# Larger numbers are neither voxels nor mm of a patient, and would overflow on their way.
_LARGEST_NUMBER = 1e6

_SIGNS = {"+": True, "-": False}


@dataclass(frozen=True)
class WrittenPoint:
    """A point as written: three numbers, voxels or mm."""

    position: tuple[float, float, float]
    positive: bool


@dataclass(frozen=True)
class WrittenBox:
    """A box as written: two corners, voxels or mm."""

    corners: tuple[tuple[float, float, float], tuple[float, float, float]]


def parse_point(text: str) -> WrittenPoint:
    """``I,J,K`` with ``,+`` or ``,-`` behind it.

    :raises InputError: it is something else.
    """
    parts = text.split(",")
    positive = True
    if len(parts) == 4 and parts[3].strip() in _SIGNS:
        positive = _SIGNS[parts.pop().strip()]
    values = _numbers(parts)
    if len(values) != 3:
        raise InputError(f"--point {text!r} is not I,J,K or I,J,K,+ or I,J,K,- (three numbers).")
    return WrittenPoint((values[0], values[1], values[2]), positive)


def parse_box(text: str) -> WrittenBox:
    """``I0,J0,K0,I1,J1,K1``.

    :raises InputError: it is something else.
    """
    values = _numbers(text.split(","))
    if len(values) != 6:
        raise InputError(f"--box {text!r} is not I0,J0,K0,I1,J1,K1 (six numbers).")
    return WrittenBox(((values[0], values[1], values[2]), (values[3], values[4], values[5])))


def parse_range(text: str | None) -> tuple[int | None, int | None]:
    """``A:B``, ``A:`` or ``:B``; None is the volume's end.

    :raises InputError: it is something else.
    """
    if text is None:
        return None, None
    parts = text.split(":")
    try:
        first, last = (int(part) if part.strip() else None for part in parts)
    except ValueError as error:
        raise InputError(f"--slices {text!r} is not A:B (two slice numbers).") from error
    return first, last


def to_voxel(volume: Volume, position: tuple[float, float, float], *, ras: bool) -> IJK:
    """The voxel that a written position means.

    :raises InputError: it is not within the volume, or is no whole voxel.
    """
    if ras:
        return ras_to_voxel(volume, position)
    if any(value != int(value) for value in position):
        raise InputError(f"Voxel {_written(position)} has fractions; give whole voxels, or mm with --ras.")
    i, j, k = (int(value) for value in position)
    if not volume.contains((i, j, k)):
        last = ",".join(str(count - 1) for count in volume.shape_ijk)
        raise InputError(f"Voxel {_written(position)} lies outside of {volume.name}, whose voxels are 0,0,0 to {last}.")
    return i, j, k


def to_point(volume: Volume, written: WrittenPoint, *, ras: bool) -> Point:
    """A written point in voxels."""
    return Point(to_voxel(volume, written.position, ras=ras), written.positive)


def to_boxes(
    volume: Volume, written: Sequence[WrittenBox], orientation: Orientation | None, *, ras: bool
) -> tuple[Orientation, list[Box]]:
    """Written boxes in voxels, and the slices they lie in.

    Those are the wanted ones, else those that all boxes are flat in, else those that the volume was acquired in.

    :raises InputError: a box leaves the volume, or is not flat in that orientation.
    """
    if ras:
        found = orientation or _flat_orientation([_flat_in_mm(box) for box in written]) or native_orientation(volume)
        return found, [_box_in_mm(volume, box, found) for box in written]
    boxes = [Box(*(to_voxel(volume, corner, ras=False) for corner in box.corners)) for box in written]
    found = (
        orientation or _flat_orientation([_flat_in_voxels(volume, box) for box in boxes]) or native_orientation(volume)
    )
    axis = slice_axis(volume, found)
    for box in boxes:
        if box.ijk_min[axis] != box.ijk_max[axis]:
            raise InputError(
                f"The box {_written(box.ijk_min)} to {_written(box.ijk_max)} spans several {found.value} slices; "
                f"give both corners the same {'ijk'[axis]}, or choose another --orientation."
            )
    return found, boxes


def _flat_orientation(flat: list[set[Orientation]]) -> Orientation | None:
    """The orientation that all boxes are flat in; None when there is none, or no box, or more than one."""
    common = set.intersection(*flat) if flat else set()
    return common.pop() if len(common) == 1 else None


def _flat_in_voxels(volume: Volume, box: Box) -> set[Orientation]:
    axes = {orientation: slice_axis(volume, orientation) for orientation in Orientation}
    return {orientation for orientation, axis in axes.items() if box.ijk_min[axis] == box.ijk_max[axis]}


def _flat_in_mm(box: WrittenBox) -> set[Orientation]:
    first, second = box.corners
    return {orientation for orientation, axis in _ACROSS.items() if first[axis] == second[axis]}


def _box_in_mm(volume: Volume, box: WrittenBox, orientation: Orientation) -> Box:
    """The smallest box around a box in mm, in the slice through its middle.

    The edges of a box in mm are not those of an oblique volume's voxels: all of its corners are mapped.
    """
    first, second = np.array(box.corners)
    axis = slice_axis(volume, orientation)
    across = _ACROSS[orientation]
    if abs(first[across] - second[across]) > volume.spacing[axis]:
        raise InputError(
            f"The box {_written(box.corners[0])} to {_written(box.corners[1])} mm spans several {orientation.value} "
            f"slices; give both corners the same {'RAS'[across]}, or choose another --orientation."
        )
    middle = ras_to_voxel(volume, (first + second) / 2)
    corners = np.array([np.where(choice, second, first) for choice in product((False, True), repeat=3)])
    voxels = np.floor(apply_transform(volume.ras_to_ijk, corners) + 0.5).astype(int)
    voxels[:, axis] = middle[axis]
    found = Box(_ijk(voxels.min(axis=0)), _ijk(voxels.max(axis=0)))
    if not (volume.contains(found.ijk_min) and volume.contains(found.ijk_max)):
        raise InputError(
            f"The box {_written(box.corners[0])} to {_written(box.corners[1])} mm leaves {volume.name}; "
            "'samsegment info' shows the volume's extent."
        )
    return found


def _ijk(values: NDArray[np.int_]) -> IJK:
    i, j, k = (int(value) for value in values)
    return i, j, k


def _numbers(parts: list[str]) -> list[float]:
    try:
        values = [float(part) for part in parts]
    except ValueError:
        return []
    # Not a number is not below either.
    return values if all(abs(value) <= _LARGEST_NUMBER for value in values) else []


def _written(position: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in position)
