"""The segment editor's logic and node that a session writes with."""

from __future__ import annotations

import slicer


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
        self._is_own = node is None
        self.node = _hidden_node(self._scene, name) if node is None else node
        if self.node.GetSegmentationNode() is not segmentation_node:
            self.node.SetAndObserveSegmentationNode(segmentation_node)
        if self.node.GetSourceVolumeNode() is not volume_node:
            self.node.SetAndObserveSourceVolumeNode(volume_node)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(self._scene)
        self.logic.SetSegmentEditorNode(self.node)

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
