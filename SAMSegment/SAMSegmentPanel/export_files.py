"""Segments written to files, outside of the thread that draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from SAMSegmentLib.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from SAMSegmentLib.segments import Segment
    from SAMSegmentLib.volume import Volume


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
    path: Path, volume: Volume, segments: Sequence[Segment], dicom: tuple[Path, str] | None
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
    return write_segmentation(path, volume, segments)
