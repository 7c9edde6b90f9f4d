"""A person at the panel: clicks, keys and choices as Qt events."""

from typing import TYPE_CHECKING, Any

from PySide6 import QtCore, QtGui, QtTest, QtWidgets
from PySide6.QtCore import QPoint, Qt

from Testing.host.pythonqt.objects import PythonQtObject
from Testing.host.widgets.buttons import ctkCollapsibleButton
from Testing.host.widgets.node_combo import qMRMLNodeComboBox
from Testing.host.widgets.numbers import ctkDoubleSpinBox, ctkRangeWidget, ctkSliderWidget

if TYPE_CHECKING:
    from Testing.host.host import Host

LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Controls:
    """Widgets are refused when a person could not use them: hidden or disabled. ``visible=False`` does it still."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    def click(self, widget: PythonQtObject, *, visible: bool = True) -> None:
        """A left click where it counts: on a check box's box, a section's header, the middle of all else."""
        native = self._usable(widget, visible)
        QtTest.QTest.mouseClick(native, LEFT, NO_KEYS, _clicked_point(native))
        self._host.process_events()

    def key(self, widget: PythonQtObject, keys: str, *, visible: bool = True) -> None:
        """A key or combination such as Ctrl+Z. A shortcut of the window takes it, unless it is text for the widget."""
        native = self._usable(widget, visible)
        sequence = QtGui.QKeySequence(keys)
        if _wants_itself(native, sequence) or not self._trigger_shortcut(native.window(), sequence):
            _send(native, sequence)
        self._host.process_events()

    def type_text(self, widget: PythonQtObject, text: str, *, visible: bool = True) -> None:
        """Replaces what is in a line, and leaves it."""
        native = self._usable(widget, visible)
        line = native if isinstance(native, QtWidgets.QLineEdit) else native.findChild(QtWidgets.QLineEdit)
        line.selectAll()
        QtTest.QTest.keyClicks(line, text) if text else line.clear()
        QtTest.QTest.keyClick(line, Qt.Key.Key_Return)
        self._host.process_events()

    def choose(self, combo: PythonQtObject, choice: str | int, *, visible: bool = True) -> None:
        """An item of a combo box, by its text or number."""
        native = self._usable(combo, visible)
        index = native.findText(choice) if isinstance(choice, str) else choice
        texts = [native.itemText(number) for number in range(native.count())]
        assert 0 <= index < native.count(), f"{native.objectName()} offers {texts}, not {choice!r}."
        native.setCurrentIndex(index)
        native.activated.emit(index)
        native.textActivated.emit(texts[index])
        self._host.process_events()

    def choose_node(self, combo: PythonQtObject, node: Any, *, visible: bool = True) -> None:
        """A node or None; or the name of an action such as addEnabled, which stands below the nodes."""
        native = self._usable(combo, visible)
        assert isinstance(native, qMRMLNodeComboBox)
        native.choose(node if isinstance(node, str) else node.GetID() if node is not None else "")
        self._host.process_events()

    def set_slider(self, widget: PythonQtObject, value: Any, *, visible: bool = True) -> None:
        """A value of a slider or spin box; two of a range."""
        native = self._usable(widget, visible)
        if isinstance(native, ctkRangeWidget):
            native.setValues(*value)
        elif isinstance(native, (ctkSliderWidget, ctkDoubleSpinBox, QtWidgets.QAbstractSlider)):
            native.setValue(value)
        else:
            line = native.findChild(QtWidgets.QLineEdit)
            line.selectAll()
            QtTest.QTest.keyClicks(line, native.locale().toString(value))
            QtTest.QTest.keyClick(line, Qt.Key.Key_Return)
        self._host.process_events()

    def click_row(self, table: PythonQtObject, row: int, column: int = 0, *, visible: bool = True) -> None:
        """A left click into a cell of a table, list or segments table."""
        native = self._usable(table, visible)
        view = (
            native if isinstance(native, QtWidgets.QAbstractItemView) else native.findChild(QtWidgets.QAbstractItemView)
        )
        index = view.model().index(row, column)
        assert index.isValid(), f"{native.objectName()} has no row {row}, column {column}."
        view.scrollTo(index)
        QtTest.QTest.mouseClick(view.viewport(), LEFT, NO_KEYS, view.visualRect(index).center())
        self._host.process_events()

    def double_click_row(self, table: PythonQtObject, row: int, column: int = 0, *, visible: bool = True) -> None:
        """A double click, after the click that Qt sends before it."""
        self.click_row(table, row, column, visible=visible)
        native = self._usable(table, visible)
        view = (
            native if isinstance(native, QtWidgets.QAbstractItemView) else native.findChild(QtWidgets.QAbstractItemView)
        )
        point = view.visualRect(view.model().index(row, column)).center()
        QtTest.QTest.mouseDClick(view.viewport(), LEFT, NO_KEYS, point)
        self._host.process_events()

    def _usable(self, widget: PythonQtObject, visible: bool) -> Any:
        native = self._host.binding.alive(widget, "used")
        name = native.objectName() or type(native).__name__
        if visible:
            assert native.isVisible(), f"{name} is hidden: nobody could use it."
        assert native.isEnabled(), f"{name} is disabled: nobody could use it."
        return native

    def _trigger_shortcut(self, window: QtWidgets.QWidget, sequence: QtGui.QKeySequence) -> bool:
        """The off-screen platform has no active window, which Qt's own shortcuts ask for."""
        shortcuts = [each for each in window.findChildren(QtGui.QShortcut) if each.key() == sequence]
        actions = [each for each in window.findChildren(QtGui.QAction) if sequence in each.shortcuts()]
        found = [each for each in (*shortcuts, *actions) if each.isEnabled()]
        if len(found) > 1:
            self._host.problems.add(f"{sequence.toString()} is ambiguous: Qt triggers none of {len(found)} shortcuts.")
        elif found:
            found[0].trigger() if isinstance(found[0], QtGui.QAction) else found[0].activated.emit()
        return bool(found)


def _wants_itself(native: QtWidgets.QWidget, sequence: QtGui.QKeySequence) -> bool:
    """Qt asks the widget before it looks for a shortcut; text fields want what they can type or edit with."""
    key, modifiers = sequence[0].key(), sequence[0].keyboardModifiers()
    event = QtGui.QKeyEvent(QtCore.QEvent.Type.ShortcutOverride, key, modifiers, _typed(sequence))
    event.ignore()
    QtWidgets.QApplication.sendEvent(native, event)
    return event.isAccepted()


def _send(native: QtWidgets.QWidget, sequence: QtGui.QKeySequence) -> None:
    if _typed(sequence):
        QtTest.QTest.keyClicks(native, _typed(sequence))
    else:
        QtTest.QTest.keyClick(native, sequence[0].key(), sequence[0].keyboardModifiers())


def _typed(sequence: QtGui.QKeySequence) -> str:
    """The character that a key gives; none with Ctrl or Alt, or of a key such as Delete."""
    key, modifiers = sequence[0].key(), sequence[0].keyboardModifiers()
    if key > 126 or modifiers & ~Qt.KeyboardModifier.ShiftModifier:
        return ""
    return chr(key) if modifiers else chr(key).lower()


def _clicked_point(native: QtWidgets.QWidget) -> QPoint:
    if isinstance(native, ctkCollapsibleButton):
        return QPoint(native.width() // 2, native.header_height() // 2)
    if isinstance(native, (QtWidgets.QCheckBox, QtWidgets.QRadioButton)):
        return QPoint(8, native.height() // 2)
    if isinstance(native, QtWidgets.QGroupBox):
        return QtCore.QPoint(12, 8)
    return native.rect().center()
