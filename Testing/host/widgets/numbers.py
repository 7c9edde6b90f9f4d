"""Stand-ins for CTK's and Slicer's sliders and spin boxes."""

from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property, Qt, Signal

from Testing.host.widgets.stored import stored


def of_box(kind: Any, name: str, part: str = "_box") -> Property:
    """A property of the spin box inside."""

    def read(owner: Any) -> Any:
        return getattr(owner, part).property(name)

    def write(owner: Any, value: Any) -> None:
        getattr(owner, part).setProperty(name, value)

    return Property(kind, read, write)


class ctkDoubleSpinBox(QtWidgets.QWidget):
    """Stands in for CTK's: a spin box inside of a widget."""

    valueChanged = Signal(float)
    decimalsChanged = Signal(int)
    editingFinished = Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QtWidgets.QDoubleSpinBox()
        _row(self, self._box)
        self._box.valueChanged.connect(self.valueChanged.emit)
        self._box.editingFinished.connect(self.editingFinished.emit)

    value = of_box(float, "value")
    minimum = of_box(float, "minimum")
    maximum = of_box(float, "maximum")
    singleStep = of_box(float, "singleStep")
    decimals = of_box(int, "decimals")
    prefix = of_box(str, "prefix")
    suffix = of_box(str, "suffix")
    readOnly = of_box(bool, "readOnly")

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def stepUp(self) -> None:
        self._box.stepUp()

    def stepDown(self) -> None:
        self._box.stepDown()


class ctkSliderWidget(QtWidgets.QWidget):
    """Stands in for CTK's: a slider and a spin box of one value."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)
    STEPS = 1000  # the test's handle: of the slider inside, which knows whole numbers only

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, self.STEPS)
        self._box = QtWidgets.QDoubleSpinBox()
        _row(self, self._slider, self._box)
        self._box.valueChanged.connect(self._follow_box)
        self._slider.sliderMoved.connect(self._follow_slider)

    value = of_box(float, "value")
    decimals = of_box(int, "decimals")
    prefix = of_box(str, "prefix")
    suffix = of_box(str, "suffix")
    singleStep = of_box(float, "singleStep")
    minimum = of_box(float, "minimum")
    maximum = of_box(float, "maximum")
    pageStep = stored(float, "pageStep", 10.0)
    tickInterval = stored(float, "tickInterval", 0.0)
    tracking = stored(bool, "tracking", True)

    def _read_spin_box_visible(self) -> bool:
        return not self._box.isHidden()

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._box.setVisible(visible)

    spinBoxVisible = Property(bool, _read_spin_box_visible, setSpinBoxVisible)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)

    def reset(self) -> None:
        self._box.setValue(0.0)

    def _follow_box(self, value: float) -> None:
        span = self.maximum - self.minimum
        self._slider.setValue(round((value - self.minimum) / span * self.STEPS) if span else 0)
        self.valueChanged.emit(value)

    def _follow_slider(self, position: int) -> None:
        self._box.setValue(self.minimum + (self.maximum - self.minimum) * position / self.STEPS)
        self.valueIsChanging.emit(self._box.value())


class ctkRangeWidget(QtWidgets.QWidget):
    """Stands in for CTK's: two spin boxes that bound a range; the slider between them is only drawn."""

    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    minimumValueIsChanging = Signal(float)
    maximumValueIsChanging = Signal(float)
    valuesChanged = Signal(float, float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._bounds, self._values = (0.0, 99.0), (0.0, 99.0)
        self._low, self._high = QtWidgets.QDoubleSpinBox(), QtWidgets.QDoubleSpinBox()
        self._line = QtWidgets.QFrame()
        self._line.setFrameShape(QtWidgets.QFrame.Shape.HLine)
        _row(self, self._low, self._line, self._high)
        self._low.valueChanged.connect(self.setMinimumValue)
        self._high.valueChanged.connect(self.setMaximumValue)
        self._show()

    minimum = Property(
        float, lambda self: self._bounds[0], lambda self, value: self.setRange(value, max(value, self._bounds[1]))
    )
    maximum = Property(
        float, lambda self: self._bounds[1], lambda self, value: self.setRange(min(value, self._bounds[0]), value)
    )
    decimals = Property(int, lambda self: self._low.decimals(), lambda self, value: self.setDecimals(value))
    singleStep = Property(
        float, lambda self: self._low.singleStep(), lambda self, value: self._both("setSingleStep", value)
    )
    prefix = Property(str, lambda self: self._low.prefix(), lambda self, value: self._both("setPrefix", value))
    suffix = Property(str, lambda self: self._low.suffix(), lambda self, value: self._both("setSuffix", value))
    tracking = stored(bool, "tracking", True)
    symmetricMoves = stored(bool, "symmetricMoves", False)
    autoSpinBoxWidth = stored(bool, "autoSpinBoxWidth", True)
    tickInterval = stored(float, "tickInterval", 0.0)

    def setMinimumValue(self, value: float) -> None:
        """Not beyond the other value, as CTK's."""
        self.setValues(min(value, self._values[1]), self._values[1])

    def setMaximumValue(self, value: float) -> None:
        self.setValues(self._values[0], max(value, self._values[0]))

    minimumValue = Property(float, lambda self: self._values[0], setMinimumValue)
    maximumValue = Property(float, lambda self: self._values[1], setMaximumValue)

    def setValues(self, low: float, high: float) -> None:
        """Values in order and within the range; one signal of both."""
        before = self._values
        low, high = (min(max(value, self._bounds[0]), self._bounds[1]) for value in sorted((low, high)))
        self._values = (low, high)
        self._show()
        if low != before[0]:
            self.minimumValueChanged.emit(low)
        if high != before[1]:
            self.maximumValueChanged.emit(high)
        if (low, high) != before:
            self.valuesChanged.emit(low, high)

    def setRange(self, minimum: float, maximum: float) -> None:
        if (minimum, maximum) == self._bounds:
            return
        self._bounds = (minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)
        self.setValues(*self._values)

    def setDecimals(self, decimals: int) -> None:
        self._both("setDecimals", decimals)

    def reset(self) -> None:
        self.setValues(*self._bounds)

    def _show(self) -> None:
        for box, value in zip((self._low, self._high), self._values, strict=True):
            box.blockSignals(True)
            box.setRange(*self._bounds)
            box.setValue(value)
            box.blockSignals(False)

    def _both(self, setter: str, value: Any) -> None:
        for box in (self._low, self._high):
            getattr(box, setter)(value)


class qMRMLSliderWidget(ctkSliderWidget):
    """Stands in for Slicer's: a slider that would show units."""

    quantity = stored(str, "quantity", "")

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)

    def setQuantity(self, quantity: str) -> None:
        self.quantity = quantity


class qMRMLSpinBox(ctkDoubleSpinBox):
    """Stands in for Slicer's: a spin box that would show units."""

    quantity = stored(str, "quantity", "")

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)

    def setQuantity(self, quantity: str) -> None:
        self.quantity = quantity


def _row(owner: QtWidgets.QWidget, *parts: QtCore.QObject) -> None:
    layout = QtWidgets.QHBoxLayout(owner)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        layout.addWidget(part, 1 if isinstance(part, (QtWidgets.QSlider, QtWidgets.QFrame)) else 0)
