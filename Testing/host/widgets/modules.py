"""Stand-ins for Slicer's module objects and what manages them."""

from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from Testing.host.widgets.mrml import qSlicerWidget
from Testing.host.widgets.stored import stored


class qSlicerAbstractCoreModule(QtCore.QObject):
    """Stands in for a module written in C++, of which the host has the logic only."""

    def __init__(self, name: str = "", path: str = "", logic: Any = None) -> None:
        super().__init__()
        self._name, self._path, self._logic, self._scene = name, path, logic, None

    def _read_name(self) -> str:
        return self._name

    def _read_path(self) -> str:
        return self._path

    name = Property(str, _read_name)
    path = Property(str, _read_path)

    def logic(self) -> Any:
        return self._logic

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return self._scene


class qSlicerScriptedLoadableModule(qSlicerAbstractCoreModule):
    """Stands in for the C++ side of a scripted module: what its Python class fills in."""

    title = stored(str, "title", "")
    categories = stored("QStringList", "categories", [])
    dependencies = stored("QStringList", "dependencies", [])
    contributors = stored("QStringList", "contributors", [])
    associatedNodeTypes = stored("QStringList", "associatedNodeTypes", [])
    helpText = stored(str, "helpText", "")
    acknowledgementText = stored(str, "acknowledgementText", "")
    icon = stored(QtGui.QIcon, "icon")
    hidden = stored(bool, "hidden", False)
    index = stored(int, "index", -1)

    def __init__(self, name: str = "", path: str = "", make_widget: Callable[[], Any] | None = None) -> None:
        super().__init__(name, path)
        self._make_widget = make_widget
        self._widget: Any = None

    def widgetRepresentation(self) -> Any:
        """Made when it is first asked for."""
        if self._widget is None and self._make_widget is not None:
            self._widget = self._make_widget()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        return self._make_widget() if self._make_widget is not None else None

    def has_widget(self) -> bool:
        """The host's handle."""
        return self._widget is not None

    def delete_widget(self) -> None:
        """The host's handle: what Slicer does at its end."""
        if self._widget is not None:
            self._widget.deleteLater()
            self._widget = None


class qSlicerAbstractModuleWidget(qSlicerWidget):
    """Stands in for the frame that a module's panel sits in."""

    def __init__(self, module: Any = None, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._module, self._entered = module, False

    def _read_entered(self) -> bool:
        return self._entered

    isEntered = Property(bool, _read_entered)

    def module(self) -> Any:
        return self._module

    def enter(self) -> None:
        self._entered = True

    def exit(self) -> None:
        self._entered = False


class qSlicerScriptedLoadableModuleWidget(qSlicerAbstractModuleWidget):
    """Stands in for the C++ side of a scripted module's panel: it calls the Python class."""

    def __init__(self, module: Any = None, name: str = "", make: Callable[[Any], Any] | None = None) -> None:
        super().__init__(module)
        self._name, self._make, self._python = name, make, None
        QtWidgets.QVBoxLayout(self)

    def _read_name(self) -> str:
        return self._name

    moduleName = Property(str, _read_name)

    def start(self) -> None:
        """The host's handle: makes the Python object and sets it up."""
        self._python = self._make(self)
        self._python.setup()

    def self(self) -> Any:
        return self._python

    def reload(self) -> None:
        self.start()

    def enter(self) -> None:
        super().enter()
        self._call("enter")

    def exit(self) -> None:
        super().exit()
        self._call("exit")

    def _call(self, method: str) -> None:
        if hasattr(self._python, method):
            getattr(self._python, method)()


class qSlicerModuleFactoryManager(QtCore.QObject):
    """Stands in for what tells the names of the modules that are loaded."""

    def __init__(self, manager: "qSlicerModuleManager") -> None:
        super().__init__(manager)
        self._manager = manager

    def loadedModuleNames(self) -> list[str]:
        return self._manager.modulesNames()

    def isLoaded(self, name: str) -> bool:
        return self._manager.module(name) is not None


class qSlicerModuleManager(QtCore.QObject):
    """Stands in for Slicer's register of modules."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}

    def add(self, name: str, module: Any) -> None:
        """The host's handle."""
        self._modules[name] = module
        self.moduleLoaded.emit(name)

    def remove(self, name: str) -> None:
        """The host's handle: a module learns that it is about to go."""
        self.moduleAboutToBeUnloaded.emit(name)
        del self._modules[name]

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def factoryManager(self) -> Any:
        return qSlicerModuleFactoryManager(self)
