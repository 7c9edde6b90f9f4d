"""Section 'Correct by hand': Slicer's own Segment Editor on the same segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
import vtk

from SAMSegmentLib.mrml.viewinput import Tool

from .binding import segment_editor_node

if TYPE_CHECKING:
    from .views import SliceViews
    from .work import Work

# It shows the segments that stand at the top of the panel once more.
_SECOND_TABLE = "SegmentsTableResizableFrame"

# Slicer keeps 10 by default; as many clicks are made in a minute. Labelmaps that did not change are shared.
_UNDO_STATES = 50


class EditorHistory:
    """The editor widget's undo states as the session's: clicks and brush strokes are taken back in their order."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget

    def save_state(self) -> None:
        """Before a change of the segmentation."""
        self._widget.saveStateForUndo()

    def undo(self) -> None:
        """Back to the state before the last change."""
        self._widget.undo()

    def redo(self) -> None:
        """Forward again."""
        self._widget.redo()


class CorrectionSection:
    """Hand correction, and which tool has the left mouse button."""

    def __init__(self, ui: Any, work: Work, views: SliceViews) -> None:
        self.ui = ui
        self._work = work
        self._views = views
        self._effect = ""
        self._observed: tuple[Any, int] | None = None
        self.history = EditorHistory(self.ui.segmentEditorWidget)
        self.ui.segmentEditorWidget.maximumNumberOfUndoStates = _UNDO_STATES
        for table in slicer.util.findChildren(self.ui.segmentEditorWidget, name=_SECOND_TABLE):
            table.hide()
        work.bound.connect(self._show_nodes)

    def refresh(self) -> None:
        """One tool at a time has the left mouse button: the one that was chosen last."""
        self.ui.segmentEditorWidget.enabled = self._work.scene_session is not None
        node = self.ui.segmentEditorWidget.mrmlSegmentEditorNode()
        effect = (node.GetActiveEffectName() or "") if node else ""
        if effect and self._views.tool is not Tool.NONE:
            if effect == self._effect:
                self.leave()
                effect = ""
            else:
                self._views.tool = Tool.NONE
        self._effect = effect

    def attach(self) -> None:
        """Give the editor its node; again in another scene."""
        node = segment_editor_node()
        if self._observed is None:
            tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_event: self._work.note_change())
            self._observed = node, tag
            self.ui.segmentEditorWidget.setMRMLSegmentEditorNode(node)

    def leave(self) -> None:
        """Put the editor's tool down: it listens to the views as long as it is active."""
        self.ui.segmentEditorWidget.setActiveEffectByName("")

    def detach(self) -> None:
        """Forget the scene's node before it goes."""
        self.leave()
        if self._observed:
            node, tag = self._observed
            node.RemoveObserver(tag)
            self._observed = None
        self.ui.segmentEditorWidget.setMRMLSegmentEditorNode(None)

    def _show_nodes(self) -> None:
        session = self._work.scene_session
        self.leave()
        self.ui.segmentEditorWidget.setSegmentationNode(session.segmentation_node if session else None)
        self.ui.segmentEditorWidget.setSourceVolumeNode(session.volume_node if session else None)
