"""Stand-ins for Slicer's main window and its list of modules."""

from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal


class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """Stands in for Slicer's: a module that is selected is entered, the one before it left."""

    moduleSelected = Signal(str)

    def __init__(self, enter: Callable[[str], None], leave: Callable[[str], None]) -> None:
        super().__init__()
        self._enter, self._leave, self._selected = enter, leave, ""

    def _read_selected(self) -> str:
        return self._selected

    selectedModule = Property(str, _read_selected)

    def selectModule(self, name: str) -> None:
        if self._selected not in ("", name):
            self._leave(self._selected)
        self._selected = name
        self._enter(name)
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    """Stands in for Slicer's: the panels of modules are its children, and it has a status bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.statusBar()
        self._selector: Any = None

    def give_selector(self, selector: qSlicerModuleSelectorToolBar) -> None:
        """The host's handle."""
        self._selector = selector
        self.addToolBar(selector)

    def moduleSelector(self) -> Any:
        return self._selector
