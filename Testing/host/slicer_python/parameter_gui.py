"""Widgets that show parameters: which widget can show which type. Part of the stand-in for parameterNodeWrapper.

The widget's class must be exactly one of these; a class derived from it will not do. Sliders need bounds.
"""

import enum
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from Testing.host.slicer_python.parameter_types import (
    Choice,
    Decimals,
    FloatRange,
    Maximum,
    Minimum,
    Parameter,
    RangeBounds,
    SingleStep,
    WithinRange,
)

CHECKED = ("QCheckBox", "ctkCheckBox", "QPushButton", "ctkCheckablePushButton")
WHOLE = ("QSlider", "QSpinBox")
DECIMAL = (
    "QDoubleSpinBox",
    "ctkSliderWidget",
    "qMRMLSliderWidget",
    "ctkDoubleSlider",
    "ctkDoubleSpinBox",
    "qMRMLSpinBox",
)
NEED_BOUNDS = ("QSlider", "ctkSliderWidget", "qMRMLSliderWidget", "ctkDoubleSlider")
CHOSEN = ("QComboBox", "ctkComboBox")


@dataclass
class GuiConnector:
    """One widget that shows one parameter."""

    widget: Any
    parameter: Parameter
    signal: str
    _read: Callable[[], Any]
    _write: Callable[[Any], None]

    def read(self) -> Any:
        return self._read()

    def write(self, value: Any) -> None:
        self._write(value)

    def connect(self, called: Callable[[], None]) -> None:
        if self.signal:
            self.widget.connect(self.signal, called)

    def disconnect(self, called: Callable[[], None]) -> None:
        if self.signal and self.widget:
            self.widget.disconnect(self.signal, called)


def connector_for(widget: Any, parameter: Parameter) -> GuiConnector:
    """Raises RuntimeError when Slicer has no connector for this widget and this type."""
    name = type(widget).__dict__.get("_name", "")
    makers: dict[str, Callable[[Any, Parameter, str], GuiConnector | None]] = {
        **dict.fromkeys(CHECKED, _checked),
        **dict.fromkeys((*WHOLE, *DECIMAL), _number),
        **dict.fromkeys(CHOSEN, _chosen),
        **dict.fromkeys(("QLineEdit", "QTextEdit", "QLabel"), _text),
        **dict.fromkeys(("ctkPathLineEdit", "ctkDirectoryButton"), _path),
        "ctkRangeWidget": _range,
        "qMRMLNodeComboBox": _node,
    }
    made = makers[name](widget, parameter, name) if name in makers else None
    if made is None:
        raise RuntimeError(
            f"Unable to connect a {name or type(widget).__name__} to {parameter.name}: {parameter.kind}."
        )
    return made


def _property(
    widget: Any, parameter: Parameter, signal: str, name: str, convert: Callable = lambda value: value
) -> GuiConnector:
    return GuiConnector(
        widget, parameter, signal, lambda: convert(getattr(widget, name)), lambda value: setattr(widget, name, value)
    )


def _checked(widget: Any, parameter: Parameter, name: str) -> GuiConnector | None:
    if parameter.kind is not bool or (name == "QPushButton" and not widget.checkable):
        return None
    return _property(widget, parameter, "toggled(bool)", "checked")


def _number(widget: Any, parameter: Parameter, name: str) -> GuiConnector | None:
    if parameter.kind is not int and (parameter.kind is not float or name in WHOLE):
        return None
    low, high = _bounds(parameter)
    if name in NEED_BOUNDS and None in (low, high):
        return None
    largest = 2**31 - 1 if name in WHOLE else 1e300
    widget.minimum = low if low is not None else -largest
    widget.maximum = high if high is not None else largest
    if parameter.note(SingleStep):
        widget.singleStep = parameter.note(SingleStep).value
    if parameter.note(Decimals):
        widget.decimals = parameter.note(Decimals).value
    signal = "valueChanged(int)" if name in WHOLE else "valueChanged(double)"
    return _property(widget, parameter, signal, "value", parameter.kind)


def _bounds(parameter: Parameter) -> tuple[Any, Any]:
    both = parameter.note(WithinRange)
    if both:
        return both.minimum, both.maximum
    low, high = parameter.note(Minimum), parameter.note(Maximum)
    return low and low.minimum, high and high.maximum


def _chosen(widget: Any, parameter: Parameter, _name: str) -> GuiConnector | None:
    is_enum = isinstance(parameter.kind, type) and issubclass(parameter.kind, enum.Enum)
    choice = parameter.note(Choice)
    if not is_enum and choice is None:
        return None
    values = list(parameter.kind) if is_enum else list(choice.choices)
    texts = [str(value.value if is_enum else value) for value in values]
    widget.clear()
    widget.addItems(texts)

    def read() -> Any:
        return values[widget.currentIndex]

    def write(value: Any) -> None:
        widget.currentIndex = values.index(value)

    return GuiConnector(widget, parameter, "currentIndexChanged(int)", read, write)


def _text(widget: Any, parameter: Parameter, name: str) -> GuiConnector | None:
    if parameter.kind is not str:
        return None
    if name == "QTextEdit":
        return _property(widget, parameter, "textChanged()", "plainText")
    return _property(widget, parameter, "textChanged(QString)" if name == "QLineEdit" else "", "text")


def _path(widget: Any, parameter: Parameter, name: str) -> GuiConnector | None:
    if not (isinstance(parameter.kind, type) and issubclass(parameter.kind, pathlib.PurePath)):
        return None
    attribute, signal = (
        ("currentPath", "currentPathChanged(QString)")
        if name == "ctkPathLineEdit"
        else ("directory", "directoryChanged(QString)")
    )

    def write(value: Any) -> None:
        setattr(widget, attribute, str(value))

    return GuiConnector(widget, parameter, signal, lambda: parameter.kind(getattr(widget, attribute)), write)


def _range(widget: Any, parameter: Parameter, _name: str) -> GuiConnector | None:
    bounds = parameter.note(RangeBounds)
    if parameter.kind is not FloatRange or bounds is None:
        return None
    widget.setRange(bounds.minimum, bounds.maximum)

    def read() -> FloatRange:
        return FloatRange(widget.minimumValue, widget.maximumValue)

    def write(value: FloatRange) -> None:
        widget.setValues(value.minimum, value.maximum)

    return GuiConnector(widget, parameter, "valuesChanged(double,double)", read, write)


def _node(widget: Any, parameter: Parameter, _name: str) -> GuiConnector | None:
    if not parameter.nodes:
        return None
    return GuiConnector(
        widget, parameter, "currentNodeChanged(vtkMRMLNode*)", widget.currentNode, widget.setCurrentNode
    )
