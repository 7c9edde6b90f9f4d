"""Stand-in for qMRMLNodeComboBox: nodes of a scene to choose from."""

from typing import Any

import slicer
import vtk
from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal

from Testing.host.widgets.mrml import SceneWidget
from Testing.host.widgets.stored import stored

# What a user may do besides choosing; each stands in the list below the nodes when it is enabled.
ACTIONS = {
    "addEnabled": ("Create new {}", "addNode"),
    "editEnabled": ("Edit current {}", "editCurrentNode"),
    "renameEnabled": ("Rename current {}", "renameCurrentNode"),
    "removeEnabled": ("Delete current {}", "removeCurrentNode"),
}


class qMRMLNodeComboBox(SceneWidget):
    """Lists the scene's nodes of ``nodeTypes`` and follows additions, removals and new names.

    Without ``noneEnabled`` the first node there is becomes the current one, as in Slicer.
    """

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    currentNodeRenamed = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeEdited = Signal(object)
    nodeAboutToBeRemoved = Signal(object)

    nodeTypes = stored("QStringList", "nodeTypes", [], then="refresh")
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [], then="refresh")
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True, then="refresh")
    showHidden = stored(bool, "showHidden", False, then="refresh")
    noneEnabled = stored(bool, "noneEnabled", False, then="refresh")
    noneDisplay = stored(str, "noneDisplay", "None", then="refresh")
    addEnabled = stored(bool, "addEnabled", True, then="refresh")
    removeEnabled = stored(bool, "removeEnabled", True, then="refresh")
    editEnabled = stored(bool, "editEnabled", False, then="refresh")
    renameEnabled = stored(bool, "renameEnabled", False, then="refresh")
    baseName = stored(str, "baseName", "")
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._attributes: dict[tuple[str, str], Any] = {}
        self._labels: dict[str, str] = {}
        self._current_id = ""
        self._leaving_id = ""
        self._combo = QtWidgets.QComboBox()
        self._combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self._combo.setMinimumWidth(60)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._combo.activated.connect(self._activate)

    # The nodes

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self.refresh()

    def mrmlScene(self) -> Any:
        return self._scene

    def observe_scene(self) -> None:
        """The host's handle: what changes the list."""
        if self._scene is None:
            return
        scene, add = self._scene, self._scene_observations.add
        add(scene, slicer.vtkMRMLScene.NodeAddedEvent, self._note_added)
        add(scene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._note_leaving)
        add(scene, slicer.vtkMRMLScene.NodeRemovedEvent, self._note_removed)
        add(scene, slicer.vtkMRMLScene.EndBatchProcessEvent, self._note_change)
        add(scene, slicer.vtkMRMLScene.EndCloseEvent, self._note_change)

    def nodes(self) -> list[Any]:
        """The host's handle: what is listed."""
        return [node for node in _every_node(self._scene) if self._is_listed(node)]

    def _is_listed(self, node: Any) -> bool:
        if node.GetID() == self._leaving_id or (node.GetHideFromEditors() and not self.showHidden):
            return False
        kinds = [kind for kind in self.nodeTypes if node.IsA(kind)]
        if not kinds or any(node.IsA(kind) for kind in self.hideChildNodeTypes):
            return False
        if not self.showChildNodeTypes and node.GetClassName() not in self.nodeTypes:
            return False
        wanted = [(name, value) for (kind, name), value in self._attributes.items() if node.IsA(kind)]
        return all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)) for name, value in wanted
        )

    def refresh(self) -> None:
        """The host's handle: list the nodes again."""
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        self._observe_nodes()
        nodes = self.nodes()
        if self._current_id not in [node.GetID() for node in nodes]:
            self._set_current(nodes[0] if nodes and not self.noneEnabled else None, nodes)
        self._fill(nodes)

    def _observe_nodes(self) -> None:
        """Names, attributes and hiding change what is listed."""
        for node in _every_node(self._scene):
            if any(node.IsA(kind) for kind in self.nodeTypes) and not self._scene_observations.has(node):
                self._scene_observations.add(node, vtk.vtkCommand.ModifiedEvent, self._note_change)

    def _fill(self, nodes: list[Any]) -> None:
        self._combo.blockSignals(True)
        self._combo.clear()
        if self.noneEnabled:
            self._combo.addItem(self.noneDisplay, "")
        for node in nodes:
            self._combo.addItem(node.GetName() or "", node.GetID())
        self._combo.setCurrentIndex(
            self._combo.findData(self._current_id) if self._current_id or self.noneEnabled else -1
        )
        label = self.nodeTypeLabel(self.nodeTypes[0]) if self.nodeTypes else "node"
        for name, (text, _method) in ACTIONS.items():
            if getattr(self, name):
                self._combo.addItem(text.format(label), name)
        self._combo.blockSignals(False)

    # The current node

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current_id) if self._scene is not None and self._current_id else None

    def _read_id(self) -> str:
        return self._current_id

    def setCurrentNode(self, node: Any) -> None:
        """A node, its id, or None. A node that is not listed means none."""
        node = self._scene.GetNodeByID(node) if isinstance(node, str) and self._scene is not None else node
        nodes = self.nodes()
        self._set_current(node if any(node is each for each in nodes) else None, nodes)
        self._fill(nodes)

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(node_id or None)

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    currentNodeID = Property(str, _read_id, setCurrentNodeID)
    currentNodeId = Property(str, _read_id, setCurrentNodeID)

    def _set_current(self, node: Any, nodes: list[Any]) -> None:
        new_id = node.GetID() if node is not None else ""
        if new_id == self._current_id:
            return
        self._current_id = new_id
        self._fill(nodes)
        self.currentNodeChanged.emit(node)
        self.currentNodeIDChanged.emit(new_id)

    # What calls may ask

    def nodeCount(self) -> int:
        return len(self.nodes())

    def nodeFromIndex(self, index: int) -> Any:
        nodes = self.nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes[node_type, name] = value
        self.refresh()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._attributes.pop((node_type, name), None)
        self.refresh()

    def setNodeTypeLabel(self, label: str, node_type: str) -> None:
        self._labels[node_type] = label
        self.refresh()

    def nodeTypeLabel(self, node_type: str) -> str:
        return self._labels.get(node_type) or node_type.removeprefix("vtkMRML").removesuffix("Node")

    # What a user does

    def choose(self, data: str) -> None:
        """The host's handle: a user chooses the node with this id ('' for none) or the action of this name."""
        index = self._combo.findData(data)
        assert index >= 0, f"{self.objectName()} does not offer {data!r}."
        self._combo.setCurrentIndex(index)
        self._combo.activated.emit(index)

    def _activate(self, index: int) -> None:
        data = self._combo.itemData(index)
        if data in ACTIONS:
            self._fill(self.nodes())
            getattr(self, ACTIONS[data][1])()
            return
        self.setCurrentNodeID(data)
        self.nodeActivated.emit(self.currentNode())

    def addNode(self, node_type: str = "") -> Any:
        kind = node_type or self.nodeTypes[0]
        name = self.baseName or self.nodeTypeLabel(kind)
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(name))
        for (_kind, attribute), value in self._attributes.items():
            node.SetAttribute(attribute, "" if value is None else str(value))
        self.nodeAddedByUser.emit(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self.currentNode())

    def renameCurrentNode(self) -> None:
        text, accepted = QtWidgets.QInputDialog.getText(self, "Rename", "New name:")
        if accepted:
            self.currentNode().SetName(text)
            self.refresh()
            self.currentNodeRenamed.emit(text)

    def editCurrentNode(self) -> None:
        self.nodeAboutToBeEdited.emit(self.currentNode())

    # What the scene does

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _note_added(self, _scene: Any, _event: str, node: Any) -> None:
        if not self._is_listed(node):
            return
        self.refresh()
        self.nodeAdded.emit(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _note_leaving(self, _scene: Any, _event: str, node: Any) -> None:
        self._scene_observations.end_of(node)
        if not self._is_listed(node):
            return
        self.nodeAboutToBeRemoved.emit(node)
        self._leaving_id = node.GetID()
        self.refresh()

    def _note_removed(self, *_: Any) -> None:
        self._leaving_id = ""
        self.refresh()

    def _note_change(self, *_: Any) -> None:
        self.refresh()


def _every_node(scene: Any) -> list[Any]:
    return [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())] if scene is not None else []
