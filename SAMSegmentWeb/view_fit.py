"""Fitting the image into a slice view."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trame_slicer.views import SliceView

# Of the view's width or height. Slicer fits to the last pixel: the image's edge, and prompts on it, would look cut off.
_MARGIN = 0.1


def fit_image(view: SliceView) -> None:
    """Show the whole of the slice that a view shows, with a margin; Slicer's own way goes to the middle slice."""
    offset = view.get_slice_value()
    with view.trigger_modified_once():
        view.fit_view_to_content()
        view.zoom(-_MARGIN)
        view.set_slice_value(offset)
    view.schedule_render()
