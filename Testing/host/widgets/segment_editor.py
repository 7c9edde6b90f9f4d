"""Stand-in for qMRMLSegmentEditorWidget, over the real vtkSlicerSegmentEditorLogic."""

from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from Testing.host.problems import NotInHost
from Testing.host.widgets.main_window import qSlicerMainWindow
from Testing.host.widgets.mrml import Observations, qMRMLWidget
from Testing.host.widgets.stored import stored, stored_setter

EFFECTS = ("Paint", "Draw", "Erase", "Smoothing", "Islands", "Margin", "Scissors", "Threshold")


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """The editor node's segmentation, volume, segment and effect, with undo. The effects do nothing here."""

    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    masterVolumeNodeChanged = Signal(object)

    addRemoveSegmentButtonsVisible = stored(bool, "addRemoveSegmentButtonsVisible", True, then="refresh")
    autoShowSourceVolumeNode = stored(bool, "autoShowSourceVolumeNode", True)
    effectColumnCount = stored(int, "effectColumnCount", 2)
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    maskingSectionVisible = stored(bool, "maskingSectionVisible", True, then="refresh")
    readOnly = stored(bool, "readOnly", False, then="refresh")
    segmentationNodeSelectorVisible = stored(bool, "segmentationNodeSelectorVisible", True, then="refresh")
    show3DButtonVisible = stored(bool, "show3DButtonVisible", True, then="refresh")
    sourceVolumeNodeSelectorVisible = stored(bool, "sourceVolumeNodeSelectorVisible", True, then="refresh")
    specifyGeometryButtonVisible = stored(bool, "specifyGeometryButtonVisible", True, then="refresh")
    switchToSegmentationsButtonVisible = stored(bool, "switchToSegmentationsButtonVisible", True, then="refresh")
    undoEnabled = stored(bool, "undoEnabled", True, then="refresh")
    unorderedEffectsVisible = stored(bool, "unorderedEffectsVisible", True)
    defaultTerminologyEntry = stored(str, "defaultTerminologyEntry", "")
    defaultTerminologyEntrySettingsKey = stored(str, "defaultTerminologyEntrySettingsKey", "")
    setAddRemoveSegmentButtonsVisible = stored_setter("addRemoveSegmentButtonsVisible")
    setAutoShowSourceVolumeNode = stored_setter("autoShowSourceVolumeNode")
    setEffectColumnCount = stored_setter("effectColumnCount")
    setJumpToSelectedSegmentEnabled = stored_setter("jumpToSelectedSegmentEnabled")
    setMaskingSectionVisible = stored_setter("maskingSectionVisible")
    setReadOnly = stored_setter("readOnly")
    setSegmentationNodeSelectorVisible = stored_setter("segmentationNodeSelectorVisible")
    setShow3DButtonVisible = stored_setter("show3DButtonVisible")
    setSourceVolumeNodeSelectorVisible = stored_setter("sourceVolumeNodeSelectorVisible")
    setSpecifyGeometryButtonVisible = stored_setter("specifyGeometryButtonVisible")
    setSwitchToSegmentationsButtonVisible = stored_setter("switchToSegmentationsButtonVisible")
    setUndoEnabled = stored_setter("undoEnabled")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._node: Any = None
        self._segmentation: Any = None
        self._source: Any = None
        self._observations = Observations()
        self.destroyed.connect(self._observations.end)
        self._names = list(EFFECTS)
        self._shown: tuple[str, str, str] = ("", "", "")
        self._buttons: dict[str, QtWidgets.QToolButton] = {}
        self._shortcuts: list[QtGui.QShortcut] = []
        self._build()

    def _build(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(_segments_frame())
        grid = QtWidgets.QGridLayout()
        for number, name in enumerate(EFFECTS):
            button = QtWidgets.QToolButton()
            button.setText(name)
            button.setObjectName(name)
            button.setCheckable(True)
            button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda checked, name=name: self.setActiveEffectByName(name if checked else ""))
            grid.addWidget(button, number // 4, number % 4)
            self._buttons[name] = button
        layout.addLayout(grid)
        row = QtWidgets.QHBoxLayout()
        self._undo, self._redo = QtWidgets.QPushButton("Undo"), QtWidgets.QPushButton("Redo")
        self._undo.clicked.connect(self.undo)
        self._redo.clicked.connect(self.redo)
        row.addWidget(self._undo)
        row.addWidget(self._redo)
        layout.addLayout(row)

    # The node, and what it says

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._logic.SetMRMLScene(scene)

    def observe_scene(self) -> None:
        """The host's handle: what is done after a scene was loaded."""
        if self._scene is not None:
            self._scene_observations.add(self._scene, self._scene.EndBatchProcessEvent, self._hand_over)

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        """Without a node nothing more is done, as in Slicer: the segmentation that was shown last stays there."""
        self._observations.end()
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is not None:
            self._observations.add(node, vtk.vtkCommand.ModifiedEvent, self._note_change)
            self._note_change()

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def segmentationNode(self) -> Any:
        return self._segmentation

    def segmentationNodeID(self) -> str:
        return _id(self.segmentationNode())

    def setSegmentationNode(self, node: Any) -> None:
        if self._node is not None:
            self._node.SetAndObserveSegmentationNode(node)

    def setSegmentationNodeID(self, node_id: str) -> None:
        self.setSegmentationNode(self._scene.GetNodeByID(node_id))

    def sourceVolumeNode(self) -> Any:
        return self._source

    def sourceVolumeNodeID(self) -> str:
        return _id(self.sourceVolumeNode())

    def setSourceVolumeNode(self, node: Any) -> None:
        if self._node is not None:
            self._node.SetAndObserveSourceVolumeNode(node)

    def setSourceVolumeNodeID(self, node_id: str) -> None:
        self.setSourceVolumeNode(self._scene.GetNodeByID(node_id))

    def currentSegmentID(self) -> str:
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, segment_id: str) -> None:
        if self._node is not None:
            self._node.SetSelectedSegmentID(segment_id)

    def _note_change(self, *_: Any) -> None:
        """Tells what changed, and selects the reference volume and the first segment, as Slicer does.

        Without a scene, and while one is loaded or closed, nothing is noted.
        """
        if self._node is None or self._scene is None or self._scene.IsBatchProcessing():
            return
        before, self._segmentation = self._segmentation, self._node.GetSegmentationNode()
        segmentation = self._segmentation
        if segmentation is not None and segmentation is not before:
            role = segmentation.GetReferenceImageGeometryReferenceRole()
            self._node.SetAndObserveSourceVolumeNode(segmentation.GetNodeReference(role))
        self._source = self._node.GetSourceVolumeNode()
        if (
            segmentation is not None
            and not self.currentSegmentID()
            and segmentation.GetSegmentation().GetNumberOfSegments()
        ):
            self._node.SetSelectedSegmentID(segmentation.GetSegmentation().GetNthSegmentID(0))
        now = (self.segmentationNodeID(), self.sourceVolumeNodeID(), self.currentSegmentID())
        before, self._shown = self._shown, now
        if before[0] != now[0]:
            self.segmentationNodeChanged.emit(segmentation)
        if before[1] != now[1]:
            self.sourceVolumeNodeChanged.emit(self.sourceVolumeNode())
            self.masterVolumeNodeChanged.emit(self.sourceVolumeNode())
        if before[2] != now[2]:
            self.currentSegmentIDChanged.emit(now[2])
        self.refresh()

    def _hand_over(self, *_: Any) -> None:
        """After a scene was loaded the node is given what the widget shows, as far as that is still there."""
        if self._node is None:
            return
        shown = [node if self._scene.IsNodePresent(node) else None for node in (self._segmentation, self._source)]
        self._node.SetAndObserveSegmentationNode(shown[0])
        self._node.SetAndObserveSourceVolumeNode(shown[1])
        self._note_change()

    def refresh(self) -> None:
        """The host's handle: what can be pressed."""
        active = self._node.GetActiveEffectName() if self._node is not None else ""
        usable = self.segmentationNode() is not None and self.sourceVolumeNode() is not None and not self.readOnly
        for name, button in self._buttons.items():
            button.setEnabled(usable)
            button.setChecked(name == active)
            button.setVisible(name in self._names)
        for button in (self._undo, self._redo):
            button.setVisible(self.undoEnabled)

    def updateWidgetFromMRML(self) -> None:
        self._note_change()

    # Effects

    def availableEffectNames(self) -> list[str]:
        return list(self._names)

    def effectNameOrder(self) -> list[str]:
        return list(self._names)

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._names = [name for name in names if name in EFFECTS]
        self.refresh()

    def effectCount(self) -> int:
        return len(self._names)

    def activeEffect(self) -> None:
        """None when no effect is active. There are no effect objects here."""
        if self._node is not None and self._node.GetActiveEffectName():
            raise NotInHost("The host's Segment Editor has no effect objects.")

    def setActiveEffectByName(self, name: str) -> None:
        assert name in ("", *EFFECTS), f"Segment Editor has no effect {name!r} here."
        if self._node is not None:
            self._node.SetActiveEffectName(name)

    # Undo

    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    def undo(self) -> None:
        self._logic.Undo()

    def redo(self) -> None:
        self._logic.Redo()

    def _read_undo_states(self) -> int:
        return self._logic.GetMaximumNumberOfUndoStates()

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(count)

    maximumNumberOfUndoStates = Property(int, _read_undo_states, setMaximumNumberOfUndoStates)

    # Shortcuts and views

    def installKeyboardShortcuts(self, parent: QtWidgets.QWidget | None = None) -> None:
        """Undo and redo by Slicer's keys, in the main window unless another parent is given. The other keys are not."""
        self.uninstallKeyboardShortcuts()
        standard = QtGui.QKeySequence.StandardKey
        keys = (("Z", self.undo), (standard.Undo, self.undo), ("Y", self.redo), (standard.Redo, self.redo))
        for key, called in keys:
            shortcut = QtGui.QShortcut(QtGui.QKeySequence(key), parent or _main_window())
            shortcut.activated.connect(called)
            self._shortcuts.append(shortcut)

    def uninstallKeyboardShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            if shiboken6.isValid(shortcut):
                shiboken6.delete(shortcut)
        self._shortcuts.clear()

    def setupViewObservations(self) -> None:
        self.setProperty("hostViews", True)

    def removeViewObservations(self) -> None:
        self.setProperty("hostViews", False)

    def rotateSliceViewsToSegmentation(self) -> None:
        """The views of the host are turned by the module's own calls only."""


def _id(node: Any) -> str:
    return node.GetID() if node is not None else ""


def _segments_frame() -> QtWidgets.QFrame:
    """Where Slicer's widget has a table of the segments, by the name by which scripts find it."""
    frame = QtWidgets.QFrame()
    frame.setObjectName("SegmentsTableResizableFrame")
    frame.setMinimumHeight(60)
    return frame


def _main_window() -> QtWidgets.QWidget | None:
    windows = QtWidgets.QApplication.topLevelWidgets()
    return next((window for window in windows if isinstance(window, qSlicerMainWindow)), None)
