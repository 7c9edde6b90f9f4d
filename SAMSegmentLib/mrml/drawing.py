"""What is drawn over a slice view without a node in the scene: a box that is being drawn, a mask's outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import vtk
from vtk.util import numpy_support

from ..geometry import apply_transform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..geometry import SlicePlane

Position = tuple[float, float]


class LineDrawing:
    """Lines over the picture of one view, in pixels from its bottom left.

    :param color: RGB, 0..1.
    """

    def __init__(self, window: vtk.vtkRenderWindow, color: tuple[float, float, float], width: float) -> None:
        self._window = window
        self._lines = vtk.vtkPolyData()
        self._actor = vtk.vtkActor2D()
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(self._lines)
        self._actor.SetMapper(mapper)
        self._actor.GetProperty().SetColor(*color)
        self._actor.GetProperty().SetLineWidth(width)
        self._renderer: vtk.vtkRenderer | None = None

    def show(self, ends: NDArray[np.float64]) -> None:
        """Draw lines between pairs of positions.

        :param ends: (n, 2, 2): line, end, (x, y).
        """
        points = vtk.vtkPoints()
        flat = np.zeros((2 * len(ends), 3))
        flat[:, :2] = ends.reshape(-1, 2)
        points.SetData(numpy_support.numpy_to_vtk(flat, deep=True))
        cells = vtk.vtkCellArray()
        cells.SetData(2, numpy_support.numpy_to_vtkIdTypeArray(np.arange(len(flat), dtype=np.int64), deep=True))
        self._lines.SetPoints(points)
        self._lines.SetLines(cells)
        if self._renderer is None:
            self._renderer = self._window.GetRenderers().GetFirstRenderer()
            self._renderer.AddViewProp(self._actor)

    def hide(self) -> bool:
        """Draw nothing; whether something was drawn."""
        if self._renderer is None:
            return False
        self._renderer.RemoveViewProp(self._actor)
        self._renderer = None
        return True


def rectangle(first: Position, second: Position) -> NDArray[np.float64]:
    """The four sides of a rectangle between two corners, (4, 2, 2)."""
    (x0, y0), (x1, y1) = first, second
    corners: Sequence[Position] = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return np.array([(corners[number], corners[(number + 1) % 4]) for number in range(4)])


def outline(plane: SlicePlane, mask: NDArray[np.bool_], ijk_to_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sides of pixels between inside and outside of a mask, as lines in a view, (n, 2, 2).

    :param mask: bool [row, column] of the slice.
    :param ijk_to_xy: 4x4 from voxels to the view's pixels.
    """
    framed = np.pad(mask, 1)
    # A side runs from its pixel's corner, half a pixel before the centre, to the next corner.
    rows, columns = np.nonzero(framed[1:, 1:-1] != framed[:-1, 1:-1])
    across = np.stack([np.stack([columns, rows], axis=1), np.stack([columns + 1, rows], axis=1)], axis=1)
    rows, columns = np.nonzero(framed[1:-1, 1:] != framed[1:-1, :-1])
    down = np.stack([np.stack([columns, rows], axis=1), np.stack([columns, rows + 1], axis=1)], axis=1)
    corners = np.concatenate([across, down]) - 0.5
    origin, column, row = (np.array(plane.pixel_to_ijk(*pixel), dtype=float) for pixel in ((0, 0), (1, 0), (0, 1)))
    ijk = origin + corners[..., :1] * (column - origin) + corners[..., 1:] * (row - origin)
    lines: NDArray[np.float64] = apply_transform(ijk_to_xy, ijk)[..., :2]
    return lines
