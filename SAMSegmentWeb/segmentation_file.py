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
from SAMSegmentLib.io.choices import FrameChoiceNeededError, SeriesChoiceNeededError
from SAMSegmentLib.mrml.volumes import matrix_of
from SAMSegmentLib.segments import segment_color

from .replay import remove_untouched
from .segment_names import free_name

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from SAMSegmentLib.evaluation.labels import ReferenceLabels
    from SAMSegmentLib.volume import Volume

    from .work import Work

# More than any atlas of the body has; an image that is opened as a segmentation by mistake has thousands. Their numbers
# within a layer are bytes.
MOST_SEGMENTS = 250

_Rgb = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Layer:
    """Segments of a file that do not overlap, in one array: an array for each would slow every view down.

    :param names: of the segments; the first one's number in ``labels`` is 1, the next one's 2.
    :param colors: of the segments, RGB from 0 to 1; None where the file has none.
    :param start: the lowest voxel along k, j and i.
    :param labels: uint8 [k, j, i], no larger than the segments; 0 is none of them.
    """

    names: tuple[str, ...]
    start: tuple[int, int, int]
    labels: NDArray[np.uint8]
    colors: tuple[_Rgb | None, ...]


async def add_segments(work: Work, path: Path) -> int:
    """Add the segments of a file to those that are there, as if they had been drawn by hand.

    :returns: how many they are.
    :raises InputError: no volume is open, or the file has another grid, too many labels, or cannot be read.
    """
    opened = work.opened
    if opened is None:
        raise InputError(f"{path.name}: this is a segmentation; open the image first that it was made on.")
    layers = await asyncio.to_thread(read_layers, path, opened.volume)
    session = work.scene_session
    if work.opened is not opened or session is None:
        return 0
    remove_untouched(session)
    segmentation = session.segmentation_node.GetSegmentation()
    count = sum(len(layer.names) for layer in layers)
    for layer in layers:
        labelmap = _labelmap(layer, opened.volume)
        for label, (name, color) in enumerate(zip(layer.names, layer.colors, strict=True), 1):
            taken = {session.name_of(segment_id) for segment_id in session.segment_ids}
            segment = _segment(labelmap, label, free_name(name, taken))
            segment.SetColor(*(color or [part / 255 for part in segment_color(len(taken))]))
            segmentation.AddSegment(segment)
    session.selected_segment_id = session.segment_ids[-count]
    work.note_change()
    return count


def read_layers(path: Path, volume: Volume) -> list[Layer]:
    """The segments of a .seg.nrrd, or the labels of an image in any format that is read.

    :raises InputError: the file has another grid than the volume, no whole numbers or too many, or cannot be read.
    """
    labels = _read_labels(path, volume)
    known = _read_colors(path)
    layers = []
    for number, array in enumerate(labels.layers):
        structures = [structure for structure in labels.structures if structure.layer == number]
        if structures:
            (place,) = ndimage.find_objects((array != 0).view(np.uint8))
            start = (int(place[0].start), int(place[1].start), int(place[2].start))
            values = np.array([0, *(structure.value for structure in structures)])  # ascending
            names = tuple(structure.name for structure in structures)
            colors = tuple(known.get((number, structure.value)) for structure in structures)
            layers.append(Layer(names, start, _numbered(array[place], values), colors))
    return layers


def _read_labels(path: Path, volume: Volume) -> ReferenceLabels:
    try:
        labels = read_reference(path, volume)
    except FrameChoiceNeededError as choice:
        raise InputError(
            f"{path.name}: holds {choice.frame_count} 3D frames; save the one that this image's segments are in as a "
            "file of its own, and open that."
        ) from None
    except SeriesChoiceNeededError as choice:
        raise InputError(
            f"{path.name}: holds {len(choice.series)} series; open the file with the segments alone."
        ) from None
    except InputError as error:
        error.args = (str(error).replace(f"{path.parent}/", ""),)
        raise
    numbers = [structure.value for structure in labels.structures]
    if len(numbers) > MOST_SEGMENTS:
        raise InputError(f"{path.name}: holds {len(numbers)} labels, so it is an image; open it with 'Open file'.")
    if min(numbers) < 0:
        raise InputError(
            f"{path.name}: holds the label {min(numbers)}; give its segments numbers above 0, or open it with "
            "'Open file' if it is an image."
        )
    return labels


def _read_colors(path: Path) -> dict[tuple[int, int], _Rgb]:
    """The colour of each layer and label of a .seg.nrrd whose voxels could be read; other formats have none."""
    if not path.name.lower().endswith(".seg.nrrd"):
        return {}
    import nrrd

    header = nrrd.read_header(str(path))
    colors = {}
    for key, text in header.items():
        number = key.removeprefix("Segment").removesuffix("_Color")
        color = _color(str(text))
        if key.endswith("_Color") and number.isdecimal() and color:
            layer = int(header.get(f"Segment{number}_Layer", 0))
            colors[layer, int(header.get(f"Segment{number}_LabelValue", 1))] = color
    return colors


def _color(text: str) -> _Rgb | None:
    try:
        red, green, blue = (float(part) for part in text.split())
    except ValueError:
        return None
    return (red, green, blue) if all(0 <= part <= 1 for part in (red, green, blue)) else None


def _numbered(labels: NDArray, values: NDArray) -> NDArray[np.uint8]:
    """Each label's place among the values, which are ascending."""
    numbered = np.empty(labels.shape, dtype=np.uint8)
    for k, part in enumerate(labels):  # the places are 64 bits each
        numbered[k] = np.searchsorted(values, part)
    return numbered


def _labelmap(layer: Layer, volume: Volume) -> vtkOrientedImageData:
    image = vtkOrientedImageData()
    (k, j, i), (slices, rows, columns) = layer.start, layer.labels.shape
    image.SetExtent(i, i + columns - 1, j, j + rows - 1, k, k + slices - 1)
    image.GetPointData().SetScalars(numpy_to_vtk(layer.labels.ravel(), deep=True))
    image.SetGeometryFromImageToWorldMatrix(matrix_of(volume.ijk_to_ras))
    return image


def _segment(labelmap: vtkOrientedImageData, label: int, name: str) -> vtkSegment:
    segment = vtkSegment()
    segment.SetName(name)
    representation = vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segment.SetLabelValue(label)
    segment.AddRepresentation(representation, labelmap)
    return segment
