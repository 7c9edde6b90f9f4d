"""Voxels of a segmentation node's segments on the grid of a volume, read and changed within a box of voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from ..errors import InputError
from ..geometry import apply_transform, corner_voxels
from .editor import Editor
from .volumes import array_of, between_nodes, matrix_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..volume import Volume

Extent = tuple[int, int, int, int, int, int]
"""First and last voxel along i, j and k, inclusive, as VTK writes a box."""

_BINARY_LABELMAP = "Binary labelmap"

# Grids that differ by less than this everywhere are one: the file formats' rounding lies between.
_SAME_GRID_VOXELS = 0.01


class Labelmaps:
    """The binary labelmaps of a segmentation node whose grid is that of a volume.

    A segmentation node without a reference geometry is given the volume's. Voxels are added by an editor logic with
    settings of its own, which neither masks nor overwrites: Slicer's simpler functions for merging make mistakes where
    segments share a labelmap.

    :raises InputError: the segmentation has another grid, or surfaces instead of voxels.
    """

    def __init__(
        self,
        volume: Volume,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
    ) -> None:
        self._node = segmentation_node
        self._to_segmentation = between_nodes(volume_node, segmentation_node) @ volume.ijk_to_ras
        self._shape_ijk = volume.shape_ijk
        segmentation = segmentation_node.GetSegmentation()
        if segmentation.GetNumberOfSegments() == 0:
            segmentation_node.SetSourceRepresentationToBinaryLabelmap()
        elif segmentation.GetSourceRepresentationName() != _BINARY_LABELMAP:
            raise InputError(
                f"{segmentation_node.GetName()} holds surfaces, not voxels; make the binary labelmap its source "
                "(Segmentations module, Representations), or choose another segmentation."
            )
        if not _reference_geometry(segmentation):
            segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        self._check_grids(volume_node.GetName())
        self._editor = Editor(volume_node, segmentation_node, None, "SAMSegmentVoxels")
        self._editor.node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)

    def close(self) -> None:
        """Let go of the scene."""
        self._editor.close()

    @property
    def segmentation_node(self) -> slicer.vtkMRMLSegmentationNode:
        """The node that the segments are in."""
        return self._node

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """Ids of the segments in the segmentation's order."""
        return tuple(self._node.GetSegmentation().GetSegmentIDs())

    def read(self, segment_id: str, extent: Extent) -> NDArray[np.bool_]:
        """The voxels of a segment within a box, bool [k, j, i]."""
        i0, i1, j0, j1, k0, k1 = extent
        result = np.zeros((k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1), dtype=bool)
        found = self._overlap(segment_id, extent)
        if found:
            here, labels, label = found
            np.equal(labels, label, out=result[here])
        return result

    def add(self, segment_id: str, extent: Extent, voxels: NDArray[np.bool_]) -> None:
        """Put voxels into a segment, whatever other segments are there: none of them changes.

        :param voxels: bool [k, j, i] of the box.
        """
        mode = slicer.vtkSlicerSegmentEditorLogic.ModificationModeAdd
        self._editor.logic.ModifySegmentByLabelmap(
            self._node, segment_id, self.image(extent, voxels), mode, False, True
        )

    def remove(self, segment_id: str, extent: Extent, voxels: NDArray[np.bool_]) -> None:
        """Take voxels out of a segment; no other segment changes.

        The editor's logic is not asked: it hands what is removed to the segment that is the editor's mask, and moves
        the segment to a labelmap of its own, which takes a tenth of a second for a large one.

        :param voxels: bool [k, j, i] of the box.
        """
        found = self._overlap(segment_id, extent)
        if found:
            here, labels, label = found
            # Segments share a labelmap; only this one's label is taken out of it.
            np.copyto(labels, 0, where=voxels[here] & (labels == label))
            self._node.GetSegmentation().GetSegment(segment_id).GetRepresentation(_BINARY_LABELMAP).Modified()

    def _overlap(self, segment_id: str, extent: Extent) -> tuple[tuple[slice, ...], NDArray, int] | None:
        """Where in a box [k, j, i] a segment's labelmap has voxels, its labels there (a view), and its own label."""
        segment = self._node.GetSegmentation().GetSegment(segment_id)
        image = segment.GetRepresentation(_BINARY_LABELMAP) if segment else None
        if image is None or image.IsEmpty() or image.GetPointData().GetScalars() is None:
            return None
        low, high = image.GetExtent()[::2], image.GetExtent()[1::2]
        labels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
        # In i, j, k: the part of the box that the labelmap covers.
        first = [max(a, b) for a, b in zip(extent[::2], low, strict=True)]
        end = [min(a, b) + 1 for a, b in zip(extent[1::2], high, strict=True)]
        if any(a >= b for a, b in zip(first, end, strict=True)):
            return None
        there, here = (
            tuple(slice(a - b, c - b) for a, b, c in zip(first, start, end, strict=True))[::-1]
            for start in (low, extent[::2])
        )
        return here, labels[there], segment.GetLabelValue()

    def image(self, extent: Extent, voxels: NDArray[np.bool_]) -> slicer.vtkOrientedImageData:
        """Voxels bool [k, j, i] of a box as an image in the segmentation's space."""
        image = slicer.vtkOrientedImageData()
        image.SetExtent(extent)
        flat = np.ascontiguousarray(voxels).ravel().view(np.uint8)
        image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(flat, deep=True))
        image.SetGeometryFromImageToWorldMatrix(matrix_of(self._to_segmentation))
        return image

    def _check_grids(self, volume_name: str) -> None:
        segmentation = self._node.GetSegmentation()
        reference = slicer.vtkOrientedImageData()
        text = _reference_geometry(segmentation)
        is_read = slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, reference, False)
        wanted = tuple(edge for count in self._shape_ijk for edge in (0, count - 1))
        images = [segmentation.GetSegment(name).GetRepresentation(_BINARY_LABELMAP) for name in self.segment_ids]
        held = [image for image in images if image is not None and not image.IsEmpty()]
        if not is_read or reference.GetExtent() != wanted or not all(map(self._fits, (reference, *held))):
            raise InputError(
                f"{self._node.GetName()} has other voxels than {volume_name}; choose the volume that it was made on, "
                "or make a new segmentation."
            )

    def _fits(self, image: slicer.vtkOrientedImageData) -> bool:
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        back = np.linalg.inv(self._to_segmentation) @ array_of(matrix)
        corners = corner_voxels(self._shape_ijk)
        return bool(np.abs(apply_transform(back, corners) - corners).max() < _SAME_GRID_VOXELS)


def _reference_geometry(segmentation: slicer.vtkSegmentation) -> str:
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    return str(segmentation.GetConversionParameter(name) or "")
