"""A tiny scripted module of the usual shape, for the host's own tests."""

import pathlib
from enum import Enum
from typing import Annotated

import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class HostExample(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("Host Example")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Testing")]
        slicer.app.connect("startupCompleted()", register)


def register():
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(category="HostExample", sampleName="Nothing")


class Way(Enum):
    UP = "upwards"
    DOWN = "downwards"


@parameterNodeWrapper
class HostExampleParameterNode:
    volume: vtkMRMLScalarVolumeNode
    shown: bool = True
    amount: Annotated[float, WithinRange(0, 10)] = 2.5
    way: Way = Way.DOWN
    label: str = ""
    folder: pathlib.Path


class HostExampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self.events = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/HostExample.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = HostExampleLogic()
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.timer = qt.QTimer()
        self.timer.connect("timeout()", self.onTimer)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def enter(self):
        self.initializeParameterNode()
        self.events.append("enter")

    def exit(self):
        self.setParameterNode(None)
        self.events.append("exit")

    def cleanup(self):
        self.setParameterNode(None)
        self.removeObservers()
        self.timer.stop()
        self.events.append("cleanup")

    def onSceneStartClose(self, caller, event):
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, node):
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self._parameterNode = node
        if node:
            self._parameterNodeGuiTag = node.connectGui(self.ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.onModified)
            self.onModified()

    def onModified(self, caller=None, event=None):
        self.ui.applyButton.enabled = self._parameterNode.volume is not None

    def onApply(self):
        self.events.append("apply")
        slicer.util.infoDisplay("Applied.")

    def onTimer(self):
        self.events.append("timer")


class HostExampleLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return HostExampleParameterNode(super().getParameterNode())


class HostExampleTest(ScriptedLoadableModuleTest):
    def test_scene_is_empty(self):
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
