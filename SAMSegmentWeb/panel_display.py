"""The panel's part for how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import DisplayState, EngineState
from .widgets import hint, text_button

if TYPE_CHECKING:
    from trame_server import Server

    from .display_control import DisplayControl


def build_display(server: Server, control: DisplayControl) -> None:
    """Grey values, opacity of the segments, surface in 3D."""
    name = TypedState(server.state, DisplayState).name
    # A menu of its own, since the one of the model changes what is segmented.
    v3.VSelect(
        label="Grey values that you see",
        model_value=(name.window,),
        update_modelValue=(control.show_window, "[$event]"),
        items=(TypedState(server.state, EngineState).name.windows,),
        placeholder="As set below",
        persistent_placeholder=True,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes="mt-1",
    )
    hint("This changes the picture alone. What the model sees is chosen under 'Model'.", classes="mt-1")
    with html.Div(classes="d-flex mt-3", style="gap: 10px"):
        for end, label in enumerate(("Lower grey value", "Upper grey value")):
            _gray_value(name, control, end, label)
    v3.VRangeSlider(
        v_model=(name.gray_range,),
        min=(name.gray_low,),
        max=(name.gray_high,),
        step=(f"({name.gray_high} - {name.gray_low}) / 500",),
        hide_details=True,
        density="compact",
        classes="mx-2",
        raw_attrs=['aria-label="Grey values"'],
    )
    hint("Opacity of the segments")
    v3.VSlider(
        v_model=(name.opacity,),
        min=0,
        max=1,
        step=0.05,
        hide_details=True,
        density="compact",
        classes="mx-2",
        raw_attrs=['aria-label="Opacity of the segments"'],
    )
    with html.Div(classes="d-flex align-center"):
        v3.VSwitch(
            model_value=(name.is_3d_shown,),
            update_modelValue=(control.set_surface, "[$event]"),
            label="Surface in the 3D view",
            density="compact",
            hide_details=True,
            color="primary",
        )
    text_button("Fit the views", control.reset_views, "mdi-fit-to-page-outline", classes="text-none mt-1")


def _gray_value(name: Any, control: DisplayControl, end: int, label: str) -> None:
    """A field for one end of the grey values that are shown."""
    span = f"({name.gray_high} - {name.gray_low})"
    v3.VTextField(
        label=label,
        type="number",
        step="any",
        # Made anew, with what is shown, when what was typed is refused.
        key=(f"`{end} ${{{name.refusals}}}`",),
        model_value=(_rounded(f"{name.gray_range}[{end}]", span),),
        change=(control.set_gray_value, f"[{end}, $event.target.value]"),
        density="compact",
        variant="outlined",
        hide_details=True,
        hide_spin_buttons=True,
    )


def _rounded(value: str, span: str) -> str:
    """A value in the page, whole unless all of them lie close together: some images hold 0 to 1."""
    return f"{span} < 100 ? Number({value}.toPrecision(3)) : Math.round({value})"
