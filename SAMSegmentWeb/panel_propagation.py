"""The panel's part for carrying a segment through the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import PromptState, PropagationState
from .widgets import hint, text_button

if TYPE_CHECKING:
    from trame_server import Server

    from .propagation_control import PropagationControl


def build_propagation(server: Server, control: PropagationControl) -> None:
    """Range, start and cancel, progress, and the slices that are worth a look."""
    name = TypedState(server.state, PropagationState).name
    segment = TypedState(server.state, PromptState).name
    hint(
        f"Range: {{{{ {name.orientation} }}}} slices {{{{ {name.range}[0] }}}} to {{{{ {name.range}[1] }}}}",
        id="samsegment-range",
    )
    v3.VRangeSlider(
        v_model=(name.range,),
        min=0,
        max=(name.last_index,),
        step=1,
        strict=True,
        hide_details=True,
        density="compact",
        disabled=(name.is_running,),
        classes="mx-2",
        raw_attrs=['aria-label="Range of slices"'],
    )
    v3.VSwitch(
        v_model=(name.is_smooth,),
        label="Look again from the sides (slower)",
        density="compact",
        hide_details=True,
        color="primary",
        disabled=(name.is_running,),
    )
    with html.Div(classes="samsegment-row mt-1"):
        text_button(
            "Propagate",
            control.start,
            "mdi-arrow-expand-vertical",
            color="primary",
            variant="flat",
            v_if=(f"!{name.is_running}",),
            disabled=(f"!{segment.segment_id}",),
        )
        text_button("Cancel", control.cancel, "mdi-stop", v_if=(name.is_running,))
    with html.Div(v_if=(name.is_running,), classes="mt-2"):
        v3.VProgressLinear(model_value=(name.percent,), height=6, rounded=True, color="primary")
    hint(f"{{{{ {name.text} }}}}", v_if=(name.text,), id="samsegment-propagation")
    with html.Div(classes="samsegment-row mt-2"):
        text_button(
            "Next doubtful slice",
            control.next_doubtful,
            "mdi-magnify",
            shortcut="d",
            disabled=(f"!{name.has_doubtful}",),
        )
    hint(f"{{{{ {name.doubtful} }}}}", v_if=(name.doubtful,))
