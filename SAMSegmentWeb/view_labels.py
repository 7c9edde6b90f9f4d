"""Letters at the edges of slice views: which side of the patient is where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from trame.widgets import html
from trame_server.utils.typed_state import TypedState
from trame_slicer.app.ui import create_vertical_slice_view_gutter_ui

from SAMSegmentLib.mrml.volumes import array_of

from .state import ViewState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slicer import vtkMRMLSliceNode
    from trame_server import Server
    from trame_slicer.views import SliceView

# The positive and the negative end of the axes R, A and S.
_ENDS = (("R", "L"), ("A", "P"), ("S", "I"))
# Slices across these axes.
_TITLES = ("Sagittal", "Coronal", "Axial")
# A direction that is turned by less than about 17 degrees from an axis is named by that axis alone.
_SMALLEST_PART = 0.3

_EDGES = {
    "left": "left: 6px; top: 50%; transform: translateY(-50%)",
    "right": "right: 6px; top: 50%; transform: translateY(-50%)",
    "top": "top: 4px; left: 50%; transform: translateX(-50%)",
    "bottom": "bottom: 30px; left: 50%; transform: translateX(-50%)",
    "title": "top: 4px; right: 8px",
}
_LOOK = (
    "position: absolute; color: #d8d8d8; font: 600 14px sans-serif; text-shadow: 0 0 3px #000; pointer-events: none;"
)


def slice_view_overlay(server: Server, view_id: str, view: SliceView) -> None:
    """What lies over the picture of a slice view: trame-slicer's buttons and slider, and the letters."""
    create_vertical_slice_view_gutter_ui(server, view_id, view)
    name = TypedState(server.state, ViewState).name
    labels = f"{name.labels}['{view.get_singleton_tag()}']"
    for edge, place in _EDGES.items():
        html.Div(f"{{{{ {labels}?.{edge} }}}}", style=f"{_LOOK} {place}")


def view_labels(slice_node: vtkMRMLSliceNode) -> dict[str, str]:
    """The letters for each edge of a view, and its name."""
    to_ras = array_of(slice_node.GetSliceToRAS())
    right, up, normal = to_ras[:3, :3].T
    return {
        "left": _letters(-right),
        "right": _letters(right),
        "top": _letters(up),
        "bottom": _letters(-up),
        "title": _TITLES[int(np.argmax(np.abs(normal)))],
    }


def _letters(direction: Iterable[float]) -> str:
    parts = [(abs(part), ends[int(part < 0)]) for part, ends in zip(direction, _ENDS, strict=True)]
    return "".join(letter for size, letter in sorted(parts, reverse=True) if size > _SMALLEST_PART)
