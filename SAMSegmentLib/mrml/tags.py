"""What is kept with a segment: the number of the last write, its accepted and propagated slices, chosen candidates.

The number is a tag of the segment, which the editor's undo restores. The rest is in attributes of the segmentation
node: a tag that is changed would be an edit to that undo, which then forgets what it could redo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import vtk

from .plaintext import to_attribute
from .slicetext import slices_and_numbers, slices_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import slicer

    from ..segmentstate import SliceKey

ACCEPTED = "SAMSegment.Accepted"
CANDIDATES = "SAMSegment.Candidates"
PROPAGATED = "SAMSegment.Propagated"  # with the mask's checksum
CONFIDENCES = "SAMSegment.Confidences"  # of those, in percent

_WRITE = "SAMSegment.Write"


def number_of(segment: slicer.vtkSegment) -> int:
    """The number of the last write, 0 where there was none."""
    value = vtk.reference("")
    text = str(value) if segment.GetTag(_WRITE, value) else ""
    return int(text) if text.isascii() and text.isdecimal() else 0


def set_number(segment: slicer.vtkSegment, number: int) -> None:
    """Remember the number of the last write."""
    segment.SetTag(_WRITE, str(number))


def slices_of(node: slicer.vtkMRMLSegmentationNode, segment_id: str, what: str) -> dict[SliceKey, int]:
    """Slices of a segment about which something is known, by one of the constants above; most with a number."""
    return slices_and_numbers(node.GetAttribute(_name(segment_id, what)) or "")


def set_slices(
    node: slicer.vtkMRMLSegmentationNode, segment_id: str, what: str, numbers: Mapping[SliceKey, int]
) -> None:
    """Remember something about slices of a segment; the node is touched only where that is new."""
    name, text = _name(segment_id, what), slices_text(numbers)
    if text == (node.GetAttribute(name) or ""):
        return
    if text:
        node.SetAttribute(name, text)
    else:
        node.RemoveAttribute(name)


def _name(segment_id: str, what: str) -> str:
    return f"{what}.{to_attribute(segment_id)}"
