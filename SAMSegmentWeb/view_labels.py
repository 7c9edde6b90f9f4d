"""Words over slice views: which side of the patient is where, which slice it is, and what is under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from trame.widgets import html
from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.mrml.volumes import array_of

from .state import PromptState, ViewState
from .view_buttons import build_view_buttons

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from slicer import vtkMRMLSliceNode
    from trame_server import Server
    from trame_slicer.views import SliceView

    from SAMSegmentLib.segmentstate import SliceKey

# The positive and the negative end of the axes R, A and S.
_ENDS = (("R", "L"), ("A", "P"), ("S", "I"))
# Slices across these axes.
_TITLES = ("Sagittal", "Coronal", "Axial")
# A direction that is turned by less than about 17 degrees from an axis is named by that axis alone.
_SMALLEST_PART = 0.3
# Less than a degree: slices that are turned by more lie at no one place along an axis.
_ALIGNED_PART = 0.9999

_EDGES = {
    "left": "left: 6px; top: 50%; transform: translateY(-50%)",
    "right": "right: 6px; top: 50%; transform: translateY(-50%)",
    "top": "top: 4px; left: 50%; transform: translateX(-50%)",
    "bottom": "bottom: 34px; left: 50%; transform: translateX(-50%)",
}
_LOOK = (
    "position: absolute; color: #d8d8d8; font: 600 14px sans-serif; pointer-events: none; "
    "text-shadow: 0 0 2px #000, 0 0 4px #000, 0 0 6px #000;"
)
# Beside the buttons. In a small view the title takes several lines, so that it stays clear of the letter at the top.
_CORNER = "top: 4px; right: 8px; left: 48px; text-align: right"
_TITLE = "max-width: 50%; margin-left: auto; line-height: 1.2"
_UNDER_MOUSE = "font-size: 12px; font-weight: 400"


def slice_view_overlay(server: Server, view_id: str, view: SliceView) -> None:
    """What lies over the picture of a slice view: buttons, slider and words."""
    build_view_buttons(server, view_id, view)
    name = TypedState(server.state, ViewState).name
    is_over_view = TypedState(server.state, PromptState).name.is_over_view
    tag = view.get_singleton_tag()
    labels = f"{name.labels}['{tag}']"
    for edge, place in _EDGES.items():
        html.Div(f"{{{{ {labels}?.{edge} }}}}", classes="samsegment-letter", style=f"{_LOOK} {place}")
    with html.Div(style=f"{_LOOK} {_CORNER}"):
        html.Div(f"{{{{ {labels}?.title }}}}", classes="samsegment-title", style=_TITLE)
        with html.Div(
            v_if=(f"{is_over_view} && {name.pointed_view} === '{tag}'",),
            classes="samsegment-under-mouse d-flex flex-wrap justify-end",
            style=_UNDER_MOUSE,
        ):
            html.Span("{{ part }}", v_for=f"part in {name.under_mouse}", key="part", classes="text-no-wrap ml-3")


def view_labels(slice_node: vtkMRMLSliceNode, key: SliceKey | None = None) -> dict[str, str]:
    """The letters for each edge of a view, and which slice it is: ``Axial 93, S 12.5 mm``.

    :param key: the volume's slice that is shown, None outside of the volume.
    """
    to_ras = array_of(slice_node.GetSliceToRAS())
    right, up, normal = to_ras[:3, :3].T
    return {
        "left": _letters(-right),
        "right": _letters(right),
        "top": _letters(up),
        "bottom": _letters(-up),
        "title": _title(normal, to_ras[:3, 3], key),
    }


def _title(normal: NDArray[np.float64], position: NDArray[np.float64], key: SliceKey | None) -> str:
    axis = int(np.argmax(np.abs(normal)))
    if key is None:
        return _TITLES[axis]
    name = f"{key[0].value.capitalize()} {key[1]}"
    if abs(normal[axis]) < _ALIGNED_PART:
        return name
    # As Slicer writes it: to which side of the origin, and how far.
    return f"{name}, {_ENDS[axis][int(position[axis] < 0)]} {abs(position[axis]):.1f} mm"


def _letters(direction: Iterable[float]) -> str:
    parts = [(abs(part), ends[int(part < 0)]) for part, ends in zip(direction, _ENDS, strict=True)]
    return "".join(letter for size, letter in sorted(parts, reverse=True) if size > _SMALLEST_PART)
