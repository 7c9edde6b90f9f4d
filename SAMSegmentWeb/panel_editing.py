"""The panel's part for correcting by hand: trame-slicer's own tools and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame_server.utils.typed_state import TypedState
from trame_slicer.app.ui import (
    DrawEffectUI,
    FlexContainer,
    IslandsEffectUI,
    LogicalOperatorsEffectUI,
    PaintEffectState,
    PaintEffectUI,
    ScissorsEffectUI,
    SegmentEditAreaUI,
    SegmentEditorUI,
    ThresholdEffectUI,
    ThresholdState,
)
from trame_slicer.segmentation import (
    SegmentationEffectDraw,
    SegmentationEffectErase,
    SegmentationEffectIslands,
    SegmentationEffectLogicalOperators,
    SegmentationEffectPaint,
    SegmentationEffectScissors,
    SegmentationEffectSmoothing,
    SegmentationEffectThreshold,
)

from .panel_smoothing import SmoothingOptions
from .widgets import hint, rounded

if TYPE_CHECKING:
    from trame_slicer.segmentation import SegmentationEffect

    from .editing_control import EditingControl

_POINTS = "'Point By Point': click the corners, the right button ends."
# What a tool does, and what its bare words mean.
_EXPLAINED = {
    SegmentationEffectPaint: "Drag in a view to add to the segment.",
    SegmentationEffectErase: "Drag in a view to take from the segment.",
    SegmentationEffectScissors: f"Drag around a region. {_POINTS} 'Unlimited' cuts through all slices, 'Positive' and "
    "'Negative' to one side of the slice in view, 'Symmetric' as far as the distance says.",
    SegmentationEffectDraw: f"Drag around a region of the slice, which is filled. {_POINTS}",
    SegmentationEffectLogicalOperators: "Changes the whole segment, most of them by another one.",
    SegmentationEffectThreshold: "'Apply' makes the segment anew of all voxels in the range; 'Use as mask' lets the "
    "brush paint those only.",
    SegmentationEffectIslands: "Pieces that do not hang together; 'selected' is the one that is clicked on in a view.",
}
_OPTIONS = {
    SegmentationEffectPaint: PaintEffectUI,
    SegmentationEffectErase: PaintEffectUI,
    SegmentationEffectLogicalOperators: LogicalOperatorsEffectUI,
    SegmentationEffectThreshold: ThresholdEffectUI,
    SegmentationEffectIslands: IslandsEffectUI,
    SegmentationEffectDraw: DrawEffectUI,
    SegmentationEffectScissors: ScissorsEffectUI,
    SegmentationEffectSmoothing: SmoothingOptions,
}


class HandTools(SegmentEditorUI):
    """trame-slicer's editor without its list of segments and its display options, which the panel has already."""

    def _build_ui(self) -> None:
        with self:
            hint(
                "For the chosen segment; prompts and hand corrections can be mixed, and undone together. Accept a "
                "corrected slice (A) for propagation to start from it, too."
            )
            with html.Div(classes="samsegment-row mt-1"):
                self.build_effect_buttons()
            for effect, options in _OPTIONS.items():
                self._explain(effect)
                self._register_effect_ui(effect, options)
            SegmentEditAreaUI(
                segment_edit_area_typed_state=self.sub_state(self._typed_state.name.segment_edit_area), variant="flat"
            )

    def _explain(self, effect: type[SegmentationEffect]) -> None:
        with FlexContainer(v_if=self.is_active_effect(effect), classes="my-1"):
            if effect in _EXPLAINED:
                hint(_EXPLAINED[effect])
            if effect in (SegmentationEffectPaint, SegmentationEffectErase):
                size = TypedState(self.state, PaintEffectState).name.brush_diameter_slider.value
                hint(
                    f"The brush is {{{{ {rounded(size)} }}}} mm wide; Shift and the wheel change it.",
                    classes="samsegment-brush",
                )
            if effect is SegmentationEffectThreshold:
                values = TypedState(self.state, ThresholdState).name.threshold_slider.value
                hint(
                    f"From {{{{ {rounded(f'{values}[0]')} }}}} to {{{{ {rounded(f'{values}[1]')} }}}}",
                    id="samsegment-threshold",
                )


def build_hand_tools(control: EditingControl) -> None:
    """Painting, erasing, scissors, smoothing and the others, as trame-slicer has them."""
    control.connect(HandTools())
