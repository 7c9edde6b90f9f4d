"""Stand-ins for Slicer's application object and its extensions manager."""

import os
import tempfile
from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property, QSettings, Signal

from Testing.host.widgets.stored import stored


class qSlicerExtensionsManagerModel(QtCore.QObject):
    """Stands in for Slicer's: an extension that is asked for counts as installed, and nothing is downloaded."""

    interactive = stored(bool, "interactive", True)

    def __init__(self) -> None:
        super().__init__()
        self.installed: set[str] = set()  # the host's handle
        self.asked: list[str] = []  # the host's handle
        self.refused = False  # the host's handle: the server cannot be reached

    def setInteractive(self, interactive: bool) -> None:
        self.interactive = interactive

    def isExtensionInstalled(self, name: str) -> bool:
        return name in self.installed

    def isExtensionEnabled(self, name: str) -> bool:
        return name in self.installed

    def installExtensionFromServer(self, name: str, _restart: bool = True, _update: bool = False) -> bool:
        self.asked.append(name)
        if not self.refused:
            self.installed.add(name)
        return not self.refused

    def updateExtensionsMetadataFromServer(self, *_: Any) -> bool:
        return not self.refused


class qSlicerApplication(QtCore.QObject):
    """Stands in for slicer.app. What it lacks of QApplication, Qt's own application object does."""

    startupCompleted = Signal()
    aboutToQuit = Signal()
    mrmlSceneChanged = Signal(object)
    renderPaused = Signal(bool)

    def __init__(self, scene: Any, logic: Any, managers: dict[str, Any], settings: QSettings) -> None:
        super().__init__()
        self._scene, self._logic, self._managers, self._settings = scene, logic, managers, settings
        self.testing = True  # the host's handle
        self.restarts = 0  # the host's handle

    def __getattr__(self, name: str) -> Any:
        return getattr(QtWidgets.QApplication.instance(), name)

    applicationName = stored(str, "applicationName", "Slicer")
    applicationVersion = stored(str, "applicationVersion", "5.12.3")
    majorVersion = stored(int, "majorVersion", 5)
    minorVersion = stored(int, "minorVersion", 12)
    revision = stored(str, "revision", "34362")
    os = stored(str, "os", "linux")
    arch = stored(str, "arch", "amd64")
    slicerHome = stored(str, "slicerHome", tempfile.gettempdir())
    temporaryPath = stored(str, "temporaryPath", tempfile.gettempdir())
    cachePath = stored(str, "cachePath", tempfile.gettempdir())

    def _read_settings_path(self) -> str:
        return self._settings.fileName()

    slicerUserSettingsFilePath = Property(str, _read_settings_path)

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logic

    def layoutManager(self) -> Any:
        return self._managers.get("layout")

    def moduleManager(self) -> Any:
        return self._managers["modules"]

    def extensionsManagerModel(self) -> Any:
        return self._managers["extensions"]

    def coreIOManager(self) -> Any:
        return self._managers["files"]

    def ioManager(self) -> Any:
        return self._managers["files"]

    def moduleLogic(self, name: str) -> Any:
        return self._logic.GetModuleLogic(name)

    def settings(self) -> QSettings:
        return self._settings

    def userSettings(self) -> QSettings:
        return self._settings

    def revisionUserSettings(self) -> QSettings:
        return self._settings

    def testingEnabled(self) -> bool:
        return self.testing

    def processEvents(self, *_: Any) -> None:
        QtWidgets.QApplication.processEvents()

    def pauseRender(self) -> None:
        """Nothing is rendered here before a picture is taken."""

    def resumeRender(self) -> None:
        """Nothing is rendered here before a picture is taken."""

    def setRenderPaused(self, _paused: bool) -> None:
        """Nothing is rendered here before a picture is taken."""

    def restart(self) -> None:
        self.restarts += 1

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)
