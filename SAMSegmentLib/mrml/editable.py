"""Where the segment editor lets voxels be changed: its mask ('Editable area') and its intensity range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
from vtk.util import numpy_support

if TYPE_CHECKING:
    import numpy as np
    import vtk
    from numpy.typing import NDArray

    from .labelmaps import Extent


def editable_voxels(editor: slicer.vtkSlicerSegmentEditorLogic, extent: Extent) -> NDArray[np.bool_] | None:
    """Whether each voxel of a box may be changed, bool [k, j, i]; None where there are no limits."""
    node = editor.GetSegmentEditorNode()
    allowed: NDArray[np.bool_] | None = None
    if node.GetMaskMode() != slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere and editor.UpdateMaskLabelmap():
        # Voxels that the mask covers are protected.
        allowed = _part(editor.GetMaskLabelmap(), extent) == 0
    if node.GetSourceVolumeIntensityMask() and editor.UpdateAlignedSourceVolume():
        low, high = node.GetSourceVolumeIntensityMaskRange()
        values = _part(editor.GetAlignedSourceVolume(), extent)
        within = (values >= low) & (values <= high)
        allowed = within if allowed is None else allowed & within
    return allowed


def _part(image: vtk.vtkImageData, extent: Extent) -> NDArray:
    low = image.GetExtent()[::2]
    voxels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    ranges = zip(extent[::2], extent[1::2], low, strict=True)
    part: NDArray = voxels[tuple(slice(first - start, last + 1 - start) for first, last, start in ranges)[::-1]]
    return part
