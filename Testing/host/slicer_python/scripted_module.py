"""Stand-in for ``slicer.ScriptedLoadableModule``: the base classes of a scripted module.

Shape: the module's own file has NAME, NAMEWidget, NAMELogic and NAMETest, which Slicer finds by their names.
"""

import logging
import unittest
from pathlib import Path

import slicer

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


class ScriptedLoadableModule:
    """What Slicer knows of a module: fills in ``parent``, a qSlicerScriptedLoadableModule."""

    def __init__(self, parent) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        slicer.selfTests[self.moduleName] = self.runTest
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""
        for ending in ("svg", "png"):
            icon = Path(parent.path).parent / "Resources" / "Icons" / f"{self.moduleName}.{ending}"
            if icon.is_file():
                import qt

                parent.icon = qt.QIcon(str(icon))

    def resourcePath(self, filename: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        return f'<p>For more information see the <a href="{docPage or self.moduleName}">online documentation</a>.</p>'

    def runTest(self, msec: int = 100, **kwargs) -> None:
        module = __import__(self.moduleName)
        test = getattr(module, f"{self.moduleName}Test")(**kwargs)
        test.messageDelay = msec
        test.runTest()


class ScriptedLoadableModuleWidget:
    """A module's panel; ``parent`` is the frame that Slicer gives it, ``layout`` the frame's layout."""

    def __init__(self, parent=None) -> None:
        import qt

        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent
        if parent is None:
            self.parent = slicer.qMRMLWidget()
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()
        setattr(slicer.modules, f"{self.moduleName}Widget", self)
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)
        if parent is None:
            self.setup()
            self.parent.show()

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """Slicer adds its Reload & Test section here when the developer mode is on."""

    def cleanup(self) -> None:
        """For derived classes."""

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        if moduleName != self.moduleName:
            return
        self.cleanup()
        slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

    def onTest(self, **kwargs) -> None:
        slicer.selfTests[self.moduleName](**kwargs)

    def onReloadAndTest(self, **kwargs) -> None:
        self.onReload()
        self.onTest(**kwargs)


class ScriptedLoadableModuleLogic:
    """Work without a panel; owns the module's parameter node, one in the scene."""

    def __init__(self, parent=None) -> None:
        self.mrmlScene = slicer.mrmlScene
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        if self.isSingletonParameterNode:
            found = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        else:
            found = next(iter(self.getAllParameterNodes()), None)
        return found if found is not None else self.createParameterNode()

    def getAllParameterNodes(self) -> list:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self):
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)  # CreateNodeByClass hands its reference over
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetModuleName(self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return slicer.mrmlScene.AddNode(node)


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's own tests, run by unittest and by Slicer's button alike."""

    messageDelay = 0
    enableScreenshots = False

    def __init__(self, methodName: str = "runTest", **kwargs) -> None:
        super().__init__(methodName)

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        logging.getLogger(__name__).info(message)
        slicer.app.processEvents()

    def takeScreenshot(self, name: str, description: str, type: int = -1) -> None:  # noqa: A002 - Slicer's name
        """No screenshots here."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(0)

    def runTest(self) -> None:
        """All tests of the class, as Slicer's button runs them: the first failure ends them."""
        for name in unittest.TestLoader().getTestCaseNames(type(self)):
            self.setUp()
            getattr(self, name)()
            self.tearDown()
