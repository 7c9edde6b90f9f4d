"""Points, boxes and slice ranges as a user writes them on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..geometry import Orientation, native_orientation, ras_to_voxel, slice_axis
from ..prompts import Box, Point

if TYPE_CHECKING:
    from ..geometry import IJK
    from ..volume import Volume

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


def to_box(volume: Volume, written: WrittenBox, *, ras: bool) -> Box:
    """A written box in voxels, its corners sorted."""
    first, second = (to_voxel(volume, corner, ras=ras) for corner in written.corners)
    return Box(first, second)


def orientation_of(volume: Volume, boxes: list[Box], wanted: Orientation | None) -> Orientation:
    """The slices to work in: as wanted, else those that all boxes are flat in, else as the volume was acquired.

    :raises InputError: a box is not flat in that orientation.
    """
    orientation = wanted or _flat_orientation(volume, boxes) or native_orientation(volume)
    axis = slice_axis(volume, orientation)
    for box in boxes:
        if box.ijk_min[axis] != box.ijk_max[axis]:
            raise InputError(
                f"The box {_written(box.ijk_min)} to {_written(box.ijk_max)} spans several {orientation.value} slices; "
                f"give both corners the same {'ijk'[axis]}, or choose another --orientation."
            )
    return orientation


def _flat_orientation(volume: Volume, boxes: list[Box]) -> Orientation | None:
    native = native_orientation(volume)
    for orientation in sorted(Orientation, key=lambda item: item is not native):
        axis = slice_axis(volume, orientation)
        if boxes and all(box.ijk_min[axis] == box.ijk_max[axis] for box in boxes):
            return orientation
    return None


def _numbers(parts: list[str]) -> list[float]:
    try:
        values = [float(part) for part in parts]
    except ValueError:
        return []
    return values if np.isfinite(values).all() else []


def _written(position: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in position)
