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

# Slicer keeps 10 states by default; as many clicks are made in a minute. In the worst case each state has a labelmap of
# the whole volume, one byte a voxel, so that fewer are kept of a large volume.
_LEAST_UNDO_STATES, _MOST_UNDO_STATES = 10, 50
_UNDO_BYTES = 1 << 29


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

    def start_anew(self, voxels: int) -> None:
        """Forget all states: a new session knows nothing of the prompts that go with them.

        :param voxels: of the volume; decides on how many states are kept from now on.
        """
        self._widget.maximumNumberOfUndoStates = 0
        self._widget.maximumNumberOfUndoStates = undo_states(voxels)


def undo_states(voxels: int) -> int:
    """How many states of a segmentation with so many voxels are kept for undo."""
    return min(_MOST_UNDO_STATES, max(_LEAST_UNDO_STATES, _UNDO_BYTES // max(1, voxels)))


class CorrectionSection:
    """Hand correction, and which tool has the left mouse button."""

    def __init__(self, ui: Any, work: Work, views: SliceViews) -> None:
        self.ui = ui
        self._work = work
        self._views = views
        self._effect = ""
        self._observed: tuple[Any, int] | None = None
        self.history = EditorHistory(self.ui.segmentEditorWidget)
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
        """Give the editor its node; again in another scene, and where the node was removed from the scene."""
        node = segment_editor_node()
        if self._observed and self._observed[0] is not node:
            self.detach()
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
        # Without a node the editor would go on with the segmentation that it has.
        self._show(None, None)
        self.ui.segmentEditorWidget.setMRMLSegmentEditorNode(None)

    def _show_nodes(self) -> None:
        session = self._work.scene_session
        self.leave()
        if session is None:
            self._show(None, None)
            return
        self.attach()
        self._show(session.segmentation_node, session.volume_node)
        self.history.start_anew(session.volume.array.size)

    def _show(self, segmentation_node: Any, volume_node: Any) -> None:
        # The editor takes a segmentation's reference volume for its own: the volume comes after it.
        self.ui.segmentEditorWidget.setSegmentationNode(segmentation_node)
        self.ui.segmentEditorWidget.setSourceVolumeNode(volume_node)
