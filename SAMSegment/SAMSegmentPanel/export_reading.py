"""Segments read for export a part at a time, so that the application stays in hand with large volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from SAMSegmentLib.mrml.observers import Observers
from SAMSegmentLib.mrml.restore import segment_color
from SAMSegmentLib.segments import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from SAMSegmentLib.mrml.scenesession import SceneSession

# Read in some 10 ms, in some 20 where the memory for them has to be found first.
_VOXELS_A_STEP = 4_000_000


@dataclass(frozen=True, eq=False)
class ReadSegment:
    """A segment as it was read: its mask in parts along k, each bool [k, j, i]."""

    name: str
    color: tuple[int, int, int]
    parts: list[NDArray[np.bool_]]

    def whole(self) -> Segment:
        """The segment, its parts put together; takes a moment for a large one."""
        return Segment(self.name, self.color, np.concatenate(self.parts))


class SegmentReading:
    """Reads all segments of a session as they stand at one moment: after a change it begins again.

    While propagation goes on it comes to no end; it does when propagation has.
    """

    def __init__(self, session: SceneSession) -> None:
        self._session = session
        depth, height, width = session.volume.array.shape
        slices = max(1, _VOXELS_A_STEP // (height * width))
        self._parts = [range(first, min(first + slices, depth)) for first in range(0, depth, slices)]
        self._read: dict[str, list[NDArray[np.bool_]]] = {}
        self._observers = Observers()
        segmentation = slicer.vtkSegmentation
        for event in (
            segmentation.SegmentAdded,
            segmentation.SegmentRemoved,
            segmentation.SegmentModified,
            segmentation.SourceRepresentationModified,
        ):
            self._observers.add(session.segmentation_node, event, self._begin_again)

    def step(self) -> bool:
        """Read the next part; returns whether that was the last one."""
        for segment_id in self._session.segment_ids:
            read = self._read.setdefault(segment_id, [])
            if len(read) < len(self._parts):
                read.append(self._session.voxels(segment_id, self._parts[len(read)]))
                break
        return all(len(self._read.get(name, ())) == len(self._parts) for name in self._session.segment_ids)

    def segments(self) -> list[ReadSegment]:
        """What was read, after the last step."""
        segmentation = self._session.segmentation_node.GetSegmentation()
        found = []
        for segment_id in self._session.segment_ids:
            segment = segmentation.GetSegment(segment_id)
            found.append(ReadSegment(segment.GetName(), segment_color(segment), self._read[segment_id]))
        return found

    def close(self) -> None:
        """Look at the segmentation no longer."""
        self._observers.clear()

    def _begin_again(self, *_event: Any) -> None:
        self._read.clear()
