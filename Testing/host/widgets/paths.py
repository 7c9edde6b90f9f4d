"""Stand-ins for CTK's path widgets, combo box and text widgets."""

import enum
from pathlib import Path

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Property, QDir, Signal

from Testing.host.widgets.stored import stored


class ctkPathLineEdit(QtWidgets.QWidget):
    """Stands in for CTK's: a line for a file or folder, and a button to look for it."""

    class Filter(enum.IntFlag):
        Files = QDir.Filter.Files.value
        Dirs = QDir.Filter.Dirs.value
        Drives = QDir.Filter.Drives.value
        Executable = QDir.Filter.Executable.value
        Readable = QDir.Filter.Readable.value
        Writable = QDir.Filter.Writable.value
        NoDot = QDir.Filter.NoDot.value
        NoDotDot = QDir.Filter.NoDotDot.value
        NoDotAndDotDot = QDir.Filter.NoDotAndDotDot.value
        Hidden = QDir.Filter.Hidden.value
        System = QDir.Filter.System.value

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._combo = QtWidgets.QComboBox()
        self._combo.setEditable(True)
        self._combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self._button = QtWidgets.QToolButton()
        self._button.setText("...")
        self._button.clicked.connect(self.browse)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo, 1)
        layout.addWidget(self._button)
        self._combo.lineEdit().textChanged.connect(self.currentPathChanged.emit)

    def _read_path(self) -> str:
        return self._combo.currentText()

    def setCurrentPath(self, path: str) -> None:
        self._combo.lineEdit().setText(path or "")

    currentPath = Property(str, _read_path, setCurrentPath)
    filters = stored(int, "filters", int(Filter.Files))
    nameFilters = stored("QStringList", "nameFilters", [])
    label = stored(str, "label", "")
    settingKey = stored(str, "settingKey", "")
    showHistoryButton = stored(bool, "showHistoryButton", True)
    minimumContentsLength = stored(int, "minimumContentsLength", 0)

    def _read_browse(self) -> bool:
        return not self._button.isHidden()

    def _write_browse(self, shown: bool) -> None:
        self._button.setVisible(shown)

    showBrowseButton = Property(bool, _read_browse, _write_browse)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._combo

    def addCurrentPathToHistory(self) -> None:
        if self.currentPath and self._combo.findText(self.currentPath) < 0:
            self._combo.addItem(self.currentPath)

    def retrieveHistory(self) -> None:
        """Nothing is kept between two hosts."""

    def browse(self) -> None:
        dialog = QtWidgets.QFileDialog
        wants_folder = bool(self.filters & self.Filter.Dirs) and not self.filters & self.Filter.Files
        ask = dialog.getExistingDirectory if wants_folder else dialog.getOpenFileName
        answer = ask(self, self.label, self.currentPath)
        path = answer[0] if isinstance(answer, tuple) else answer
        if path:
            self.setCurrentPath(path)


class ctkDirectoryButton(QtWidgets.QWidget):
    """Stands in for CTK's: a button that shows a folder."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)
    caption = stored(str, "caption", "")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._directory = str(Path.cwd())
        self._button = QtWidgets.QPushButton(self._directory)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)
        self._button.clicked.connect(self.browse)

    def _read(self) -> str:
        return self._directory

    def _write(self, directory: str) -> None:
        if directory == self._directory:
            return
        self._directory = directory
        self._button.setText(directory)
        self.directoryChanged.emit(directory)
        self.directorySelected.emit(directory)

    directory = Property(str, _read, _write)

    def browse(self) -> None:
        chosen = QtWidgets.QFileDialog.getExistingDirectory(self, self.caption, self._directory)
        if chosen:
            self.directory = chosen


class ctkComboBox(QtWidgets.QComboBox):
    """Stands in for CTK's: a combo box with a text for no choice."""

    defaultText = stored(str, "defaultText", "")
    forceDefault = stored(bool, "forceDefault", False)
    defaultIcon = stored(QtGui.QIcon, "defaultIcon")


class ctkSearchBox(QtWidgets.QLineEdit):
    """Stands in for CTK's: a line to search with."""

    showSearchIcon = stored(bool, "showSearchIcon", False)


class ctkFittedTextBrowser(QtWidgets.QTextBrowser):
    """Stands in for CTK's: a text that is as high as it is long."""

    collapsed = stored(bool, "collapsed", True)
    showDetailsText = stored(str, "showDetailsText", "")
    hideDetailsText = stored(str, "hideDetailsText", "")

    def setCollapsibleText(self, text: str) -> None:
        self.setText(text)

    def setCollapsibleHtml(self, text: str) -> None:
        self.setHtml(text)
