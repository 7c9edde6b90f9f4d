"""The segment as a body: its slices' masks put together in the part of the volume that they take up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..geometry import slice_plane
from .shape import Part, box_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ..geometry import Orientation, SlicePlane
    from ..volume import Volume

_ROOM = 2  # voxels on each side, for what a second look adds


@dataclass(frozen=True, eq=False)
class Solid:
    """A box of voxels.

    :param start: (i, j, k) of its first voxel in the volume.
    :param voxels: bool [k, j, i].
    """

    volume: Volume
    start: tuple[int, int, int]
    voxels: NDArray[np.bool_]

    @classmethod
    def of(cls, volume: Volume, orientation: Orientation, masks: Mapping[int, NDArray[np.bool_]]) -> Solid | None:
        """Of slice masks [row, column] by their index; None where all of them are empty."""
        corners = []
        for index, mask in masks.items():
            if mask.any():
                column0, row0, column1, row1 = box_of(mask)
                plane = slice_plane(volume, orientation, index)
                corners += [plane.pixel_to_ijk(column0, row0), plane.pixel_to_ijk(column1, row1)]
        if not corners:
            return None
        low = np.maximum(np.min(corners, axis=0) - _ROOM, 0)
        high = np.minimum(np.max(corners, axis=0) + _ROOM, np.array(volume.shape_ijk) - 1)
        shape = tuple(int(count) for count in (high - low + 1)[::-1])
        i, j, k = (int(value) for value in low)
        solid = cls(volume, (i, j, k), np.zeros(shape, dtype=bool))
        for index, mask in masks.items():
            if mask.any():
                plane = slice_plane(volume, orientation, index)
                solid.cut(plane, solid.voxels)[...] = solid.part(plane).cut(mask)
        return solid

    def with_voxels(self, voxels: NDArray[np.bool_]) -> Solid:
        """The same box with other voxels."""
        return Solid(self.volume, self.start, voxels)

    def indices(self, orientation: Orientation) -> list[int]:
        """The slices of an orientation that the body is in, ascending."""
        axis = slice_plane(self.volume, orientation, 0).slice_axis
        occupied = self.voxels.any(axis=tuple(other for other in range(3) if other != 2 - axis))
        return [int(index) + self.start[axis] for index in np.flatnonzero(occupied)]

    def part(self, plane: SlicePlane) -> Part:
        """Where the box lies in a slice."""
        shape_ijk = self.voxels.shape[::-1]

        def along(axis: int, count: int, flipped: bool) -> slice:
            first, size = self.start[axis], shape_ijk[axis]
            begin = count - first - size if flipped else first
            return slice(begin, begin + size)

        rows, columns = plane.shape
        return Part(
            along(plane.row_axis, rows, plane.row_flipped), along(plane.column_axis, columns, plane.column_flipped)
        )

    def cut(self, plane: SlicePlane, voxels: NDArray) -> NDArray:
        """A slice's pixels [row, column] of an array with the box's shape, a view that can be written to."""
        selector: list[slice | int] = [slice(None)] * 3
        selector[2 - plane.slice_axis] = plane.index - self.start[plane.slice_axis]
        return plane.oriented(voxels[tuple(selector)])

    def mask(self, plane: SlicePlane) -> NDArray[np.bool_]:
        """The body's mask in a slice, bool [row, column] of the whole slice."""
        placed: NDArray[np.bool_] = self.part(plane).placed(self.cut(plane, self.voxels), plane.shape, False)
        return placed

    def connected_with(self, seeds: Mapping[int, NDArray[np.bool_]], orientation: Orientation) -> Solid:
        """Without the pieces (of voxels that touch, at a corner at least) that no seed, a slice's mask, is part of."""
        pieces, count = ndimage.label(self.voxels, np.ones((3, 3, 3), dtype=bool))
        if count < 2:
            return self
        kept: set[int] = set()
        for index, mask in seeds.items():
            plane = slice_plane(self.volume, orientation, index)
            if self._has(plane):
                kept.update(np.unique(self.cut(plane, pieces)[self.part(plane).cut(mask)]).tolist())
        kept.discard(0)
        return self.with_voxels(np.isin(pieces, sorted(kept))) if kept else self

    def without_holes(self) -> Solid:
        """With the cavities that no way leads out of (from face to face) filled."""
        return self.with_voxels(ndimage.binary_fill_holes(self.voxels))

    def _has(self, plane: SlicePlane) -> bool:
        begin = self.start[plane.slice_axis]
        count: int = self.voxels.shape[2 - plane.slice_axis]
        return begin <= plane.index < begin + count
