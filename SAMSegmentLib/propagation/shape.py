"""Masks as signed distances, as boxes and as a model's mask prompts, within the part of a slice that they take up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

from ..slicegrid import SliceGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..geometry import SlicePlane

# Signed distances are cut off at this many pixels, about the logits of a model that is sure.
FARTHEST = 6.0

# What is looked at around a mask: this part of its width and height, and as many pixels, on each side.
_AROUND, _AROUND_PIXELS = 0.25, 8

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Part:
    """The part of a slice around a mask: rows and columns."""

    rows: slice
    columns: slice

    @classmethod
    def around(cls, mask: NDArray[np.bool_]) -> Part:
        """Around a mask [row, column] that is not empty, with room for what may come in the next slice."""
        column0, row0, column1, row1 = box_of(mask)
        rows = _widened(int(row0), int(row1), mask.shape[0])
        columns = _widened(int(column0), int(column1), mask.shape[1])
        return cls(rows, columns)

    def cut(self, pixels: NDArray) -> NDArray:
        """The part's pixels [row, column], a view."""
        return pixels[self.rows, self.columns]

    def placed(self, values: NDArray, shape: tuple[int, int], elsewhere: float) -> NDArray:
        """The part's ``values`` in a slice of ``shape``, which is ``elsewhere`` outside of the part."""
        whole = np.full(shape, elsewhere, dtype=values.dtype)
        whole[self.rows, self.columns] = values
        return whole


def _widened(first: int, last: int, count: int) -> slice:
    room = int(_AROUND * (last - first + 1)) + _AROUND_PIXELS
    return slice(max(0, first - room), min(count, last + 1 + room))


def box_of(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Inclusive pixel corners (column0, row0, column1, row1) around a mask [row, column] that is not empty."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance in pixels of each pixel centre to the mask's outline, positive inside, cut off at :data:`FARTHEST`."""
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    distance = inside - outside
    distance -= 0.5 * np.sign(distance)  # the outline runs between the pixels
    clipped: NDArray[np.float32] = np.clip(distance, -FARTHEST, FARTHEST).astype(np.float32)
    return clipped


def mask_prompt(distance: NDArray[np.float32], plane: SlicePlane, side: int) -> NDArray[np.float32]:
    """A signed distance [row, column] of a slice as the logits (side, side) that its model takes as a mask prompt."""
    rows, columns = _grid(plane, side).model_shape
    logits = np.full((side, side), -FARTHEST, dtype=np.float32)
    logits[:rows, :columns] = _resized(distance, (rows, columns))
    return logits


def logits_in_part(logits: NDArray[np.float32], plane: SlicePlane, part: Part) -> NDArray[np.float32]:
    """A model's low-resolution logits [row, column] in the pixels of a part of their slice."""
    rows, columns = _grid(plane, logits.shape[0]).model_shape
    down, across = rows / plane.shape[0], columns / plane.shape[1]
    where = (part.columns.start * across, part.rows.start * down, part.columns.stop * across, part.rows.stop * down)
    shape = part.rows.stop - part.rows.start, part.columns.stop - part.columns.start
    return _resized(logits[:rows, :columns], shape, where)


def _grid(plane: SlicePlane, side: int) -> SliceGrid:
    return SliceGrid.fit(plane.shape, plane.spacing, side)


def _resized(
    values: NDArray[np.float32], shape: tuple[int, int], where: tuple[float, float, float, float] | None = None
) -> NDArray[np.float32]:
    """Values, or those of the rectangle ``where`` (left, top, right, bottom), on a grid of ``shape``."""
    image = Image.fromarray(np.ascontiguousarray(values))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR, where))


def connected_with(mask: NDArray[np.bool_], seed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pieces of a mask that have a pixel in common with ``seed``; all of it where none has."""
    pieces, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    if count < 2:
        return mask
    kept = np.unique(pieces[seed & mask])
    return np.asarray(np.isin(pieces, kept)) if kept.size else mask
