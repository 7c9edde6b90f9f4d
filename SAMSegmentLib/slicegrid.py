"""The square-pixel grid on which a model sees a slice, and the exact way there and back.

A slice of unequal pixel spacing is resampled so that a millimetre is as long down as across, and so that its longer
side fills the model's input. Everything that has a place (pixels, points, boxes, logits) goes through one transform
that keeps pixel *edges* aligned: the model grid's outer edges are the slice's outer edges, so pixel centres map as
``(x + 0.5) * scale - 0.5`` and nothing shifts by half a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class SliceImage:
    """What an encoder is given: 8-bit pixels [row, column] and the (row, column) pixel spacing in mm."""

    pixels: NDArray[np.uint8]
    spacing: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class SliceGrid:
    """The transform between a slice's pixels and a model's square pixels.

    :param source_shape: (rows, columns) of the slice.
    :param model_shape: (rows, columns) that the slice takes up in the model's input, from its top left corner.
    """

    source_shape: tuple[int, int]
    model_shape: tuple[int, int]

    @classmethod
    def fit(cls, shape: tuple[int, int], spacing: tuple[float, float], longest_side: int) -> SliceGrid:
        """The grid for a slice of (rows, columns) with (row, column) spacing in mm.

        The longer side (in mm) becomes ``longest_side`` pixels; the other is rounded to whole pixels, at least one.
        """
        extent = np.asarray(shape, dtype=np.float64) * np.asarray(spacing, dtype=np.float64)
        # int(x + 0.5) as in segment_anything's ResizeLongestSide, so that isotropic slices come out alike.
        rows, columns = (max(1, int(side * longest_side / extent.max() + 0.5)) for side in extent)
        return cls(source_shape=shape, model_shape=(rows, columns))

    @property
    def scale(self) -> tuple[float, float]:
        """(column, row) model pixels per slice pixel."""
        return self.model_shape[1] / self.source_shape[1], self.model_shape[0] / self.source_shape[0]

    def to_model(self, points: ArrayLike) -> NDArray[np.float64]:
        """Slice positions (n, 2) as (column, row) to model positions, pixel centres at integers in both."""
        return (np.asarray(points, dtype=np.float64).reshape(-1, 2) + 0.5) * self.scale - 0.5

    def to_source(self, points: ArrayLike) -> NDArray[np.float64]:
        """The inverse of :meth:`to_model`."""
        return (np.asarray(points, dtype=np.float64).reshape(-1, 2) + 0.5) / self.scale - 0.5

    def box_to_model(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box of inclusive pixel corners (column0, row0, column1, row1) as inclusive model pixel corners.

        The outer edges of the corner pixels are what is mapped: a box of one pixel covers all model pixels of it.
        """
        across, down = self.scale
        column0, row0, column1, row1 = box
        return column0 * across, row0 * down, (column1 + 1) * across - 1, (row1 + 1) * down - 1

    def resample(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The slice's 8-bit pixels on the model grid [row, column] (antialiased bilinear, as Pillow's)."""
        from PIL import Image

        if pixels.shape == self.model_shape:
            return np.ascontiguousarray(pixels)
        rows, columns = self.model_shape
        image = Image.fromarray(np.ascontiguousarray(pixels)).resize((columns, rows), Image.Resampling.BILINEAR)
        return np.asarray(image)
