"""A box is shown where its own slice is, with handles at its corners; not in views of other slices and orientations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from SAMSegmentLib.mrml.promptnodes import BOX, KIND, SLICE
from SAMSegmentLib.mrml.slicetext import slice_and_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slicer import vtkMRMLMarkupsDisplayNode, vtkMRMLScene

    from SAMSegmentLib.segmentstate import SliceKey

_ROI = "vtkMRMLMarkupsROINode"

# Those at the edges' middles would be red and green along the patient's axes, as points outside and inside are.
_CORNERS = (False, False, False, True)


def show_boxes(scene: vtkMRMLScene, viewed: Mapping[str, SliceKey]) -> None:
    """Show each box of the prompts in the views of its slice, and in no other; may be called again.

    :param viewed: the slice that each view shows, by the id of the view's node.
    """
    for number in range(scene.GetNumberOfNodesByClass(_ROI)):
        box = scene.GetNthNodeByClass(number, _ROI)
        place = slice_and_number(box.GetAttribute(SLICE) or "")
        if box.GetAttribute(KIND) == BOX and place is not None:
            _show_in(box.GetDisplayNode(), [view for view, key in viewed.items() if key == place[0]])


def _show_in(display: vtkMRMLMarkupsDisplayNode, views: list[str]) -> None:
    """:param views: ids of their nodes; to the display node itself none would mean all."""
    display.SetVisibility(bool(views))
    if display.GetScaleHandleComponentVisibility() != _CORNERS:
        display.SetScaleHandleComponentVisibility(_CORNERS)
    if views and sorted(display.GetViewNodeIDs()) != sorted(views):
        display.SetViewNodeIDs(views)
