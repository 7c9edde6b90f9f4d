"""Where prompts are shown: those of the segment that is worked on, and boxes only where their own slice is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from SAMSegmentLib.mrml.plaintext import to_attribute
from SAMSegmentLib.mrml.promptnodes import BOX, KIND, NEGATIVE, POSITIVE, SEGMENT, SLICE
from SAMSegmentLib.mrml.slicetext import slice_and_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slicer import vtkMRMLMarkupsDisplayNode, vtkMRMLMarkupsNode, vtkMRMLScene

    from SAMSegmentLib.segmentstate import SliceKey

# Those at the edges' middles would be red and green along the patient's axes, as points outside and inside are.
_CORNERS = (False, False, False, True)


def show_prompts(scene: vtkMRMLScene, viewed: Mapping[str, SliceKey], segment_id: str | None) -> None:
    """Show the prompts of a segment, each box only in the views of its slice; may be called again.

    A box has handles at its corners.

    :param viewed: the slice that each view shows, by the id of the view's node.
    :param segment_id: those of others are neither seen nor dragged; None: all are shown.
    """
    chosen = None if segment_id is None else to_attribute(segment_id)
    for node in _prompts(scene):
        is_chosen = chosen in (None, node.GetAttribute(SEGMENT))
        display = node.GetDisplayNode()
        if node.GetAttribute(KIND) != BOX:
            display.SetVisibility(is_chosen)
            continue
        place = slice_and_number(node.GetAttribute(SLICE) or "")
        if place is not None:
            _show_box(display, [view for view, key in viewed.items() if is_chosen and key == place[0]])


def _prompts(scene: vtkMRMLScene) -> Iterator[vtkMRMLMarkupsNode]:
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode")):
        node = scene.GetNthNodeByClass(number, "vtkMRMLMarkupsNode")
        if node.GetAttribute(KIND) in (POSITIVE, NEGATIVE, BOX):
            yield node


def _show_box(display: vtkMRMLMarkupsDisplayNode, views: list[str]) -> None:
    """:param views: ids of their nodes; to the display node itself none would mean all."""
    display.SetVisibility(bool(views))
    if display.GetScaleHandleComponentVisibility() != _CORNERS:
        display.SetScaleHandleComponentVisibility(_CORNERS)
    if views and sorted(display.GetViewNodeIDs()) != sorted(views):
        display.SetViewNodeIDs(views)
