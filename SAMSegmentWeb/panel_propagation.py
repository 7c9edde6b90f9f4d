"""The panel's part for carrying a segment through the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import PromptState, PropagationState
from .widgets import hint, text_button

if TYPE_CHECKING:
    from trame_server import Server

    from .propagation_control import PropagationControl


def build_propagation(server: Server, control: PropagationControl) -> None:
    """Range, what is made of it, start and cancel, and progress."""
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
    for value, label in (
        (name.is_smooth, "Look again from the sides (slower)"),
        (name.is_connected, "Keep only what is connected"),
        (name.is_filled, "Fill holes"),
    ):
        _switch(label, v_model=(value,), disabled=(name.is_running,))
    _switch(
        "End before the slice in view",
        model_value=(name.is_stop,),
        update_modelValue=(control.set_stop, "[$event]"),
        disabled=(f"{name.is_running} || !{name.can_stop}",),
    )
    hint(f"{{{{ {name.stops} }}}}", v_if=(name.stops,), id="samsegment-stops")
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


def _switch(label: str, **attributes: Any) -> None:
    v3.VSwitch(
        label=label, density="compact", hide_details=True, color="primary", classes="samsegment-switch", **attributes
    )
