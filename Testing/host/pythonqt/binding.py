"""Between PySide6's objects and the wrappers that Python code sees."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from Testing.host.facts import Facts, Member
from Testing.host.problems import NotInHost, Problems
from Testing.host.pythonqt import common, properties
from Testing.host.pythonqt.enums import EnumValue, is_enum
from Testing.host.pythonqt.methods import QtMethod
from Testing.host.pythonqt.objects import PythonQtClass, PythonQtObject, is_python_subclass, wrapper_class
from Testing.host.pythonqt.shells import shell_of
from Testing.host.pythonqt.signals import Connections, SignalFunction


class Binding:
    """Reads, writes and makes objects by the facts.

    ``stand_ins`` are PySide6 classes that take the place of C++ classes, by their names; ``statics`` are functions that
    take the place of static methods, by class and name. Both may be added to until the first object is made.
    """

    def __init__(self, facts: Facts, problems: Problems) -> None:
        self.facts, self.problems = facts, problems
        self.stand_ins: dict[str, type] = {}
        self.statics: dict[tuple[str, str], Callable] = {}
        self.connections = Connections(self)
        self._classes: dict[str, PythonQtClass] = {}
        self._wrappers: weakref.WeakValueDictionary[int, PythonQtObject] = weakref.WeakValueDictionary()

    # Classes

    def wrapper_class(self, name: str) -> PythonQtClass:
        """Raises AttributeError for a class that Slicer does not offer."""
        if name not in self.facts:
            raise AttributeError(f"Slicer has no class {name}, or Testing/host/make_facts.py does not list it.")
        if name not in self._classes:
            self._classes[name] = wrapper_class(self, name)
        return self._classes[name]

    def native_class(self, name: str) -> Any:
        if name in self.stand_ins:
            return self.stand_ins[name]
        from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets

        for module in (QtCore, QtGui, QtWidgets, QtUiTools, QtNetwork):
            if hasattr(module, name):
                return getattr(module, name)
        raise NotInHost(f"The host has no stand-in for {name} yet.")

    def is_stand_in(self, native: Any) -> bool:
        return isinstance(native, tuple(self.stand_ins.values()))

    def name_of(self, native: Any) -> str | None:
        """The most derived class of the facts that the object is of."""
        return next((kind.__name__ for kind in type(native).__mro__ if kind.__name__ in self.facts), None)

    # Values

    def wrap(self, value: Any) -> Any:
        """What Python code sees of a value that Qt gave."""
        if isinstance(value, PythonQtObject):
            return value
        if is_enum(value):
            return EnumValue(value)
        if isinstance(value, (list, tuple)):
            return tuple(self.wrap(each) for each in value)  # PythonQt makes tuples of Qt's lists
        if isinstance(value, Mapping):
            return {key: self.wrap(each) for key, each in value.items()}
        name = self.name_of(value) if type(value).__module__ != "builtins" else None
        return value if name is None else self._wrapper(value, name)

    def unwrap(self, value: Any) -> Any:
        """What Qt gets of a value that Python code gave."""
        if isinstance(value, PythonQtObject):
            return self.alive(value, "used")
        if isinstance(value, EnumValue):
            return value.native
        if isinstance(value, (list, tuple)):
            return type(value)(self.unwrap(each) for each in value)
        if isinstance(value, dict):
            return {key: self.unwrap(each) for key, each in value.items()}
        return value

    def is_alive(self, native: Any) -> bool:
        import shiboken6

        return shiboken6.isValid(native)

    def alive(self, wrapper: PythonQtObject, attribute: str) -> Any:
        if not self.is_alive(wrapper._native):
            raise ValueError(f"Trying to reach {attribute!r} of a destroyed {wrapper._name} object.")
        return wrapper._native

    def equal(self, one: Any, other: Any) -> bool:
        from PySide6.QtCore import QObject

        return one is other or (not isinstance(one, QObject) and type(one) is type(other) and one == other)

    def construct(self, wrapper: PythonQtObject, arguments: tuple) -> None:
        """Makes the PySide6 object of a new wrapper; Python subclasses may override Qt's virtual methods."""
        name = wrapper._name
        if not self.facts.entry(name).get("new"):
            raise TypeError(f"Python code cannot make objects of {name}.")
        native_class = self.native_class(name)
        if is_python_subclass(type(wrapper)):
            native_class = shell_of(self, wrapper, native_class)
        native = QtMethod(self, name, native_class, name)(*arguments, wrapped=False)
        self._register(wrapper, native)

    def _wrapper(self, native: Any, name: str) -> PythonQtObject:
        known = self._wrappers.get(self._key(native))
        if known is not None and known._native is native:
            return known
        wrapper = PythonQtObject.__new__(self.wrapper_class(name))
        self._register(wrapper, native)
        return wrapper

    def _register(self, wrapper: PythonQtObject, native: Any) -> None:
        object.__setattr__(wrapper, "_native", native)
        self._wrappers[self._key(native)] = wrapper
        if is_python_subclass(type(wrapper)):
            native._python = wrapper  # lives as long as Qt's object does

    def _key(self, native: Any) -> int:
        import shiboken6

        return shiboken6.getCppPointer(native)[0]

    # Attributes

    def read(self, wrapper: PythonQtObject, attribute: str) -> Any:
        """Raises AttributeError for what PythonQt would not find, ValueError when Qt has deleted the object."""
        native = self.alive(wrapper, attribute)
        member = self.facts.member(wrapper._name, attribute)
        if member is None:
            return self._unlisted(wrapper, native, attribute)
        if member.kind == "property":
            return self.wrap(properties.read(native, attribute, member))
        if member.kind == "signal":
            return SignalFunction(self.connections, wrapper, attribute, member.detail[0])
        if member.kind == "method":
            return self._method(wrapper._name, native, attribute, member)
        if member.kind == "common":
            return common.read(self, wrapper, attribute)
        if member.kind == "static" and (member.owner, attribute) not in self.statics:
            return self._method(wrapper._name, native, attribute, member)
        return self.read_of_class(wrapper._name, attribute)

    def write(self, wrapper: PythonQtObject, attribute: str, value: Any) -> None:
        """Raises AttributeError for anything but a writable property, unless the class is Python's."""
        member = self.facts.member(wrapper._name, attribute)
        if attribute == "name":
            self.alive(wrapper, attribute).setObjectName(value)
        elif member is not None and member.kind == "property":
            properties.write(self.alive(wrapper, attribute), wrapper._name, attribute, member, self.unwrap(value))
        elif member is not None:
            raise AttributeError(f"{attribute} of {wrapper._name} is a {member.kind}: nothing can be assigned to it.")
        elif is_python_subclass(type(wrapper)):
            object.__setattr__(wrapper, attribute, value)
        else:
            raise AttributeError(
                f"{self.facts.why_not(wrapper._name, attribute)} New attributes cannot be made on a C++ object."
            )

    def read_of_class(self, name: str, attribute: str) -> Any:
        member = self.facts.member(name, attribute)
        if member is None or member.kind in ("property", "signal", "common"):
            raise AttributeError(self.facts.why_not(name, attribute))
        if (member.owner, attribute) in self.statics:
            return self.statics[member.owner, attribute]
        native_class = self.native_class(name)
        if member.kind == "enum":
            return EnumValue(_enum_value(native_class, member.detail[0], attribute))
        if member.kind == "enum type":
            return getattr(native_class, attribute)
        return self._method(name, native_class, attribute, member)

    def _method(self, name: str, native: Any, attribute: str, member: Member) -> QtMethod:
        for candidate in (attribute, attribute.removesuffix("_"), f"{attribute}_"):
            found = getattr(native, candidate, None)
            if callable(found):
                return QtMethod(self, f"{name}.{attribute}", found, attribute, member.detail, owner=native)
        raise NotInHost(f"The host's {name} does not have {attribute} yet, or Qt 6 has dropped it.")

    def _unlisted(self, wrapper: PythonQtObject, native: Any, attribute: str) -> Any:
        from PySide6.QtCore import QObject, Qt

        if isinstance(native, QObject):
            if attribute in {bytes(each.data()).decode() for each in native.dynamicPropertyNames()}:
                return self.wrap(native.property(attribute))
            child = native.findChild(QObject, attribute, Qt.FindChildOption.FindDirectChildrenOnly)
            if child is not None:
                return self.wrap(child)
        raise AttributeError(self.facts.why_not(wrapper._name, attribute))


def _enum_value(native_class: Any, enum: str, key: str) -> Any:
    found = getattr(native_class, key, None)
    if found is None:
        found = getattr(getattr(native_class, enum, None), key, None)
    if found is None:
        raise NotInHost(f"Qt 6 has no {native_class.__name__}.{key}.")
    return found
