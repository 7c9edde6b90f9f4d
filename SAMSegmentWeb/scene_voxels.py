"""The labelmaps of a segmentation: how much is in them, and a copy that a thread can read while they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np
from slicer import vtkSegmentationConverter
from vtkmodules.util.numpy_support import vtk_to_numpy

from SAMSegmentLib.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from slicer import vtkMRMLSegmentationNode, vtkOrientedImageData, vtkSegmentation

    from SAMSegmentLib.segments import Color
    from SAMSegmentLib.volume import Volume


# A surface is looked for in the whole labelmap that a segment shares with others: 60 small organs take longer than a
# large one. A voxel that is only looked at takes a 64th of the time of one in a segment (measured: 384x384x160).
_LOOKED_AT = 64


def surface_voxels(segmentation: vtkSegmentation) -> int:
    """How many voxels a single segment would have whose surface takes as long as those of all segments."""
    images = [image for image in _labelmaps(segmentation).values() if image is not None]
    looked_at = sum(int(image.GetNumberOfPoints()) for image in images)
    return looked_at // _LOOKED_AT + sum(int(np.count_nonzero(_labels(image))) for image in set(images))


@dataclass(frozen=True, eq=False)
class _Place:
    """Where a segment's voxels are: those of a layer that have its label; without a layer it is empty."""

    name: str
    color: Color
    layer: _Layer | None
    label: int


@dataclass(frozen=True, eq=False)
class _Layer:
    """The labels [k, j, i] of segments that do not overlap, in a box of the volume."""

    box: tuple[slice, ...]
    labels: NDArray


class SceneSegments(Sequence[Segment]):
    """Segments as they stood when this was made, each one's mask made when it is asked for.

    What segments share is copied once, and only where they are: 60 organs in 512x512x300 voxels take 80 MB and 30 ms.
    Their masks together would be 5 GB.
    """

    def __init__(self, volume: Volume, places: Sequence[_Place]) -> None:
        self._volume = volume
        self._places = tuple(places)

    @classmethod
    def of(cls, volume: Volume, node: vtkMRMLSegmentationNode) -> SceneSegments:
        """Copy the segments of a node whose grid is the volume's.

        :raises MemoryError: there is no room for the copy.
        """
        segmentation = node.GetSegmentation()
        layers: dict[vtkOrientedImageData, _Layer | None] = {}
        places = []
        for segment_id, image in _labelmaps(segmentation).items():
            segment = segmentation.GetSegment(segment_id)
            if image is not None and image not in layers:
                layers[image] = _copied(image, volume)
            red, green, blue = (round(255 * part) for part in segment.GetColor())
            layer = layers[image] if image is not None else None
            places.append(_Place(segment.GetName(), (red, green, blue), layer, segment.GetLabelValue()))
        return cls(volume, places)

    @property
    def names(self) -> tuple[str, ...]:
        """All segments' names, in the scene's order."""
        return tuple(place.name for place in self._places)

    def filled(self) -> SceneSegments:
        """Those with a voxel."""
        return SceneSegments(
            self._volume,
            [place for place in self._places if place.layer and bool((place.layer.labels == place.label).any())],
        )

    def overlap(self) -> bool:
        """Whether two segments have a voxel in common."""
        if len({place.layer for place in self._places}) < 2:
            return False
        taken = np.zeros(self._volume.array.shape, dtype=bool)
        for segment in self:
            if (taken & segment.mask).any():
                return True
            taken |= segment.mask
        return False

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Segment]:
        return map(self._segment, self._places)

    @overload
    def __getitem__(self, index: int) -> Segment: ...

    @overload
    def __getitem__(self, index: slice) -> SceneSegments: ...

    def __getitem__(self, index: int | slice) -> Segment | SceneSegments:
        if isinstance(index, slice):
            return SceneSegments(self._volume, self._places[index])
        return self._segment(self._places[index])

    def _segment(self, place: _Place) -> Segment:
        mask = np.zeros(self._volume.array.shape, dtype=bool)
        if place.layer is not None:
            np.equal(place.layer.labels, place.label, out=mask[place.layer.box])
        return Segment(place.name, place.color, mask)


def _labelmaps(segmentation: vtkSegmentation) -> dict[str, vtkOrientedImageData | None]:
    """Each segment's labelmap, which may be that of others, too; None for a segment without voxels."""
    name = vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    found = {}
    for segment_id in segmentation.GetSegmentIDs():
        image = segmentation.GetSegment(segment_id).GetRepresentation(name)
        is_empty = image is None or image.IsEmpty() or image.GetPointData().GetScalars() is None
        found[segment_id] = None if is_empty else image
    return found


def _labels(image: vtkOrientedImageData) -> NDArray:
    """A labelmap's numbers [k, j, i], as a view."""
    labels: NDArray = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    return labels


def _copied(image: vtkOrientedImageData, volume: Volume) -> _Layer | None:
    """The part of a labelmap that lies in the volume."""
    low, high = image.GetExtent()[::2][::-1], image.GetExtent()[1::2][::-1]
    start = [max(first, 0) for first in low]
    end = [min(last, count - 1) + 1 for last, count in zip(high, volume.array.shape, strict=True)]
    if any(a >= b for a, b in zip(start, end, strict=True)):
        return None
    inside = tuple(slice(a - first, b - first) for a, b, first in zip(start, end, low, strict=True))
    return _Layer(tuple(slice(a, b) for a, b in zip(start, end, strict=True)), _labels(image)[inside].copy())
