"""The classes that Python code sees as ``qt.QPushButton`` and the like."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from Testing.host.pythonqt.binding import Binding

OWN = ("_native",)  # the only attributes that wrappers themselves have


class PythonQtClass(type):
    """Class attributes: enum values, static methods, and methods called as ``qt.QWidget.paintEvent(self, event)``."""

    _binding: "Binding"
    _name: str

    def __getattr__(cls, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return cls._binding.read_of_class(cls._name, attribute)

    def __repr__(cls) -> str:
        return f"<class {cls._name} (PythonQt)>"


class PythonQtObject(metaclass=PythonQtClass):
    """A wrapper around one PySide6 object. As in PythonQt, wrapper classes are not derived from each other."""

    _native: Any

    def __init__(self, *arguments: Any) -> None:
        self._binding.construct(self, arguments)

    def __getattr__(self, attribute: str) -> Any:
        if attribute in OWN:
            raise RuntimeError(f"{type(self).__name__}.__init__ did not call that of {self._name}.")
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return self._binding.read(self, attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        self._binding.write(self, attribute, value)

    def __repr__(self) -> str:
        return f"{self._name} (PythonQt object around {self._native!r})"

    def __bool__(self) -> bool:
        return self._binding.is_alive(self._native)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PythonQtObject) and (self is other or self._binding.equal(self._native, other._native))

    def __hash__(self) -> int:
        return id(self._native)

    def __add__(self, other: Any) -> Any:
        return self._binding.wrap(self._native + self._binding.unwrap(other))

    def __sub__(self, other: Any) -> Any:
        return self._binding.wrap(self._native - self._binding.unwrap(other))

    def __mul__(self, other: Any) -> Any:
        return self._binding.wrap(self._native * self._binding.unwrap(other))


def is_python_subclass(kind: type) -> bool:
    """Whether Python code derived the class; only objects of such classes take attributes of their own."""
    return "_is_wrapper" not in vars(kind)


def wrapper_class(binding: "Binding", name: str) -> PythonQtClass:
    return PythonQtClass(name, (PythonQtObject,), {"_binding": binding, "_name": name, "_is_wrapper": True})
