"""Section 'Volume and segments': the list of segments, and which one prompts are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

if TYPE_CHECKING:
    from .work import Work


class SegmentsSection:
    """The selectors are bound to the parameter node; names, colours and the eyes are the table's own."""

    def __init__(self, ui: Any, work: Work) -> None:
        self.ui = ui
        self._work = work
        self._is_refreshing = False
        self.ui.segmentsTable.statusColumnVisible = False
        self.ui.segmentsTable.opacityColumnVisible = False
        self.ui.segmentsTable.connect("selectionChanged(QItemSelection,QItemSelection)", self._select)
        self.ui.addSegmentButton.connect("clicked()", self._add)
        self.ui.removeSegmentButton.connect("clicked()", self._remove)
        work.bound.connect(self._show_segmentation)

    def refresh(self) -> None:
        """Show what is selected."""
        session = self._work.scene_session
        self.ui.addSegmentButton.enabled = session is not None
        self.ui.removeSegmentButton.enabled = bool(self._work.segment_id)
        selected = (self._work.segment_id,) if self._work.segment_id else ()
        if session and tuple(self.ui.segmentsTable.selectedSegmentIDs()) != selected:
            self._is_refreshing = True
            self.ui.segmentsTable.setSelectedSegmentIDs(list(selected))
            self._is_refreshing = False

    def _show_segmentation(self) -> None:
        session = self._work.scene_session
        self._is_refreshing = True
        self.ui.segmentsTable.setSegmentationNode(session.segmentation_node if session else None)
        self._is_refreshing = False
        if session:
            _show_in_views(session.volume_node)

    def _select(self, *_selections: Any) -> None:
        selected = self.ui.segmentsTable.selectedSegmentIDs()
        if selected and not self._is_refreshing and self._work.scene_session:
            self._work.scene_session.selected_segment_id = selected[0]
            self._work.note_change()

    def _add(self) -> None:
        session = self._work.scene_session
        segment_id = self._work.attempt(session.add_segment)
        if segment_id:
            session.selected_segment_id = segment_id

    def _remove(self) -> None:
        session = self._work.scene_session
        self._work.attempt(session.remove_segment, self._work.segment_id)
        if session.segment_ids:
            session.selected_segment_id = session.segment_ids[-1]


def _show_in_views(volume_node: Any) -> None:
    """Show a volume in the slice views unless they do so already."""
    logic = slicer.app.applicationLogic()
    shown = {node.GetBackgroundVolumeID() for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")}
    if logic and shown != {volume_node.GetID()}:
        logic.GetSelectionNode().SetActiveVolumeID(volume_node.GetID())
        logic.PropagateVolumeSelection()
