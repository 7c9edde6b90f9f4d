"""Loading scripted modules from their files, as Slicer does at its start."""

import importlib.util
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
import slicer.util
from PySide6 import QtWidgets

from Testing.host.widgets.modules import qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget

if TYPE_CHECKING:
    from Testing.host.host import Host

PANEL_WIDTH = 400


class ScriptedModules:
    """The modules of one host, by their names."""

    def __init__(self, host: "Host") -> None:
        self._host = host
        self._loaded: dict[str, qSlicerScriptedLoadableModule] = {}
        self._instances: dict[str, Any] = {}

    def load(self, path: Path) -> Any:
        """Imports the file, makes NAME and NAMEWidget, and sets the panel up. Exceptions are the module's own."""
        name = path.stem
        replace = self._host.application.replacements
        replace.modules_from(path.parent)
        replace.search_path(path.parent)
        _import_file(name, path)
        native = qSlicerScriptedLoadableModule(name, str(path), lambda: self._panel(name, native))
        self._loaded[name] = native
        setattr(slicer.modules, name.lower(), self._host.binding.wrap(native))
        self._instances[name] = getattr(sys.modules[name], name)(self._host.binding.wrap(native))
        native.setMRMLScene(self._host.scene)
        self._host.application.module_manager.add(name, native)
        return self.panel(name).self()

    def panel(self, name: str) -> qSlicerScriptedLoadableModuleWidget:
        return self._loaded[name].widgetRepresentation()

    def enter(self, name: str) -> None:
        """Once: a module that is open is not entered again."""
        panel = self.panel(name)
        self._show(panel)
        if not panel.property("isEntered"):
            panel.enter()
        self._host.process_events()
        self._show(panel)

    def leave(self, name: str) -> None:
        panel = self.panel(name)
        if panel.property("isEntered"):
            panel.exit()
        panel.hide()
        self._host.process_events()

    def unload(self, name: str) -> None:
        native = self._loaded[name]
        if native.has_widget() and native.widgetRepresentation().property("isEntered"):
            self.leave(name)
        self._host.application.module_manager.remove(name)
        del self._loaded[name]
        native.delete_widget()
        self._host.process_events()

    def unload_all(self) -> None:
        for name in reversed(list(self._loaded)):
            self.unload(name)

    def reload(self, name: str) -> Any:
        self.panel(name).self().onReload()
        self._host.process_events()
        return self.panel(name).self()

    def run_self_test(self, name: str) -> unittest.TestResult:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(getattr(sys.modules[name], f"{name}Test"))
        return suite.run(unittest.TestResult())

    def _panel(self, name: str, module: qSlicerScriptedLoadableModule) -> qSlicerScriptedLoadableModuleWidget:
        """The frame and, in it, the module's Python panel."""
        wrap = self._host.binding.wrap

        def make(frame: Any) -> Any:
            return getattr(sys.modules[name], f"{name}Widget")(wrap(frame))

        frame = qSlicerScriptedLoadableModuleWidget(wrap(module), name, make)
        frame.setParent(self._host.application.main_window)
        frame.setMRMLScene(self._host.scene)
        module._widget = frame  # the panel may ask for its own module while it is made
        frame.start()
        return frame

    def _show(self, panel: QtWidgets.QWidget) -> None:
        panel.resize(PANEL_WIDTH, max(panel.sizeHint().height(), 200))
        panel.show()
        self._host.process_events()


def _import_file(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
