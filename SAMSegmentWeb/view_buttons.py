"""Buttons and slider of a slice view."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui import Slider, create_slice_buttons

from .view_fit import fit_image

if TYPE_CHECKING:
    from trame_server import Server
    from trame_slicer.views import SliceView


def build_view_buttons(server: Server, view_id: str, view: SliceView) -> None:
    """trame-slicer's buttons at the top left and slider at the bottom; but fitting the image keeps the slice."""
    with html.Div(style="position: absolute; top: 0; left: 0", classes="d-flex flex-column pa-2"):
        with v3.VBtn(
            click=partial(fit_image, view), size="medium", variant="text", raw_attrs=['aria-label="Fit into the view"']
        ):
            v3.VIcon("mdi-fit-to-page-outline", size="medium", color="white")
            v3.VTooltip("Fit into the view", activator="parent", location="right")
        create_slice_buttons(server, view_id, view)
    with html.Div(classes="slice-slider-gutter", style="position: absolute; bottom: 0; left: 0; width: 100%"):
        Slider(
            classes="slice-slider",
            typed_state=connect_slice_view_slider_to_state(server, view),
            theme="dark",
            dense=True,
        )
