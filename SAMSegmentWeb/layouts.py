"""Arrangements of the views: each orientation's view can be the large one, or the only one."""

from __future__ import annotations

from trame_slicer.core import LayoutManager
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition

from SAMSegmentLib.geometry import Orientation

_VIEWS = {
    Orientation.AXIAL: ViewLayoutDefinition.axial_view,
    Orientation.CORONAL: ViewLayoutDefinition.coronal_view,
    Orientation.SAGITTAL: ViewLayoutDefinition.sagittal_view,
}


def layouts() -> dict[str, Layout]:
    """All of them by name, in the order in which they are offered; trame-slicer's own come last."""
    large = {primary_layout(orientation): _primary(orientation) for orientation in _VIEWS}
    alone = {only_layout(orientation): _only(orientation) for orientation in _VIEWS}
    # Names that trame-slicer has, too, keep their place and mean ours.
    return {**large, **alone, **LayoutManager.default_grid_configuration(), **large, **alone}


def primary_layout(orientation: Orientation) -> str:
    """The name of the layout in which an orientation's view is the large one."""
    return f"{orientation.value.capitalize()} Primary"


def only_layout(orientation: Orientation) -> str:
    """The name of the layout in which there is no other view."""
    return f"{orientation.value.capitalize()} Only"


def has_large_slice(name: str) -> bool:
    """Whether a layout is for looking at the slices of one orientation."""
    return any(name in (primary_layout(orientation), only_layout(orientation)) for orientation in _VIEWS)


def _only(orientation: Orientation) -> Layout:
    return Layout(LayoutDirection.Vertical, [_VIEWS[orientation]()])


def _primary(orientation: Orientation) -> Layout:
    others = [view() for other, view in _VIEWS.items() if other is not orientation]
    beside = Layout(LayoutDirection.Vertical, [ViewLayoutDefinition.threed_view(), *others])
    return Layout(LayoutDirection.Horizontal, [_VIEWS[orientation](), beside])
