"""Methods of Qt's objects, called with what Python code has."""

from typing import TYPE_CHECKING, Any

from Testing.host.facts import arguments_of
from Testing.host.pythonqt.enums import converted
from Testing.host.pythonqt.objects import PythonQtObject

if TYPE_CHECKING:
    from Testing.host.pythonqt.binding import Binding


class QtMethod:
    """A bound or static method, or a constructor. ``signatures`` are those of the facts."""

    def __init__(
        self,
        binding: "Binding",
        shown: str,
        called: Any,
        name: str,
        signatures: tuple[str, ...] = (),
        owner: Any = None,
    ) -> None:
        self._binding, self._shown, self._called, self.signatures = binding, shown, called, signatures
        self._identity = (id(owner), name)

    def __call__(self, *arguments: Any, wrapped: bool = True) -> Any:
        """Raises ValueError when Qt takes no such arguments, as PythonQt does."""
        if any(isinstance(each, PythonQtObject) for each in arguments) or arguments:
            arguments = tuple(self._binding.unwrap(each) for each in arguments)
        try:
            result = self._called(*arguments)
        except TypeError as error:
            result = self._called_with_enums(arguments, error)
        return self._binding.wrap(result) if wrapped else result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QtMethod) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<Qt method {self._shown}>"

    def _called_with_enums(self, arguments: tuple, error: TypeError) -> Any:
        """PythonQt takes numbers for enum values; PySide6 wants its own."""
        from PySide6 import QtCore

        refused = ValueError(f"{self._shown} takes no {arguments!r}; it is {' or '.join(self.signatures) or 'other'}.")
        for signature in self.signatures:
            types = arguments_of(signature)
            if len(types) != len(arguments):
                continue
            scope = [
                QtCore.Qt if name.startswith("Qt::") else getattr(self._called, "__self__", None) for name in types
            ]
            better = tuple(
                converted(where, name, value) if isinstance(value, int) else value
                for where, name, value in zip(scope, types, arguments, strict=True)
            )
            if better != arguments or [type(a) for a in better] != [type(a) for a in arguments]:
                return self._called(*better)
        raise refused from error
