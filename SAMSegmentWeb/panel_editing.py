"""The panel's part for correcting by hand: trame-slicer's own tools and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame_slicer.app.ui import (
    DrawEffectUI,
    IslandsEffectUI,
    LogicalOperatorsEffectUI,
    PaintEffectUI,
    ScissorsEffectUI,
    SegmentEditAreaUI,
    SegmentEditorUI,
    SmoothingEffectUI,
    ThresholdEffectUI,
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

from .widgets import hint

if TYPE_CHECKING:
    from .editing_control import EditingControl

_OPTIONS = {
    SegmentationEffectPaint: PaintEffectUI,
    SegmentationEffectErase: PaintEffectUI,
    SegmentationEffectLogicalOperators: LogicalOperatorsEffectUI,
    SegmentationEffectThreshold: ThresholdEffectUI,
    SegmentationEffectIslands: IslandsEffectUI,
    SegmentationEffectDraw: DrawEffectUI,
    SegmentationEffectScissors: ScissorsEffectUI,
    SegmentationEffectSmoothing: SmoothingEffectUI,
}


class HandTools(SegmentEditorUI):
    """trame-slicer's editor without its list of segments and its display options, which the panel has already."""

    def _build_ui(self) -> None:
        with self:
            hint("For the chosen segment; prompts and hand corrections can be mixed, and undone together.")
            with html.Div(classes="samsegment-row mt-1"):
                self.build_effect_buttons()
            for effect, options in _OPTIONS.items():
                self._register_effect_ui(effect, options)
            SegmentEditAreaUI(
                segment_edit_area_typed_state=self.sub_state(self._typed_state.name.segment_edit_area), variant="flat"
            )


def build_hand_tools(control: EditingControl) -> None:
    """Painting, erasing, scissors, smoothing and the others, as trame-slicer has them."""
    control.connect(HandTools())
