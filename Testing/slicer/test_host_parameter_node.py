"""The host's parameter node wrapper keeps values in the scene and shows them in widgets, or refuses to."""

import enum
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import pytest


class Way(enum.Enum):
    UP = "upwards"
    DOWN = "downwards"


@pytest.fixture
def host(windowless_host):
    """Views would take most of the time and are not needed here."""
    return windowless_host


@pytest.fixture
def wrapper(host):
    from slicer import parameterNodeWrapper

    return parameterNodeWrapper


@pytest.fixture
def node(host):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")


def fields(wrapper, **annotations):
    """A wrapper class with these fields; a pair is a type and its default."""
    pairs = {name: hint if isinstance(hint, tuple) else (hint, ...) for name, hint in annotations.items()}
    defaults = {name: default for name, (_, default) in pairs.items() if default is not ...}
    kind = type("Fields", (), {"__annotations__": {name: hint for name, (hint, _) in pairs.items()}, **defaults})
    return wrapper.parameterNodeWrapper(kind)


@pytest.mark.parametrize(
    ("kind", "default", "other"),
    [
        (int, 0, -3),
        (float, 0.0, 0.1),
        (str, "", "it's\n5 mm"),
        (bool, False, True),
        (Way, Way.UP, Way.DOWN),
        (Path, Path(), Path("/a b/c")),
        (list[str], [], ["a", "b'"]),
        (tuple[int, int], (), (1, 2)),
    ],
)
def test_a_value_is_kept_in_the_node(wrapper, node, kind, default, other):
    kept = fields(wrapper, value=kind)
    first = kept(node)
    assert first.value == default
    first.value = other
    assert kept(node).value == other
    assert node.GetParameter("value")


def test_a_default_is_taken_once_and_kept_as_it_was_written(wrapper, node):
    fields(wrapper, amount=(int, 5))(node)
    assert fields(wrapper, amount=(int, 7))(node).amount == 5


def test_a_node_is_a_reference_that_ends_with_the_node(wrapper, node, host):
    import slicer

    parameters = fields(wrapper, model=slicer.vtkMRMLModelNode)(node)
    assert parameters.model is None
    parameters.model = model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    assert parameters.model is model
    slicer.mrmlScene.RemoveNode(model)
    assert parameters.model is None


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (int, 1.5, TypeError),
        (float, 1, TypeError),
        (str, None, TypeError),
        (Way, "UP", TypeError),
    ],
)
def test_a_value_of_another_type_is_refused(wrapper, node, kind, value, error):
    with pytest.raises(error):
        fields(wrapper, value=kind)(node).value = value


def test_values_outside_of_their_range_or_choice_are_refused(wrapper, node):
    parameters = fields(
        wrapper,
        amount=(Annotated[int, wrapper.WithinRange(0, 10)], 5),
        size=Annotated[str, wrapper.Choice(["small", "large"])],
    )(node)
    assert parameters.size == "small"
    for name, value in (("amount", 11), ("size", "huge")):
        with pytest.raises(ValueError, match=str(value)):
            setattr(parameters, name, value)


def test_types_that_cannot_be_kept_and_reserved_names_are_refused(wrapper):
    with pytest.raises(TypeError, match="cannot keep"):
        fields(wrapper, value=object)
    with pytest.raises(ValueError, match="dataType"):
        fields(wrapper, dataType=int)


def test_one_modified_event_tells_of_several_changes(wrapper, node, host):
    import slicer
    import vtk

    parameters = fields(wrapper, a=int, b=int)(node)
    heard = []
    parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: heard.append(1))
    with slicer.util.NodeModify(parameters):
        parameters.a = 1
        parameters.b = 2
    assert heard == [1]


def widget_kinds():
    """A widget, its type, a first value, what the widget then shows, and what it is set to for a second value."""
    within = "WithinRange(0, 10)"
    return [
        ("qt.QCheckBox()", "bool", True, ("checked", True), ("checked", False, False)),
        ("qt.QSpinBox()", f"Annotated[int, {within}]", 3, ("value", 3), ("value", 4, 4)),
        ("qt.QSlider()", f"Annotated[int, {within}]", 3, ("value", 3), ("value", 4, 4)),
        ("qt.QDoubleSpinBox()", "float", 2.5, ("value", 2.5), ("value", 0.5, 0.5)),
        ("ctk.ctkSliderWidget()", f"Annotated[float, {within}]", 2.5, ("value", 2.5), ("value", 0.5, 0.5)),
        ("qt.QComboBox()", "Way", Way.DOWN, ("currentText", "downwards"), ("currentIndex", 0, Way.UP)),
        ("qt.QComboBox()", "Annotated[str, Choice(['a', 'b'])]", "b", ("currentText", "b"), ("currentIndex", 0, "a")),
        ("qt.QLineEdit()", "str", "x", ("text", "x"), ("text", "y", "y")),
        ("ctk.ctkPathLineEdit()", "Path", Path("/x"), ("currentPath", "/x"), ("currentPath", "/y", Path("/y"))),
        ("ctk.ctkDirectoryButton()", "Path", Path("/x"), ("directory", "/x"), ("directory", "/y", Path("/y"))),
    ]


def evaluated(wrapper, text):
    import ctk
    import qt

    names = {"qt": qt, "ctk": ctk, "Way": Way, "Annotated": Annotated, "Path": Path}
    return eval(text, {**vars(wrapper), **names})  # noqa: S307 - the table above


def connected(wrapper, node, widget, kind, value=None):
    """Parameters with one field ``value``, which the widget shows; and the tag."""
    widget.setProperty("SlicerParameterName", "value")
    parameters = fields(wrapper, value=kind)(node)
    if value is not None:
        parameters.value = value
    return parameters, parameters.connectGui(SimpleNamespace(widget=widget))


@pytest.mark.parametrize(("widget", "kind", "value", "shown", "change"), widget_kinds())
def test_widget_and_parameter_follow_each_other(wrapper, node, widget, kind, value, shown, change):
    gui = evaluated(wrapper, widget)
    parameters, tag = connected(wrapper, node, gui, evaluated(wrapper, kind), value)
    assert getattr(gui, shown[0]) == shown[1]
    setattr(gui, change[0], change[1])
    assert parameters.value == change[2]
    parameters.value = value
    assert getattr(gui, shown[0]) == shown[1]
    parameters.disconnectGui(tag)
    setattr(gui, change[0], change[1])
    assert parameters.value == value


@pytest.mark.parametrize(
    ("widget", "kind"),
    [
        ("qt.QRadioButton()", "bool"),
        ("qt.QToolButton()", "bool"),
        ("qt.QPushButton()", "bool"),
        ("ctk.ctkCollapsibleButton()", "bool"),
        ("qt.QPlainTextEdit()", "str"),
        ("qt.QComboBox()", "str"),
        ("qt.QSlider()", "int"),
        ("ctk.ctkSliderWidget()", "float"),
        ("qt.QSpinBox()", "float"),
        ("qt.QLineEdit()", "int"),
    ],
)
def test_widgets_that_slicer_cannot_connect_are_refused(wrapper, node, widget, kind):
    with pytest.raises(RuntimeError, match="Unable to connect"):
        connected(wrapper, node, evaluated(wrapper, widget), evaluated(wrapper, kind))


def test_a_class_derived_from_a_widget_is_not_that_widget(wrapper, node):
    import qt

    class MyBox(qt.QCheckBox):
        pass

    with pytest.raises(RuntimeError, match="Unable to connect"):
        connected(wrapper, node, MyBox(), bool)


def test_a_widget_that_asks_for_an_unknown_parameter_is_refused(wrapper, node):
    import qt

    box = qt.QCheckBox()
    box.setProperty("SlicerParameterName", "unknown")
    with pytest.raises(ValueError, match="unknown"):
        fields(wrapper, value=bool)(node).connectGui(SimpleNamespace(box=box))
