"""Points and boxes of a slice as positions in a markups node, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer

from ..errors import InputError
from ..geometry import apply_transform, corner_voxels, slice_axis
from ..prompts import Box
from .volumes import array_of, between_nodes, matrix_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..geometry import IJK, Orientation
    from ..volume import Volume


class PromptShapes:
    """Places prompts in markups nodes, which may be under other transforms than the volume is.

    All methods raise InputError when a transform is not linear.
    """

    def __init__(self, volume: Volume, volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
        self._volume = volume
        self._volume_node = volume_node

    def position(self, ijk: ArrayLike, node: slicer.vtkMRMLMarkupsNode) -> tuple[float, float, float]:
        """Where a voxel's centre lies in a node's own space."""
        x, y, z = apply_transform(self._to_node(node), ijk)
        return float(x), float(y), float(z)

    def voxel(self, position: ArrayLike, node: slicer.vtkMRMLMarkupsNode) -> IJK:
        """The voxel at a position in a node's own space, or the nearest one if that is outside of the volume.

        :raises InputError: the position is not finite.
        """
        _require_finite(np.asarray(position))
        to_ijk = np.asarray(np.linalg.inv(self._to_node(node)), dtype=np.float64)
        there = np.floor(apply_transform(to_ijk, position) + 0.5).astype(int)
        i, j, k = (int(value) for value in np.clip(there, 0, np.array(self._volume.shape_ijk) - 1))
        return i, j, k

    def place_box(self, box: Box, node: slicer.vtkMRMLMarkupsROINode) -> None:
        """Lay a node around the voxels of a box: one voxel thick, along the volume's axes."""
        to_node = self._to_node(node)
        low, high = np.array(box.ijk_min), np.array(box.ijk_max)
        lengths = np.linalg.norm(to_node[:3, :3], axis=0)
        frame = np.eye(4)
        frame[:3, :3] = to_node[:3, :3] / lengths
        if np.linalg.det(frame[:3, :3]) < 0:
            frame[:3, 2] *= -1  # a box has no front: left-handed axes are not needed for it
        frame[:3, 3] = apply_transform(to_node, (low + high) / 2)
        size = (high - low + 1) * lengths
        if np.allclose(node.GetSize(), size) and np.allclose(_object_to_node(node), frame):
            return  # it would be drawn again for nothing
        with slicer.util.NodeModify(node):
            node.SetSize(*size.tolist())
            node.SetAndObserveObjectToNodeMatrix(matrix_of(frame))

    def box_of(self, node: slicer.vtkMRMLMarkupsROINode, orientation: Orientation) -> Box:
        """The voxels of one slice that lie within a node; at least one, whatever was made of the node.

        :raises InputError: its place or its size is not finite.
        """
        size = np.array(node.GetSize())
        frame = _object_to_node(node)
        _require_finite(size, frame)
        corners = (corner_voxels((2, 2, 2)) - 0.5) * size
        inside = apply_transform(np.linalg.inv(self._to_node(node)) @ frame, corners)
        highest = np.array(self._volume.shape_ijk) - 1
        low = np.clip(np.floor(inside.min(axis=0) + 1.0), 0, highest)
        high = np.clip(np.ceil(inside.max(axis=0) - 1.0), 0, highest)
        axis = slice_axis(self._volume, orientation)
        middle = np.clip(np.floor(inside.mean(axis=0) + 0.5), 0, highest)
        low, high = np.where(low > high, middle, low), np.where(low > high, middle, high)
        low[axis] = high[axis] = middle[axis]
        return Box(_ijk(low), _ijk(high))

    def move_below_volume(self, node: slicer.vtkMRMLMarkupsNode) -> None:
        """Put a node under the volume's parent transform without moving it in the world."""
        with slicer.util.NodeModify(node):
            node.ApplyTransformMatrix(matrix_of(between_nodes(node, self._volume_node)))
            node.SetAndObserveTransformNodeID(self._volume_node.GetTransformNodeID())

    def _to_node(self, node: slicer.vtkMRMLMarkupsNode) -> NDArray[np.float64]:
        matrix: NDArray[np.float64] = between_nodes(self._volume_node, node) @ self._volume.ijk_to_ras
        return matrix


def drop_placeless(node: slicer.vtkMRMLMarkupsNode) -> bool:
    """Take points without a finite position out of a node; whether the node has a place itself."""
    if node.IsA("vtkMRMLMarkupsROINode"):
        return bool(np.isfinite(node.GetSize()).all() and np.isfinite(_object_to_node(node)).all())
    for number in reversed(range(node.GetNumberOfControlPoints())):
        if not np.isfinite(node.GetNthControlPointPosition(number)).all():
            node.RemoveNthControlPoint(number)
    return True


def _require_finite(*values: NDArray) -> None:
    if not all(np.isfinite(item).all() for item in values):
        raise InputError("A prompt has been moved to a place that does not exist; it goes back to where it was.")


def _object_to_node(node: slicer.vtkMRMLMarkupsROINode) -> NDArray[np.float64]:
    matrix = node.GetObjectToNodeMatrix()
    return array_of(matrix)


def _ijk(values: NDArray) -> IJK:
    i, j, k = (int(value) for value in values)
    return i, j, k
