"""Which voxels a segment wins and loses when its slice masks change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Orientation, slice_plane
from .composition import changed_slices, composed_slice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..geometry import SlicePlane
    from ..segmentstate import SliceKey, SliceMask
    from ..volume import Volume
    from .labelmaps import Extent


@dataclass(frozen=True, eq=False)
class Difference:
    """Voxels of a box, bool [k, j, i]; a voxel that stays what it is is in neither."""

    extent: Extent
    added: NDArray[np.bool_]
    removed: NDArray[np.bool_]


def differences(
    volume: Volume, before: Mapping[SliceKey, SliceMask], after: Mapping[SliceKey, SliceMask]
) -> list[Difference]:
    """From the masks of a segment that are in the volume to those that are to be.

    Only slices that have changed are looked at: what lies elsewhere is whoever's made it. Slices of one orientation are
    in one box; slices that cross have only the whole volume as a common one.
    """
    changed = changed_slices(before, after)
    found = [
        _difference(volume, before, after, [key for key in changed if key[0] is orientation])
        for orientation in Orientation
    ]
    return [item for item in found if item]


def _difference(
    volume: Volume,
    before: Mapping[SliceKey, SliceMask],
    after: Mapping[SliceKey, SliceMask],
    changed: Sequence[SliceKey],
) -> Difference | None:
    slices = []
    for plane in _planes(volume, changed):
        old, new = composed_slice(volume, before, plane), composed_slice(volume, after, plane)
        differing = old ^ new
        if differing.any():
            slices.append((plane, differing, new))
    if not slices:
        return None
    boxes = np.array([_box(plane, differing) for plane, differing, _new in slices])
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    shape = tuple((high - low + 1)[::-1].tolist())
    added, removed = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for plane, differing, new in slices:
        _put(added, plane, low, differing & new)
        _put(removed, plane, low, differing > new)
    i0, i1, j0, j1, k0, k1 = (int(edge) for pair in zip(low, high, strict=True) for edge in pair)
    return Difference((i0, i1, j0, j1, k0, k1), added, removed)


def _planes(volume: Volume, keys: Sequence[SliceKey]) -> list[SlicePlane]:
    """Slices of one orientation."""
    if not keys:
        return []
    first = slice_plane(volume, *keys[0])
    return [replace(first, index=index) for _orientation, index in keys]


def _box(plane: SlicePlane, pixels: NDArray[np.bool_]) -> NDArray[np.int_]:
    """First and last voxel (i, j, k) of the pixels that are set."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    corners = np.array(
        [plane.pixel_to_ijk(columns[0], rows[0]), plane.pixel_to_ijk(columns[-1], rows[-1])], dtype=np.int_
    )
    ordered: NDArray[np.int_] = np.sort(corners, axis=0)
    return ordered


def _put(voxels: NDArray[np.bool_], plane: SlicePlane, low: NDArray[np.int_], pixels: NDArray[np.bool_]) -> None:
    """Set the voxels of a box that begins at ``low`` where pixels of a slice are set; outside of the box none is."""
    if not pixels.any():
        return
    selector: list[slice | int] = [slice(None)] * 3
    selector[2 - plane.slice_axis] = plane.index - int(low[plane.slice_axis])
    target = plane.oriented(voxels[tuple(selector)])
    column, row = (_first(plane, axis, low, voxels.shape) for axis in (plane.column_axis, plane.row_axis))
    part = pixels[row : row + target.shape[0], column : column + target.shape[1]]
    target[...] = part  # no other slice of this orientation has pixels here


def _first(plane: SlicePlane, axis: int, low: NDArray[np.int_], shape: tuple[int, ...]) -> int:
    """The pixel, along an axis of the slice, with which the box begins."""
    is_column = axis == plane.column_axis
    flipped = plane.column_flipped if is_column else plane.row_flipped
    if not flipped:
        return int(low[axis])
    return (plane.shape[1] if is_column else plane.shape[0]) - int(low[axis]) - shape[2 - axis]
