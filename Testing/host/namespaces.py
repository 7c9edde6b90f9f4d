"""The modules that a host puts into Python for its life time: qt, ctk, and Slicer's that slicer-core lacks."""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from Testing.host.pythonqt.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT = object()


class QtNamespace(ModuleType):
    """``qt`` or ``ctk``: classes of the facts, made when they are asked for."""

    def __init__(self, name: str, binding: Binding) -> None:
        super().__init__(name, f"Stand-in for Slicer's {name}.")
        self._binding, self._names = binding, frozenset(binding.facts.names(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._names:
            raise AttributeError(
                f"Slicer's module {self.__name__} has no {name!r}, or the host's facts do not list it."
            )
        return self._binding.wrapper_class(name)


class Replacements:
    """Attributes and modules that are put in place, and put back in the end."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        before = vars(owner).get(name, ABSENT)
        setattr(owner, name, value)
        self._undo.append(lambda: delattr(owner, name) if before is ABSENT else setattr(owner, name, before))

    def module(self, name: str, module: ModuleType | None) -> None:
        """None: importing the module fails, as where it is not there."""
        before = sys.modules.get(name, ABSENT)
        sys.modules[name] = module
        self._undo.append(lambda: _put_back(name, before))

    def modules_from(self, folder: Path) -> None:
        """In the end, forget what was imported from a folder: it has seen this host's qt."""
        self._undo.append(lambda: _forget(folder))

    def search_path(self, folder: Path) -> None:
        sys.path.insert(0, str(folder))
        self._undo.append(lambda: sys.path.remove(str(folder)))

    def put_back(self) -> None:
        while self._undo:
            self._undo.pop()()


def _put_back(name: str, before: Any) -> None:
    if before is ABSENT:
        sys.modules.pop(name, None)
    else:
        sys.modules[name] = before


def _forget(folder: Path) -> None:
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and folder in Path(path).parents:
            del sys.modules[name]
