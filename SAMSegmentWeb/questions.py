"""Questions that the page asks before something goes that cannot be brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import OpeningState, PromptState

if TYPE_CHECKING:
    from trame_server import Server

    from .background import Background
    from .opening_control import OpeningControl
    from .segment_control import SegmentControl


def build_choice(server: Server, control: OpeningControl, background: Background) -> None:
    """What was opened holds several volumes, of which one can be shown."""
    name = TypedState(server.state, OpeningState).name
    with v3.VDialog(v_model=(name.is_choice_shown,), max_width=560), v3.VCard():
        v3.VCardTitle(f"{{{{ {name.series}.length ? 'Several series' : 'Several 3D frames' }}}}: which one?")
        with v3.VList(
            v_if=(f"{name.series}.length",),
            density="compact",
            style="max-height: 60vh; overflow-y: auto",
            classes="samsegment-series",
        ):
            v3.VListItem(
                v_for=f"item in {name.series}",
                key=("item.selector",),
                title=("item.title",),
                subtitle=("item.subtitle",),
                click=(background.starting(control.choose_series), "[item.selector]"),
            )
        with v3.VCardText(v_else=True):
            html.Div(f"Frame {{{{ {name.frame} + 1 }}}} of {{{{ {name.frame_count} }}}}", id="samsegment-frame")
            v3.VSlider(
                v_model=(name.frame,),
                min=0,
                max=(f"{name.frame_count} - 1",),
                step=1,
                hide_details=True,
                raw_attrs=['aria-label="Frame"'],
            )
        with v3.VCardActions(classes="justify-end"):
            v3.VBtn("Cancel", classes="text-none", click=control.choose_nothing)
            v3.VBtn(
                "Open this frame",
                v_if=(f"!{name.series}.length",),
                classes="text-none",
                variant="tonal",
                click=background.starting(control.choose_frame),
            )


def build_opening_question(server: Server, control: OpeningControl, background: Background) -> None:
    """Another volume has been read while there is work that was not saved."""
    name = TypedState(server.state, OpeningState).name
    with v3.VDialog(v_model=(name.is_loss_asked,), max_width=560, persistent=True), v3.VCard():
        v3.VCardTitle("Open another image?")
        v3.VCardText(f"{{{{ {name.loss} }}}}")
        with v3.VCardActions(classes="justify-end"):
            v3.VBtn("Stay with this one", classes="text-none", click=control.keep_open)
            v3.VBtn("Open without saving", classes="text-none", color="warning", click=control.open_waiting)
            v3.VBtn(
                "Save and open", classes="text-none", variant="tonal", click=background.starting(control.save_and_open)
            )


def build_removal_question(server: Server, control: SegmentControl) -> None:
    """A segment shall go that holds something, or that steps were done on."""
    name = TypedState(server.state, PromptState).name
    with v3.VDialog(v_model=(name.is_removal_asked,), max_width=560), v3.VCard():
        v3.VCardTitle(f"{{{{ {name.removal} }}}}")
        v3.VCardText("It cannot be brought back, and what was done before cannot be undone any more.")
        with v3.VCardActions(classes="justify-end"):
            v3.VBtn("Keep it", classes="text-none", click=f"{name.is_removal_asked} = false")
            v3.VBtn("Remove it", classes="text-none", color="warning", variant="tonal", click=control.remove_asked)
