"""Stand-ins for CTK's buttons and boxes."""

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Qt, Signal

from Testing.host.widgets.stored import stored


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """Stands in for CTK's: a header that hides or shows what is below it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._hidden: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self.header_height(), 0, 0)
        self.toggled.connect(self._follow_check)

    def header_height(self) -> int:
        """The test's handle: only this part can be clicked."""
        return self.fontMetrics().height() + 8

    def _read_collapsed(self) -> bool:
        return not self.isChecked()

    def _write_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _read_collapsed, _write_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 10)
    contentsFrameShape = stored(int, "contentsFrameShape", 0)
    contentsFrameShadow = stored(int, "contentsFrameShadow", 0)
    contentsLineWidth = stored(int, "contentsLineWidth", 1)
    contentsMidLineWidth = stored(int, "contentsMidLineWidth", 0)
    flat = stored(bool, "flat", False)

    def _follow_check(self, checked: bool) -> None:
        self._hide_contents() if not checked else self._show_contents()
        self.updateGeometry()
        self.contentsCollapsed.emit(not checked)

    def _contents(self) -> list[QtWidgets.QWidget]:
        return [each for each in self.children() if isinstance(each, QtWidgets.QWidget) and not each.isWindow()]

    def _hide_contents(self) -> None:
        for each in self._contents():
            if not each.isHidden():
                self._hidden.append(each)
                each.hide()

    def _show_contents(self) -> None:
        for each in self._hidden:
            each.show()
        self._hidden.clear()

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() in (QtCore.QEvent.Type.Polish, QtCore.QEvent.Type.LayoutRequest) and not self.isChecked():
            self._hide_contents()
        return super().event(event)

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return self.rect().contains(position) and position.y() < self.header_height()

    def minimumSizeHint(self) -> QtCore.QSize:
        return self._with_header(super().minimumSizeHint())

    def sizeHint(self) -> QtCore.QSize:
        return self._with_header(super().sizeHint())

    def _with_header(self, hint: QtCore.QSize) -> QtCore.QSize:
        """Collapsed, the margins around the contents are gone, too."""
        height = max(hint.height(), self.header_height()) if self.isChecked() else self.header_height()
        return QtCore.QSize(hint.width(), height)

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        header = QtCore.QRect(0, 0, self.width(), self.header_height())
        option = QtWidgets.QStyleOption()
        option.initFrom(self)
        option.rect = QtCore.QRect(6, header.height() // 2 - 5, 10, 10)
        painter.fillRect(header, self.palette().color(QtGui.QPalette.ColorRole.Button))
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.Mid))
        painter.drawRect(header.adjusted(0, 0, -1, -1))
        down = QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowDown
        right = QtWidgets.QStyle.PrimitiveElement.PE_IndicatorArrowRight
        painter.drawPrimitive(down if self.isChecked() else right, option)
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.ButtonText))
        painter.drawText(header.adjusted(24, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """Stands in for CTK's: a checkable group box that hides its contents when unchecked."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.toggled.connect(self._follow_check)

    def _follow_check(self, checked: bool) -> None:
        for each in self.children():
            if isinstance(each, QtWidgets.QWidget):
                each.setVisible(checked)

    def _read_collapsed(self) -> bool:
        return not self.isChecked()

    def _write_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _read_collapsed, _write_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 14)


class ctkCheckBox(QtWidgets.QCheckBox):
    """Stands in for CTK's: a check box with a picture of its own."""

    indicatorIcon = stored(QtGui.QIcon, "indicatorIcon")
    indicatorIconSize = stored(QtCore.QSize, "indicatorIconSize")


class ctkPushButton(QtWidgets.QPushButton):
    """Stands in for CTK's: a button whose text and icon are aligned."""

    elideMode = stored(int, "elideMode", 3)


class ctkCheckablePushButton(ctkPushButton):
    """Stands in for CTK's, without the check box inside of the button."""

    checkBoxToggled = Signal(bool)
    checkBoxControlsButton = stored(bool, "checkBoxControlsButton", True)
    checkBoxControlsButtonToggleState = stored(bool, "checkBoxControlsButtonToggleState", True)
    checkBoxUserCheckable = stored(bool, "checkBoxUserCheckable", True)


class ctkMenuButton(QtWidgets.QPushButton):
    """Stands in for CTK's: a button with a menu beside it."""


class ctkExpandButton(QtWidgets.QToolButton):
    """Stands in for CTK's: a small button that opens something."""

    mirrorOnExpand = stored(bool, "mirrorOnExpand", False)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)


class ctkColorPickerButton(QtWidgets.QPushButton):
    """Stands in for CTK's: shows a colour; asking for another one is left to ``setColor``."""

    colorChanged = Signal(QtGui.QColor)
    colorNameChanged = Signal(str)
    displayColorName = stored(bool, "displayColorName", True)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QtGui.QColor(0, 0, 0)

    def _read(self) -> QtGui.QColor:
        return self._color

    def setColor(self, color: QtGui.QColor) -> None:
        if color == self._color:
            return
        self._color = QtGui.QColor(color)
        self.setStyleSheet(f"background-color: {self._color.name()}")
        self.colorChanged.emit(self._color)

    def setDisplayColorName(self, shown: bool) -> None:
        self.displayColorName = shown

    color = Property(QtGui.QColor, _read, setColor)


class ctkMessageBox(QtWidgets.QMessageBox):
    """Stands in for CTK's: a message box that may be shown no more; here it always is."""

    dontShowAgain = stored(bool, "dontShowAgain", False)
    dontShowAgainVisible = stored(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")
