"""trame-slicer's hand tools, connected to their own logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState
from trame_slicer.app.logic.segmentation import SegmentEditorLogic
from trame_slicer.app.ui import PaintEffectState

if TYPE_CHECKING:
    from trame_server import Server

    from .panel_editing import HandTools
    from .undo import EditorUndoStack
    from .work import Work


class EditingControl:
    """Painting, erasing and the others on the chosen segment, on the same undo stack as the prompts."""

    def __init__(self, server: Server, work: Work) -> None:
        stack: EditorUndoStack = work.undo_stack
        self._server = server
        self._logic = SegmentEditorLogic(server, work.slicer)
        # Its logic has just put a stack of its own there, of which the scene session knows nothing.
        work.slicer.segmentation_editor.set_undo_stack(stack)
        stack.index_changed.connect(lambda _index: work.note_change())

    def connect(self, tools: HandTools) -> None:
        """Let the page's buttons reach the logic."""
        self._logic.set_ui(tools)
        # A stroke changes the slice that one paints in, as in Slicer; a sphere changes its neighbours unseen.
        TypedState(self._server.state, PaintEffectState).data.use_sphere_brush = False
