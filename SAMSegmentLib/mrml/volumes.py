"""Volume nodes and volumes, and the transforms between a volume's own space and the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ..errors import InputError
from ..geometry import is_sheared
from ..volume import Volume, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray


def volume_from_node(node: slicer.vtkMRMLScalarVolumeNode) -> Volume:
    """The voxels of a scalar volume node, in the node's own RAS: above its parent transforms, if it has any.

    The array is the node's own memory, not a copy. Of a sequence's proxy node it is the frame that is shown now.

    :raises InputError: the node has no voxels, or not one number a voxel, its axes are sheared or do not span space, or
        it is under a transform that is not linear.
    """
    name = node.GetName() or "The volume"
    world_to_volume(node)
    if node.IsA("vtkMRMLVectorVolumeNode") or node.IsA("vtkMRMLTensorVolumeNode"):
        raise InputError(f"{name} has colours or vectors, not grey values; choose or make a scalar volume.")
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    if scalars is None or image.GetNumberOfPoints() == 0:
        raise InputError(f"{name} has no voxels; load an image into it, or choose another volume.")
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"{name} has {scalars.GetNumberOfComponents()} values a voxel, not one; choose or make a scalar volume."
        )
    if any(image.GetExtent()[::2]):
        raise InputError(f"{name} holds voxels that do not begin at 0,0,0; crop it with Slicer's module Crop Volume.")
    array = numpy_support.vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    volume = Volume(array, array_of(matrix), name=name, window=_window(node))
    if is_sheared(volume.ijk_to_ras):
        raise InputError(f"{name} has voxel axes that are not at right angles; resample it, then choose the result.")
    return volume


def add_volume_node(scene: slicer.vtkMRMLScene, volume: Volume) -> slicer.vtkMRMLScalarVolumeNode:
    """A new scalar volume node with a volume's voxels (shared where they lie in one piece) and geometry."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", volume.name or "Volume")
    image = vtk.vtkImageData()
    image.SetDimensions(volume.shape_ijk)
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(_for_vtk(volume.array).ravel()))
    node.SetIJKToRASMatrix(matrix_of(volume.ijk_to_ras))
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    if volume.window and node.GetDisplayNode():
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevel(volume.window.width, volume.window.level)
    return node


def world_to_volume(node: slicer.vtkMRMLTransformableNode) -> NDArray[np.float64]:
    """4x4 from world RAS to a node's own RAS, in mm: its parent transforms undone.

    :raises InputError: a parent transform is not linear.
    """
    return _transform_between(None, node.GetParentTransformNode(), node)


def volume_to_world(node: slicer.vtkMRMLTransformableNode) -> NDArray[np.float64]:
    """4x4 from a node's own RAS to world RAS, in mm.

    :raises InputError: a parent transform is not linear.
    """
    return _transform_between(node.GetParentTransformNode(), None, node)


def between_nodes(
    source: slicer.vtkMRMLTransformableNode, target: slicer.vtkMRMLTransformableNode
) -> NDArray[np.float64]:
    """4x4 from one node's own RAS to another's, in mm.

    :raises InputError: they are under different transforms, and one of these is not linear.
    """
    if source.GetTransformNodeID() == target.GetTransformNodeID():
        return np.eye(4)
    return world_to_volume(target) @ volume_to_world(source)


def array_of(matrix: vtk.vtkMatrix4x4) -> NDArray[np.float64]:
    """VTK's matrix as a 4x4 array."""
    values = [[matrix.GetElement(row, column) for column in range(4)] for row in range(4)]
    return np.array(values, dtype=np.float64)


def matrix_of(array: NDArray[np.float64]) -> vtk.vtkMatrix4x4:
    """A 4x4 array as VTK's matrix."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(array.ravel().tolist())
    return matrix


def _transform_between(
    source: slicer.vtkMRMLTransformNode | None,
    target: slicer.vtkMRMLTransformNode | None,
    node: slicer.vtkMRMLTransformableNode,
) -> NDArray[np.float64]:
    parent = source or target
    if parent is not None and not parent.IsTransformToWorldLinear():
        raise InputError(
            f"{node.GetName()} is under the transform {parent.GetName()}, which bends space; "
            "harden the transform (Transforms module, or a right click in the Data module)."
        )
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(source, target, matrix)
    return array_of(matrix)


def _for_vtk(array: NDArray) -> NDArray:
    """The array itself where VTK can hold it, else a copy in a number type that it knows."""
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array).view(np.uint8)
    known = np.dtype(np.float32) if array.dtype == np.float16 else array.dtype.newbyteorder("=")
    return np.ascontiguousarray(array, dtype=known)


def _window(node: slicer.vtkMRMLScalarVolumeNode) -> Window | None:
    """The window that the display node was given; None where Slicer chose it from the voxels."""
    display = node.GetScalarVolumeDisplayNode()
    if display is None or display.GetAutoWindowLevel() or display.GetWindow() <= 0:
        return None
    return Window(display.GetLevel(), display.GetWindow())
