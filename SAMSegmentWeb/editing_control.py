"""trame-slicer's hand tools, connected to their own logic, and kept to what a page can wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState
from trame_slicer.app.logic.segmentation import SegmentEditorLogic
from trame_slicer.app.ui import (
    BrushParametersState,
    PaintEffectState,
    SliderState,
    SmoothingEffectMode,
    SmoothingState,
)
from trame_slicer.segmentation import (
    BrushDiameterMode,
    SegmentationEffectErase,
    SegmentationEffectPaint,
    SegmentationEffectSmoothing,
)

from .smoothing_limits import LEAST_MM, limited_mm, most_mm

if TYPE_CHECKING:
    from trame_server import Server

    from .panel_editing import HandTools
    from .undo import EditorUndoStack
    from .work import Work

_BRUSHES = (SegmentationEffectPaint, SegmentationEffectErase, SegmentationEffectSmoothing)
# In voxels along the volume's shortest side: narrow enough for an edge, wide enough to fill an organ.
_NARROWEST, _USUAL, _WIDEST = 1, 8, 60


class EditingControl:
    """Painting, erasing and the others on the chosen segment, on the same undo stack as the prompts."""

    def __init__(self, server: Server, work: Work) -> None:
        stack: EditorUndoStack = work.undo_stack
        self._work = work
        self._logic = SegmentEditorLogic(server, work.slicer)
        self._paint = TypedState(server.state, PaintEffectState)
        self._smoothing = TypedState(server.state, SmoothingState)
        # Its logic has just put a stack of its own there, of which the scene session knows nothing.
        work.slicer.segmentation_editor.set_undo_stack(stack)
        stack.index_changed.connect(lambda _index: work.note_change())

    def connect(self, tools: HandTools) -> None:
        """Let the page's buttons reach the logic."""
        self._logic.set_ui(tools)
        # A stroke changes the slice that one paints in, as in Slicer; a sphere changes its neighbours unseen.
        self._paint.data.use_sphere_brush = False
        name = self._smoothing.name
        # After the logic's own, so that what the effect was given is limited before anything is done with it.
        self._smoothing.bind_changes(
            dict.fromkeys((name.kernel_size, name.standard_deviation), lambda _size: self._limit_smoothing())
        )

    def show_volume(self) -> None:
        """Have brushes of a size in mm that fits the volume that was opened."""
        opened = self._work.opened
        if opened is None:
            return
        voxel = min(opened.volume.spacing)
        size = SliderState(
            min_value=_NARROWEST * voxel, max_value=_WIDEST * voxel, step=voxel / 2, value=_USUAL * voxel
        )
        for brush in (self._paint.data, self._smoothing.data.brush):
            self._use_brush(brush, size)
        for effect in _BRUSHES:
            # What was set for the volume before has gone with it; the logic passes on only what is another number.
            self._work.slicer.segmentation_editor.get_effect(effect).set_brush_diameter(
                size.value, BrushDiameterMode.Absolute
            )
        self._limit_smoothing(is_said=False)

    # --- inside

    @staticmethod
    def _use_brush(brush: BrushParametersState, size: SliderState) -> None:
        brush.brush_diameter_mode = BrushDiameterMode.Absolute
        TypedState.from_dataclass(brush.brush_diameter_slider, size)

    def _limit_smoothing(self, *, is_said: bool = True) -> None:
        opened = self._work.opened
        if opened is None:
            return
        data, volume = self._smoothing.data, opened.volume
        effect = self._work.slicer.segmentation_editor.get_effect(SegmentationEffectSmoothing)
        kernel = most_mm(SmoothingEffectMode.MEDIAN, volume.shape_ijk, volume.spacing)
        effect.set_kernel_size(limited_mm(data.kernel_size, kernel))
        deviation = most_mm(SmoothingEffectMode.GAUSSIAN, volume.shape_ijk, volume.spacing)
        effect.set_standard_deviation(limited_mm(data.standard_deviation, deviation))
        # A field that is empty while one types stays so.
        if data.kernel_size is not None and data.kernel_size != effect.kernel_size:
            data.kernel_size = effect.kernel_size
            self._say("kernel size", effect.kernel_size, kernel, is_said=is_said)
        if data.standard_deviation is not None and data.standard_deviation != effect.standard_deviation:
            data.standard_deviation = effect.standard_deviation
            self._say("standard deviation", effect.standard_deviation, deviation, is_said=is_said)

    def _say(self, title: str, size: float, most: float, *, is_said: bool) -> None:
        if is_said:
            self._work.messages.tell(
                f"The {title} can be {LEAST_MM:g} to {most:g} mm in this image; it is {size:g} mm now."
            )
