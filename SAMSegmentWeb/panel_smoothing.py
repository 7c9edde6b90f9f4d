"""The panel's part for smoothing by hand, in place of trame-slicer's own, which takes sizes nobody can wait for."""

from __future__ import annotations

from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState
from trame_slicer.app.ui import BrushParametersUI, FlexContainer, SmoothingEffectMode, SmoothingState
from undo_stack import Signal

from .smoothing_limits import LEAST_MM, MOST_MM
from .widgets import hint, rounded, text_button

_TITLES = {
    SmoothingEffectMode.MEDIAN: "Median: evens out the edge",
    SmoothingEffectMode.OPENING: "Opening: takes off what sticks out",
    SmoothingEffectMode.CLOSING: "Closing: fills notches and small holes",
    SmoothingEffectMode.GAUSSIAN: "Gaussian: rounds everything",
    SmoothingEffectMode.JOINT: "Joint: all shown segments together",
}


class SmoothingOptions(FlexContainer):
    """Method, its size, the button, and the brush; trame-slicer's logic knows them by its own state and signal."""

    apply_clicked = Signal()

    def __init__(self, **attributes: object) -> None:
        super().__init__(**attributes)
        typed = TypedState(self.state, SmoothingState)
        name = typed.name
        with self:
            v3.VSelect(
                v_model=(name.mode,),
                items=([{"title": title, "value": typed.encode(mode)} for mode, title in _TITLES.items()],),
                label="Smoothing method",
                density="compact",
                variant="outlined",
                hide_details=True,
                classes="mt-1",
            )
            is_gaussian, is_joint = (
                f"{name.mode} == {typed.encode(mode)}"
                for mode in (SmoothingEffectMode.GAUSSIAN, SmoothingEffectMode.JOINT)
            )
            _size_field("Kernel size (mm)", name.kernel_size, f"!({is_gaussian}) && !({is_joint})")
            _size_field("Standard deviation (mm)", name.standard_deviation, is_gaussian)
            v3.VSlider(
                v_if=(is_joint,),
                v_model=(name.smoothing_factor,),
                min=0,
                max=1,
                step=0.01,
                label="Smoothing factor",
                hide_details=True,
                density="compact",
                classes="mt-2",
            )
            text_button(
                "Apply",
                self.apply_clicked,
                "mdi-check",
                explained="Smooths the whole segment, or all that are shown if the method says so",
                classes="text-none my-2 align-self-start",
            )
            size = rounded(name.brush.brush_diameter_slider.value)
            hint(f"Or paint in a view: the brush, {{{{ {size} }}}} mm wide, smooths only where it goes.")
            BrushParametersUI(typed.get_sub_state(name.brush))


def _size_field(label: str, value: str, is_shown: str) -> None:
    v3.VNumberInput(
        v_if=(is_shown,),
        v_model=(value,),
        min=(LEAST_MM,),
        max=(MOST_MM,),
        step=(0.1,),
        precision=1,
        control_variant="stacked",
        label=label,
        density="compact",
        variant="outlined",
        hide_details=True,
        classes="mt-2 flex-grow-0",
    )
