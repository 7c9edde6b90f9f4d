"""Types and checks of parameters, as ``slicer.parameterNodeWrapper`` offers them. Part of its stand-in."""

import enum
import pathlib
import types
import typing
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import slicer


class Validator(ABC):
    """Refuses values."""

    @abstractmethod
    def validate(self, value: Any) -> None:
        """Raise ValueError for a value that is refused."""


@dataclass
class WithinRange(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within [{self.minimum}, {self.maximum}].")


@dataclass
class Minimum(Validator):
    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is below {self.minimum}.")


@dataclass
class Maximum(Validator):
    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is above {self.maximum}.")


@dataclass
class Choice(Validator):
    choices: list

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}.")


@dataclass
class Exclude(Validator):
    excludedValues: list

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"{value!r} is excluded.")


@dataclass
class RangeBounds(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value.minimum <= value.maximum <= self.maximum:
            raise ValueError(f"{value} is not within [{self.minimum}, {self.maximum}].")


class NotNone(Validator):
    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("There must be a value.")


@dataclass
class Default:
    value: Any


@dataclass
class Decimals:
    value: int


@dataclass
class SingleStep:
    value: float


@dataclass
class FloatRange:
    minimum: float = 0.0
    maximum: float = 0.0


@dataclass(frozen=True)
class Parameter:
    """One field of a wrapper class. ``nodes`` are the node classes of a parameter that holds a node."""

    name: str
    kind: Any
    notes: tuple[Any, ...]
    default: Any
    nodes: tuple[type, ...]

    def note(self, kind: type) -> Any:
        return next((note for note in self.notes if isinstance(note, kind)), None)

    def check(self, value: Any) -> None:
        """Raises TypeError or ValueError. A float takes no int, and an int nothing but one, as in Slicer."""
        if self.nodes:
            if value is not None and not isinstance(value, self.nodes):
                raise TypeError(f"{self.name} takes no {type(value).__name__}.")
            return
        origin = typing.get_origin(self.kind) or self.kind
        if not isinstance(value, origin):
            raise TypeError(f"{self.name} is a {origin.__name__}; it takes no {value!r}.")
        for note in self.notes:
            if isinstance(note, Validator):
                note.validate(value)

    def text_of(self, value: Any) -> str:
        """How the parameter node keeps the value; enums by their names."""
        return value.name if isinstance(value, enum.Enum) else repr(value) if self._is_literal() else str(value)

    def value_of(self, text: str) -> Any:
        import ast

        if isinstance(self.kind, type) and issubclass(self.kind, enum.Enum):
            return self.kind[text]
        if self.kind is FloatRange:
            return eval(text, {"__builtins__": {}, "FloatRange": FloatRange})  # noqa: S307 - the test's own text
        return ast.literal_eval(text) if self._is_literal() else self.kind(text)

    def _is_literal(self) -> bool:
        return (typing.get_origin(self.kind) or self.kind) in (bool, list, tuple, dict, FloatRange)


def parameter_of(name: str, annotation: Any, given: Any) -> Parameter:
    """Raises TypeError for a type that Slicer's wrapper cannot keep, ValueError for a default that is refused."""
    kind, notes = annotation, ()
    if typing.get_origin(annotation) is typing.Annotated:
        kind, *rest = typing.get_args(annotation)
        notes = tuple(rest)
    nodes = _node_classes(kind)
    if not nodes and not _is_kept(kind):
        raise TypeError(f"A parameter node cannot keep {name}: {kind}.")
    parameter = Parameter(name, kind, notes, None, nodes)
    default = given if given is not ... else _usual_default(parameter)
    if not nodes:
        parameter.check(default)
    return Parameter(name, kind, notes, default, nodes)


def _node_classes(kind: Any) -> tuple[type, ...]:
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    parts = [part for part in (typing.get_args(kind) if union else (kind,)) if part is not type(None)]
    are_nodes = all(isinstance(part, type) and issubclass(part, slicer.vtkMRMLNode) for part in parts)
    return tuple(parts) if parts and are_nodes else ()


def _is_kept(kind: Any) -> bool:
    origin = typing.get_origin(kind) or kind
    plain = (int, float, str, bool, list, tuple, dict, FloatRange)
    return origin in plain or (isinstance(origin, type) and issubclass(origin, (enum.Enum, pathlib.PurePath)))


def _usual_default(parameter: Parameter) -> Any:
    if parameter.nodes:
        return None
    if parameter.note(Default):
        return parameter.note(Default).value
    if parameter.note(Choice):
        return parameter.note(Choice).choices[0]
    kind = typing.get_origin(parameter.kind) or parameter.kind
    return next(iter(kind)) if issubclass(kind, enum.Enum) else kind()
