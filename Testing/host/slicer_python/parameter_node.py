"""Stand-in for ``slicer.parameterNodeWrapper``: a class whose fields are kept in a vtkMRMLScriptedModuleNode."""

import itertools
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Any

import vtk

from Testing.host.slicer_python import parameter_types
from Testing.host.slicer_python.parameter_gui import GuiConnector, connector_for
from Testing.host.slicer_python.parameter_types import Parameter, parameter_of

RESERVED = frozenset(
    {
        "AddObserver",
        "EndModify",
        "Modified",
        "RemoveObserver",
        "StartModify",
        "allParameters",
        "connectGui",
        "dataType",
        "default",
        "disconnectGui",
        "getValue",
        "isCached",
        "parameterNode",
        "setValue",
    }
)


def parameterNodeWrapper(classtype: type) -> type:
    """Turns a class with annotated fields into a wrapper of a parameter node. Raises as Slicer's does."""
    hints = typing.get_type_hints(classtype, include_extras=True)
    taken = RESERVED.intersection(hints)
    if taken:
        raise ValueError(f"Parameters cannot be called {', '.join(sorted(taken))}.")
    parameters = {name: parameter_of(name, hint, vars(classtype).get(name, ...)) for name, hint in hints.items()}
    fields = {name: _field(parameter) for name, parameter in parameters.items()}
    own = {name: value for name, value in vars(classtype).items() if name not in ("__dict__", "__weakref__")}
    return type(classtype.__name__, (_ParameterNode,), {**own, **fields, "allParameters": parameters})


def _field(parameter: Parameter) -> property:
    def read(owner: "_ParameterNode") -> Any:
        return owner.getValue(parameter.name)

    def write(owner: "_ParameterNode", value: Any) -> None:
        owner.setValue(parameter.name, value)

    return property(read, write)


class _ParameterNode:
    """What every wrapper has besides its fields."""

    allParameters: dict[str, Parameter]

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._prefix = f"{prefix}." if prefix else ""
        self._connections: dict[int, list[tuple[GuiConnector, Callable]]] = {}
        self._observers: dict[int, int] = {}
        self._tags = itertools.count(1)
        for name, parameter in self.allParameters.items():
            if not parameter.nodes and not self.parameterNode.GetParameter(self._prefix + name):
                self.setValue(name, parameter.default)

    def getValue(self, name: str) -> Any:
        parameter = self.allParameters[name]
        if parameter.nodes:
            return self.parameterNode.GetNodeReference(self._prefix + name)
        text = self.parameterNode.GetParameter(self._prefix + name)
        is_text = parameter.kind is str
        return text[1:] if is_text and text else parameter.value_of(text) if text else parameter.default

    def setValue(self, name: str, value: Any) -> None:
        parameter = self.allParameters[name]
        parameter.check(value)
        if parameter.nodes:
            self.parameterNode.SetNodeReferenceID(self._prefix + name, value.GetID() if value is not None else None)
        elif parameter.kind is str:
            # The mark tells an empty text from one that was never set.
            self.parameterNode.SetParameter(self._prefix + name, f"'{value}")
        else:
            self.parameterNode.SetParameter(self._prefix + name, parameter.text_of(value))

    def default(self, name: str) -> Any:
        return parameter_types.Default(self.allParameters[name].default)

    def dataType(self, name: str) -> Any:
        return self.allParameters[name].kind

    def isCached(self, _name: str) -> bool:
        return False

    # The node's own calls

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, was_modifying: int) -> None:
        self.parameterNode.EndModify(was_modifying)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def AddObserver(self, event: Any, called: Callable, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, called, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    # Widgets

    def connectGui(self, gui: Any) -> int:
        """Binds the widgets that have a property SlicerParameterName; the widgets then show the parameters.

        Raises RuntimeError when a widget cannot show its parameter.
        """
        made: list[tuple[GuiConnector, Callable]] = []
        for widget in vars(gui).values():
            name = widget.property("SlicerParameterName")
            if not name:
                continue
            if name not in self.allParameters:
                raise ValueError(f"There is no parameter {name!r}, which {widget.name} asks for.")
            connector = connector_for(widget, self.allParameters[name])
            connector.write(self.getValue(name))
            made.append((connector, self._follow_widget(connector)))
        for connector, follow in made:
            connector.connect(follow)
        tag = next(self._tags)
        self._connections[tag] = made
        self._observers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show(made))
        return tag

    def disconnectGui(self, tag: int) -> None:
        self.RemoveObserver(self._observers.pop(tag))
        for connector, follow in self._connections.pop(tag):
            connector.disconnect(follow)

    def _follow_widget(self, connector: GuiConnector) -> Callable[[], None]:
        def follow() -> None:
            self.setValue(connector.parameter.name, connector.read())

        return follow

    def _show(self, made: list[tuple[GuiConnector, Callable]]) -> None:
        for connector, _ in made:
            value = self.getValue(connector.parameter.name)
            if connector.read() != value:
                connector.write(value)


def parameter_node_module() -> ModuleType:
    """``slicer.parameterNodeWrapper`` as code imports from it."""
    module = ModuleType("slicer.parameterNodeWrapper", __doc__)
    module.parameterNodeWrapper = parameterNodeWrapper
    module.isParameterNodeWrapper = lambda kind: issubclass(
        kind if isinstance(kind, type) else type(kind), _ParameterNode
    )
    module.GuiConnector = GuiConnector
    for name in (
        *("Choice", "Decimals", "Default", "Exclude", "FloatRange", "Maximum", "Minimum", "NotNone", "RangeBounds"),
        *("SingleStep", "Validator", "WithinRange"),
    ):
        setattr(module, name, getattr(parameter_types, name))
    return module
