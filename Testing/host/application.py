"""What a host puts in place: slicer.app, slicer.modules, qt, ctk, and Slicer's Python modules."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import slicer
import slicer.util
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import QSettings

from Testing.host.dialogs import Dialogs
from Testing.host.messages import recording
from Testing.host.namespaces import QtNamespace, Replacements
from Testing.host.slicer_python import small_modules
from Testing.host.slicer_python.parameter_node import parameter_node_module
from Testing.host.ui_loader import ui_loader_class
from Testing.host.views import HostView
from Testing.host.widgets.application import qSlicerApplication, qSlicerExtensionsManagerModel
from Testing.host.widgets.catalogue import stand_ins
from Testing.host.widgets.files import qSlicerIOManager
from Testing.host.widgets.main_window import qSlicerMainWindow, qSlicerModuleSelectorToolBar
from Testing.host.widgets.modules import qSlicerAbstractCoreModule, qSlicerModuleManager
from Testing.host.widgets.views import ORIENTATIONS, qMRMLSliceWidget, qSlicerLayoutManager
from Testing.slicer.mrml_scene import SliceView

if TYPE_CHECKING:
    from Testing.host.host import Host

VIEW_SIZE = (400, 400)


class ModuleNamespace:
    """``slicer.modules``: modules by their names in lower case, and panels as NAMEWidget."""


class Application:
    """Everything of Slicer's application that is not the scene; ``close`` puts back what was there before."""

    def __init__(self, host: "Host", *, main_window: bool, without_packaging: bool) -> None:
        self.qt_application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["host"])
        self.replacements = Replacements()
        self.binding = host.binding
        self.extensions = qSlicerExtensionsManagerModel()
        self.module_manager = qSlicerModuleManager()
        self.main_window = qSlicerMainWindow() if main_window else None
        self.views: dict[str, HostView] = {}
        self.slice_widgets: dict[str, qMRMLSliceWidget] = {}
        if main_window:
            for name, orientation in ORIENTATIONS.items():
                self._make_view(host, name, orientation)
        self.settings = QSettings(str(host.folder / "Slicer.ini"), QSettings.Format.IniFormat)
        self.app = qSlicerApplication(host.scene, host.world.app_logic, self._managers(host), self.settings)
        self._teach_binding(host)
        self._install(host)
        self._install_modules(host, without_packaging)

    def open_main_window(self, enter: Callable[[str], None], leave: Callable[[str], None]) -> None:
        """The window's list of modules selects with these."""
        if self.main_window is not None:
            self.main_window.give_selector(qSlicerModuleSelectorToolBar(enter, leave))
            self.main_window.show()

    def close(self) -> None:
        self.binding.connections.forget_all()
        if self.main_window is not None:
            self.main_window.deleteLater()
        for widget in self.slice_widgets.values():
            widget.deleteLater()
        self.app.deleteLater()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        self.replacements.put_back()

    def _managers(self, host: "Host") -> dict[str, Any]:
        """What slicer.app gives out; without a main window there is no layout manager."""
        managers: dict[str, Any] = {
            "modules": self.module_manager,
            "extensions": self.extensions,
            "files": qSlicerIOManager(host.scene, host.world.logics["Volumes"]),
        }
        if self.main_window is not None:
            logics = host.world.app_logic.GetSliceLogics()
            managers["layout"] = qSlicerLayoutManager(self.slice_widgets, logics, partial(self._make_view, host))
        return managers

    def _make_view(self, host: "Host", name: str, orientation: str) -> None:
        view = SliceView(host.world, name, orientation, VIEW_SIZE)
        host.world.views.append(view)
        self.views[name] = HostView(name, view)
        self.slice_widgets[name] = qMRMLSliceWidget(view)

    def _teach_binding(self, host: "Host") -> None:
        """Which classes and static methods are not Qt's own here."""
        dialogs = Dialogs(host)
        self.binding.stand_ins.update(
            stand_ins(), QUiLoader=ui_loader_class(self.binding), QSettings=self._settings_class()
        )
        self.binding.statics.update(dialogs.statics())
        self.binding.statics["QTimer", "singleShot"] = self._single_shot
        dialogs.install(self.replacements.attribute)

    def _install(self, host: "Host") -> None:
        put, wrap = self.replacements.attribute, self.binding.wrap
        modules = ModuleNamespace()
        for name, logic in host.world.logics.items():
            module = qSlicerAbstractCoreModule(name, "", logic)
            self.module_manager.add(name, module)
            setattr(modules, name.lower(), wrap(module))
        put(slicer, "mrmlScene", host.scene)
        put(slicer, "app", wrap(self.app))
        put(slicer, "modules", modules)
        put(slicer, "selfTests", {})
        for name in self.binding.facts.names("slicer"):
            if name in self.binding.stand_ins:
                put(slicer, name, self.binding.wrapper_class(name))
        put(slicer.util, "_messageDisplay", recording(host.messages, slicer.util._messageDisplay))
        put(slicer.util, "pip_install", lambda requirements: host.installed.append(_list_of(requirements)))
        put(slicer.util, "pip_uninstall", lambda _requirements: None)

    def _install_modules(self, host: "Host", without_packaging: bool) -> None:
        put = self.replacements.module
        for name in ("qt", "ctk"):
            put(name, QtNamespace(name, self.binding))
        from Testing.host.slicer_python import scripted_module

        packaging = None if without_packaging else small_modules.packaging_module(host.installed, host.packages_present)
        made = {
            "ScriptedLoadableModule": scripted_module,
            "parameterNodeWrapper": parameter_node_module(),
            "i18n": small_modules.i18n_module(),
            "packaging": packaging,
        }
        for name, module in made.items():
            put(f"slicer.{name}", module)
            if module is not None:
                self.replacements.attribute(slicer, name, module)
        put("SampleData", small_modules.sample_data_module(host.sample_data))

    def _settings_class(self) -> type:
        """QSettings without arguments are Slicer's own, here a file of the host."""
        path = self.settings.fileName()

        class SlicerSettings(QSettings):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*(arguments or (path, QSettings.Format.IniFormat)))

        SlicerSettings.__name__ = "QSettings"
        return SlicerSettings

    def _single_shot(self, milliseconds: int, called: Any) -> None:
        """Slicer's own ``qt.QTimer.singleShot`` takes a Python callable."""
        timer = self.binding.wrapper_class("QTimer")(self.binding.wrap(self.module_manager))
        timer.setSingleShot(True)

        def run() -> None:
            timer.deleteLater()
            called()

        timer.connect("timeout()", run)
        timer.start(milliseconds)


def _list_of(requirements: Any) -> list[str]:
    return requirements.split() if isinstance(requirements, str) else list(requirements)
