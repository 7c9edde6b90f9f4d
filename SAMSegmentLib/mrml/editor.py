"""The segment editor's logic and node that a session writes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    from collections.abc import Sequence


class Editor:
    """A segment editor logic on a node of its own, or on one that a segment editor of the application shows.

    :param node: whose masking, overwriting and selection are respected; None: a hidden node, removed by :meth:`close`.
    :param name: of the hidden node.
    """

    def __init__(
        self,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        node: slicer.vtkMRMLSegmentEditorNode | None,
        name: str = "SAMSegment",
    ) -> None:
        self._scene = segmentation_node.GetScene()
        self._segmentation_node = segmentation_node
        self._is_own = node is None
        self.node = _hidden_node(self._scene, name) if node is None else node
        if self.node.GetSegmentationNode() is not segmentation_node:
            self.node.SetAndObserveSegmentationNode(segmentation_node)
        if self.node.GetSourceVolumeNode() is not volume_node:
            self.node.SetAndObserveSourceVolumeNode(volume_node)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(self._scene)
        self.logic.SetSegmentEditorNode(self.node)

    def select(self, segment_id: str) -> None:
        """Select a segment of ours."""
        if self._is_ours:
            self.node.SetSelectedSegmentID(segment_id)

    def select_one_of(self, segment_ids: Sequence[str]) -> None:
        """Select the last of some segments, unless one of them is selected."""
        if segment_ids and self.node.GetSelectedSegmentID() not in segment_ids:
            self.select(segment_ids[-1])

    def drop_lost_mask(self, segment_ids: Sequence[str]) -> bool:
        """Allow changes everywhere if they are limited to a segment that is not there: no voxel could be changed.

        :param segment_ids: that are there.
        :returns: whether it was so.
        """
        inside = slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment
        is_limited = self._is_ours and self.node.GetMaskMode() == inside
        if not is_limited or self.node.GetMaskSegmentID() in segment_ids:
            return False
        self.node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
        return True

    @property
    def _is_ours(self) -> bool:
        """Whether the node is still that of our segmentation; the application may have turned it to another one."""
        return self.node.GetSegmentationNode() is self._segmentation_node

    def close(self) -> None:
        """Let go of the node, and remove it if it is ours."""
        self.logic.SetSegmentEditorNode(None)
        self.logic.SetMRMLScene(None)
        if self._is_own and self._scene.IsNodePresent(self.node):
            self._scene.RemoveNode(self.node)


def _hidden_node(scene: slicer.vtkMRMLScene, name: str) -> slicer.vtkMRMLSegmentEditorNode:
    node = slicer.vtkMRMLSegmentEditorNode()
    node.SetName(name)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    return scene.AddNode(node)
