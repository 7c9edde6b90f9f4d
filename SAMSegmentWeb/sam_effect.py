"""SAM's prompts as an effect of trame-slicer's segment editor: it is active while clicks are prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_slicer.segmentation import SegmentationEffect

from SAMSegmentLib.mrml.viewinput import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from slicer import vtkMRMLAbstractViewNode, vtkMRMLNode
    from trame_slicer.core import SegmentationEditor
    from trame_slicer.segmentation import SegmentationEffectPipeline


class SamEffect(SegmentationEffect):
    """Switches the views' input on and off with the editor's other effects; nothing of it is drawn by the editor.

    The views' input takes the mouse before any effect does, so there is no pipeline: those of other effects are
    inactive meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tool = Tool.NONE
        self._use_tool: Callable[[Tool], None] = lambda _tool: None

    @classmethod
    def of(cls, editor: SegmentationEditor, use_tool: Callable[[Tool], None]) -> SamEffect:
        """The editor's effect, which is registered if need be.

        :param use_tool: takes clicks in all slice views as this tool's.
        """
        editor.register_effect_type(cls)
        effect: SamEffect = editor.get_effect(cls)
        effect._use_tool = use_tool
        return effect

    @property
    def tool(self) -> Tool:
        """What clicks are taken for while the effect is active."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self._tool = tool
        if self.is_active:
            self._use_tool(tool)

    def set_active(self, is_active: bool) -> None:
        """Called by the editor when this effect, or another one, is chosen."""
        super().set_active(is_active)
        self._use_tool(self._tool if is_active else Tool.NONE)

    def _create_pipeline(
        self, _view_node: vtkMRMLAbstractViewNode, _parameter: vtkMRMLNode
    ) -> SegmentationEffectPipeline | None:
        return None
