"""The panel's part for the model, where it runs, and what it has looked at already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import EngineState
from .widgets import hint, text_button

if TYPE_CHECKING:
    from trame_server import Server

    from .background import Background
    from .model_control import ModelControl

_DEVICES = [
    {"title": "Automatic", "value": "auto"},
    {"title": "Processor (CPU)", "value": "cpu"},
    {"title": "NVIDIA graphics (CUDA)", "value": "cuda"},
    {"title": "Apple graphics (MPS)", "value": "mps"},
]


def build_model(server: Server, control: ModelControl, background: Background) -> None:
    """Model, device, window, and the encoding of slices ahead."""
    name = TypedState(server.state, EngineState).name
    # The server's answer decides what is chosen: a model without weights is refused, and the old one stays.
    with html.Div(classes="d-flex flex-column", style="gap: 10px"):
        for label, value, items, choose in (
            ("Model", name.model, (name.models,), control.choose_model),
            ("Runs on", name.device, (_DEVICES,), background.starting(control.choose_device)),
            ("Grey values that the model sees", name.window, (name.windows,), control.choose_window),
        ):
            v3.VSelect(
                label=label,
                model_value=(value,),
                update_modelValue=(choose, "[$event]"),
                items=items,
                density="compact",
                variant="outlined",
                hide_details=True,
                menu_props=("{ maxWidth: 420 }",),
                raw_attrs=[':item-props="true"'],
            )
    with html.Div(classes="d-flex align-center mt-2", v_if=(name.status,)):
        v3.VProgressCircular(indeterminate=True, size=14, width=2, classes="mr-2")
        hint(f"{{{{ {name.status} }}}}", id="samsegment-status")
    hint("Slices are prepared while you look at them; all of them ahead makes every click fast.", classes="mt-3")
    with html.Div(classes="samsegment-row mt-1"):
        text_button(
            "Prepare all slices",
            control.embed_all,
            "mdi-layers-outline",
            explained="The model looks at every slice now, so that the first click in each is answered at once",
            v_if=(f"!{name.is_embedding}",),
        )
        text_button("Stop", control.stop_embedding, "mdi-stop", v_if=(name.is_embedding,))
        text_button(
            f"{{{{ {name.is_paused} ? 'Go on preparing' : 'Pause preparing' }}}}",
            control.toggle_pause,
            "mdi-pause",
            explained="Slices are not prepared ahead while it pauses; clicks are still answered",
        )
    v3.VProgressLinear(
        v_if=(name.is_embedding,),
        model_value=(name.embedded_percent,),
        height=6,
        rounded=True,
        color="primary",
        classes="mt-2",
    )
    hint(f"{{{{ {name.embedded} }}}}", v_if=(name.embedded,))
