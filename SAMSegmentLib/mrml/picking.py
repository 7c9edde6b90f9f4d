"""From a position in a slice view to a voxel and the slice that is meant, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import IJK, Orientation, apply_transform, slice_axis
from .volumes import array_of, volume_to_world, world_to_volume

if TYPE_CHECKING:
    import slicer
    from numpy.typing import ArrayLike, NDArray

    from ..segmentstate import SliceKey
    from ..volume import Volume

# A view that is turned by less than this against the volume shows a slice of it as far as anybody can see.
_ALIGNED_DEGREES = 0.5

# A view in the middle between two slices would take the one or the other from pixel to pixel, as rounding goes.
_TIE_BREAK = 1e-4

ALIGN_HINT = (
    "The view is turned against the volume, so the volume's nearest slice is segmented; turn the view to the volume's "
    "own planes (the icon 'Rotate to volume plane' of the view) to see that slice."
)


@dataclass(frozen=True)
class Pick:
    """A voxel under a position in a slice view, and the volume's slice that the view shows there.

    :param ijk: the voxel.
    :param orientation: of the volume's slices that lie nearest to the view's plane.
    :param index: of the slice, along its voxel axis.
    :param is_aligned: whether the view's plane is one of the volume's; see :data:`ALIGN_HINT` for what to say if not.
    """

    ijk: IJK
    orientation: Orientation
    index: int
    is_aligned: bool

    @property
    def key(self) -> SliceKey:
        """The slice."""
        return self.orientation, self.index


def pick(
    volume: Volume,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode,
    xy: tuple[float, float],
) -> Pick | None:
    """What lies under a position in a slice view.

    :param volume: of the volume node.
    :param xy: pixels of the view's window from its bottom left, as ``vtkRenderWindowInteractor.GetEventPosition``.
    :returns: None outside of the volume.
    :raises InputError: the volume is under a transform that is not linear.
    """
    ijk = _voxel(volume, volume_node, slice_node, xy)
    return _picked(volume, volume_node, slice_node, ijk) if volume.contains(ijk) else None


def pick_nearest(
    volume: Volume,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode,
    xy: tuple[float, float],
) -> Pick:
    """As :func:`pick`, but the nearest voxel for a position outside of the volume, as the mouse drags beyond it."""
    i, j, k = np.clip(_voxel(volume, volume_node, slice_node, xy), 0, np.array(volume.shape_ijk) - 1).tolist()
    return _picked(volume, volume_node, slice_node, (i, j, k))


def viewed_slice(
    volume: Volume, volume_node: slicer.vtkMRMLScalarVolumeNode, slice_node: slicer.vtkMRMLSliceNode
) -> Pick | None:
    """What lies in the middle of a slice view, or nearest to it on the slice where the middle is beside the image.

    :returns: None where the slice itself is outside of the volume.
    :raises InputError: the volume is under a transform that is not linear.
    """
    width, height, _depth = slice_node.GetDimensions()
    middle = (width - 1) / 2, (height - 1) / 2
    nearest = pick_nearest(volume, volume_node, slice_node, middle)
    axis = slice_axis(volume, nearest.orientation)
    return nearest if _voxel(volume, volume_node, slice_node, middle)[axis] == nearest.index else None


def show_slice(
    volume: Volume,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode,
    key: SliceKey,
) -> None:
    """Move a view along its normal until it shows a slice of the volume (in its middle, if it is turned).

    :raises InputError: the volume is under a transform that is not linear.
    """
    orientation, index = key
    view = array_of(slice_node.GetSliceToRAS())
    to_world = volume_to_world(volume_node) @ volume.ijk_to_ras
    axis = slice_axis(volume, orientation)
    to_ijk = np.asarray(np.linalg.inv(to_world), dtype=np.float64)
    center = apply_transform(to_ijk, view[:3, 3])
    # Along the view's normal, from the view's middle to the slice.
    step = to_ijk[:3, :3] @ view[:3, 2]
    if abs(step[axis]) < np.finfo(np.float32).eps * np.abs(step).max():
        return  # the view stands across such slices: there is no way to one of them
    way = (index - center[axis]) / step[axis]
    x, y, z = view[:3, 3] + way * view[:3, 2]
    slice_node.JumpSliceByOffsetting(float(x), float(y), float(z))


def voxel_at(volume: Volume, volume_node: slicer.vtkMRMLScalarVolumeNode, ras: ArrayLike) -> IJK:
    """The voxel, or where one would be, at a world RAS position in mm.

    :raises InputError: the volume is under a transform that is not linear.
    """
    position = apply_transform(volume.ras_to_ijk @ world_to_volume(volume_node), ras)
    i, j, k = (int(value) for value in np.floor(position + 0.5 + _TIE_BREAK))
    return i, j, k


def _voxel(
    volume: Volume,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode,
    xy: tuple[float, float],
) -> IJK:
    return voxel_at(volume, volume_node, apply_transform(array_of(slice_node.GetXYToRAS()), [*xy, 0.0]))


def _picked(
    volume: Volume, volume_node: slicer.vtkMRMLScalarVolumeNode, slice_node: slicer.vtkMRMLSliceNode, ijk: IJK
) -> Pick:
    orientation, is_aligned = _orientation(volume, volume_node, slice_node)
    return Pick(ijk, orientation, ijk[slice_axis(volume, orientation)], is_aligned)


def _orientation(
    volume: Volume, volume_node: slicer.vtkMRMLScalarVolumeNode, slice_node: slicer.vtkMRMLSliceNode
) -> tuple[Orientation, bool]:
    """The orientation whose slices lie nearest to a view's plane, and whether they lie in it."""
    normals = _slice_normals(volume_to_world(volume_node) @ volume.ijk_to_ras)
    normal = array_of(slice_node.GetSliceToRAS())[:3, 2]
    cosines = np.abs(normal @ normals) / np.linalg.norm(normal)
    axis = int(np.argmax(cosines))
    orientation = next(item for item in Orientation if slice_axis(volume, item) == axis)
    return orientation, bool(cosines[axis] >= np.cos(np.radians(_ALIGNED_DEGREES)))


def _slice_normals(ijk_to_world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals of the slices across i, j and k, as columns; a parent transform may shear the axes themselves."""
    normals = np.linalg.inv(ijk_to_world[:3, :3]).T
    result: NDArray[np.float64] = normals / np.linalg.norm(normals, axis=0)
    return result
