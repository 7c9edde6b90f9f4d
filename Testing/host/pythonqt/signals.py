"""Signals: connected by signature, called with as many arguments as the callable takes."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from Testing.host.facts import arguments_of, normalized

if TYPE_CHECKING:
    from Testing.host.pythonqt.binding import Binding
    from Testing.host.pythonqt.objects import PythonQtObject


@dataclass(frozen=True)
class Connection:
    signature: str
    called: Callable
    native: Any
    end: Callable[[], None]


class Connections:
    """All connections that Python code made, so that it can end them by naming the callable again."""

    def __init__(self, binding: "Binding") -> None:
        self._binding = binding
        self._made: list[Connection] = []

    def connect(self, sender: "PythonQtObject", signature: str, called: Callable) -> bool:
        """Whether the signal exists; as PythonQt, this says so on stderr, and nothing is raised. That is a problem."""
        wanted = normalized(signature)
        if wanted not in self._binding.facts.signals(sender._name):
            self._binding.problems.add(f"{sender._name}: signal {signature!r} does not exist.")
            return False
        if not callable(called):
            raise TypeError(f"{called!r} cannot be called, so {signature} cannot be connected to it.")
        native = sender._native
        end = self._connect_native(sender, wanted, self._adapter(wanted, called))
        if end is None:
            return False
        self._made.append(Connection(wanted, called, native, end))
        return True

    def disconnect(self, sender: "PythonQtObject", signature: str, called: Callable | None = None) -> bool:
        """Ends connections to what equals ``called``: a bound method does, another lambda does not."""
        wanted = normalized(signature)
        ended = [
            each
            for each in self._made
            if each.native is sender._native and each.signature == wanted and called in (None, each.called)
        ]
        for each in ended:
            each.end()
            self._made.remove(each)
        return bool(ended)

    def forget_all(self) -> None:
        for each in self._made:
            if self._binding.is_alive(each.native):
                each.end()
        self._made.clear()

    def _connect_native(self, sender: "PythonQtObject", signature: str, adapter: Callable) -> Callable[[], None] | None:
        from PySide6.QtCore import SIGNAL, QObject

        native, name = sender._native, signature.partition("(")[0]
        if native.metaObject().indexOfSignal(signature) >= 0:
            QObject.connect(native, SIGNAL(signature), adapter)
            return lambda: QObject.disconnect(native, SIGNAL(signature), adapter)
        if self._binding.is_stand_in(native) and hasattr(type(native), name):
            # A stand-in's signals carry Python objects where Slicer's carry VTK's.
            getattr(native, name).connect(adapter)
            return lambda: getattr(native, name).disconnect(adapter)
        self._binding.problems.add(f"{sender._name}: {signature} is not in Qt 6, or the host does not have it.")
        return None

    def _adapter(self, signature: str, called: Callable) -> Callable:
        taken = min(len(arguments_of(signature)), taken_arguments(called))
        binding = self._binding

        def adapter(*arguments: Any) -> None:
            try:
                called(*[binding.wrap(each) for each in arguments[:taken]])
            except Exception as error:  # noqa: BLE001 - PythonQt prints whatever a slot raises and goes on
                binding.problems.add_exception(f"a slot of {signature}", error)

        return adapter


class SignalFunction:
    """``button.clicked``: connects the first signature of the class, and calling it emits."""

    def __init__(self, connections: Connections, sender: "PythonQtObject", name: str, signature: str) -> None:
        self._connections, self._sender, self._name, self._signature = connections, sender, name, signature

    def connect(self, called: Callable) -> bool:
        return self._connections.connect(self._sender, self._signature, called)

    def disconnect(self, called: Callable | None = None) -> bool:
        return self._connections.disconnect(self._sender, self._signature, called)

    def __call__(self, *arguments: Any) -> None:
        binding = self._sender._binding
        getattr(self._sender._native, self._name).emit(*[binding.unwrap(each) for each in arguments])


def taken_arguments(called: Callable) -> int:
    """How many arguments PythonQt hands over at most: functions and methods say it, other callables get all."""
    signatures = getattr(called, "signatures", None)  # a Qt method: Qt connects it when it takes fewer
    if signatures is not None:
        return max((len(arguments_of(text)) for text in signatures), default=0)
    function = called.__func__ if inspect.ismethod(called) else called
    if not inspect.isfunction(function) or function.__code__.co_flags & inspect.CO_VARARGS:
        return 100
    return function.__code__.co_argcount - inspect.ismethod(called)
