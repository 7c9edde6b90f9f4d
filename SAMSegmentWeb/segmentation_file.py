"""A segmentation that was saved before, or made elsewhere: its segments put beside the volume that is open."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from slicer import vtkOrientedImageData, vtkSegment, vtkSegmentationConverter
from vtkmodules.util.numpy_support import numpy_to_vtk

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.evaluation.labels import read_reference
from SAMSegmentLib.mrml.volumes import matrix_of
from SAMSegmentLib.segments import segment_color

from .replay import remove_untouched
from .segment_names import free_name

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from SAMSegmentLib.volume import Volume

    from .work import Work

# More than any atlas of the body has; an image that is opened as a segmentation by mistake has thousands.
MOST_SEGMENTS = 250
_HIGHEST_LABEL = 65_535


@dataclass(frozen=True, eq=False)
class Piece:
    """One segment of a file.

    :param start: its lowest voxel along k, j and i.
    :param mask: bool [k, j, i], no larger than the segment.
    """

    name: str
    start: tuple[int, int, int]
    mask: NDArray[np.bool_]


async def add_segments(work: Work, path: Path) -> int:
    """Add the segments of a file to those that are there, as if they had been drawn by hand.

    :returns: how many they are.
    :raises InputError: no volume is open, or the file has another grid, too many labels, or cannot be read.
    """
    opened = work.opened
    if opened is None:
        raise InputError(f"{path.name}: this is a segmentation; open the image first that it was made on.")
    pieces = await asyncio.to_thread(read_pieces, path, opened.volume)
    session = work.scene_session
    if work.opened is not opened or session is None:
        return 0
    remove_untouched(session)
    for piece in pieces:
        taken = {session.name_of(segment_id) for segment_id in session.segment_ids}
        segment = _segment(piece, opened.volume, free_name(piece.name, taken), len(taken))
        session.segmentation_node.GetSegmentation().AddSegment(segment)
    session.selected_segment_id = session.segment_ids[-len(pieces)]
    work.note_change()
    return len(pieces)


def read_pieces(path: Path, volume: Volume) -> list[Piece]:
    """The segments of a .seg.nrrd, or the labels of an image in any format that is read.

    :raises InputError: the file has another grid than the volume, no whole numbers or too many, or cannot be read.
    """
    try:
        labels = read_reference(path, volume)
    except InputError as error:
        error.args = (str(error).replace(f"{path.parent}/", ""),)
        raise
    numbers = [structure.value for structure in labels.structures]
    if len(numbers) > MOST_SEGMENTS or min(numbers) < 0 or max(numbers) > _HIGHEST_LABEL:
        raise InputError(f"{path.name}: holds {len(numbers)} labels, so it is an image; open it with 'Open file'.")
    places = [ndimage.find_objects(layer) for layer in labels.layers]
    pieces = []
    for structure in labels.structures:
        place = places[structure.layer][structure.value - 1]
        start = (int(place[0].start), int(place[1].start), int(place[2].start))
        mask: NDArray[np.bool_] = labels.layers[structure.layer][place] == structure.value
        pieces.append(Piece(structure.name, start, mask))
    return pieces


def _segment(piece: Piece, volume: Volume, name: str, number: int) -> vtkSegment:
    image = vtkOrientedImageData()
    (k, j, i), (slices, rows, columns) = piece.start, piece.mask.shape
    image.SetExtent(i, i + columns - 1, j, j + rows - 1, k, k + slices - 1)
    image.GetPointData().SetScalars(numpy_to_vtk(piece.mask.ravel().view(np.uint8), deep=True))
    image.SetGeometryFromImageToWorldMatrix(matrix_of(volume.ijk_to_ras))
    segment = vtkSegment()
    segment.SetName(name)
    segment.SetColor(*(part / 255 for part in segment_color(number)))
    representation = vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment.AddRepresentation(representation, image)
    return segment
