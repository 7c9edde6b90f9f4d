"""The panel's part for carrying a segment through the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import PromptState, PropagationState
from .widgets import hint, switch, text_button

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
    for value, label, explained in (
        (
            name.is_smooth,
            "Look again from the sides (slower)",
            "The model then looks at the segment in the two other orientations, too: fewer steps between slices",
        ),
        (
            name.is_connected,
            "Keep only what is connected",
            "Pieces that do not hang together with slices that you worked in are left out",
        ),
        (name.is_filled, "Fill holes", "Hollows within the segment are filled"),
    ):
        switch(label, explained, v_model=(value,), disabled=(name.is_running,))
    switch(
        "End before the slice in view",
        "Nothing is made in this slice, nor beyond it",
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
            explained="Carries the segment from slices with prompts, and accepted ones, through the range",
            color="primary",
            variant="flat",
            v_if=(f"!{name.is_running}",),
            disabled=(f"!{segment.segment_id}",),
        )
        text_button(
            "Cancel",
            control.cancel,
            "mdi-stop",
            explained="Stops here; the slices that were made stay",
            v_if=(name.is_running,),
        )
    with html.Div(v_if=(name.is_running,), classes="mt-2"):
        v3.VProgressLinear(model_value=(name.percent,), height=6, rounded=True, color="primary")
    hint(f"{{{{ {name.text} }}}}", v_if=(name.text,), id="samsegment-propagation")
