"""Segments written to files, outside of the thread that draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util import numpy_support

from SAMSegmentLib.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from SAMSegmentLib.volume import Volume

    from .export_reading import ReadSegment


def dicom_folder(volume_node: slicer.vtkMRMLScalarVolumeNode) -> tuple[Path, str]:
    """The folder and the series UID of the DICOM images that a volume was loaded from.

    :raises OutputError: it was not loaded from Slicer's DICOM database.
    """
    uids = (volume_node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = slicer.dicomDatabase if uids and hasattr(slicer, "dicomDatabase") else None
    path = database.fileForInstance(uids[0]) if database else ""
    if not path:
        raise OutputError(
            _(
                "{name} was not loaded from the DICOM database, to whose images a DICOM Segmentation has to refer; "
                "choose another format."
            ).format(name=volume_node.GetName())
        )
    return Path(path).parent, database.seriesForFile(path)


def write_file(
    path: Path, volume: Volume, segments: Sequence[ReadSegment], dicom: tuple[Path, str] | None
) -> tuple[str, ...]:
    """Write segments in the format that the ending names.

    :param dicom: what :func:`dicom_folder` gave, for a DICOM Segmentation.
    :returns: notes for the user, one sentence each.
    :raises SAMSegmentError: it cannot be written; an old file stays.
    """
    from SAMSegmentLib.io.write import write_segmentation

    if dicom:
        from SAMSegmentLib.io.read import read_volume

        folder, series = dicom
        volume = replace(volume, source_frames=read_volume(folder, series=series).source_frames)
    return write_segmentation(path, volume, [segment.whole() for segment in segments])


def numbered_image(segments: Sequence[ReadSegment]) -> vtk.vtkImageData:
    """The number, from 1, of the segment that a voxel is in, 0 for none; of several the last."""
    kind = np.uint8 if len(segments) <= np.iinfo(np.uint8).max else np.uint16
    masks = [segment.whole().mask for segment in segments]
    labels = np.zeros(masks[0].shape, dtype=kind)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    image = vtk.vtkImageData()
    image.SetDimensions(*labels.shape[::-1])
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(labels.ravel(), deep=True))
    return image
