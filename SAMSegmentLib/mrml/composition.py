"""The voxels of one slice that a segment's slice masks make together, without making the whole volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..geometry import slice_plane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ..geometry import SlicePlane
    from ..segmentstate import SliceKey, SliceMask
    from ..volume import Volume


def composed_slice(volume: Volume, masks: Mapping[SliceKey, SliceMask], plane: SlicePlane) -> NDArray[np.bool_]:
    """One slice of :meth:`SegmentState.volume_mask`: the union of masks, but within accepted slices they alone count.

    :param masks: of one segment, in any orientation.
    :param plane: the slice.
    :returns: bool [row, column].
    """
    key = plane.orientation, plane.index
    # Slices of one orientation do not meet.
    met = [other for other in masks if other[0] is not plane.orientation or other == key]
    if met == [key]:
        return masks[key].unpack()
    result = np.zeros(plane.shape, dtype=bool)
    meeting = [(slice_plane(volume, *other), masks[other]) for other in met]
    accepted = [item for item in meeting if item[1].is_accepted]
    _unite(result, plane, (item for item in meeting if not item[1].is_accepted))
    for other, _mask in accepted:
        _shared(plane, other, result)[...] = False
    _unite(result, plane, accepted)
    return result


def changed_slices(before: Mapping[SliceKey, SliceMask], after: Mapping[SliceKey, SliceMask]) -> list[SliceKey]:
    """The slices whose mask has come, gone, changed, or been accepted or released."""
    keys = before.keys() | after.keys()
    return [key for key in keys if not _are_same(before.get(key), after.get(key))]


def _are_same(mask: SliceMask | None, other: SliceMask | None) -> bool:
    if mask is None or other is None:
        return mask is other
    return mask is other or (mask.is_accepted == other.is_accepted and mask.has_pixels_of(other))


def _unite(result: NDArray[np.bool_], plane: SlicePlane, masks: Iterable[tuple[SlicePlane, SliceMask]]) -> None:
    for other, mask in masks:
        pixels = _shared(plane, other, result)
        np.logical_or(pixels, _shared(other, plane, mask.unpack()), out=pixels)


def _shared(plane: SlicePlane, other: SlicePlane, pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a slice that lie in another one, too: all of the same slice, else a line in the order of voxels."""
    if plane.slice_axis == other.slice_axis:
        return pixels
    rows, columns = plane.shape
    line: NDArray[np.bool_]
    if other.slice_axis == plane.column_axis:
        line = pixels[:, columns - 1 - other.index if plane.column_flipped else other.index]
        return line[::-1] if plane.row_flipped else line
    line = pixels[rows - 1 - other.index if plane.row_flipped else other.index]
    return line[::-1] if plane.column_flipped else line
