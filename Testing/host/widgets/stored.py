"""Qt properties that only have to be kept."""

from typing import Any

from PySide6.QtCore import Property


def stored(kind: Any, name: str, default: Any = None, *, then: str = "") -> Property:
    """A property of a PySide6 class; ``then`` names a method that is called after each change."""
    key = f"_stored_{name}"

    def read(owner: Any) -> Any:
        return getattr(owner, key, default)

    def write(owner: Any, value: Any) -> None:
        changed = value != read(owner)
        setattr(owner, key, value)
        if changed and then:
            getattr(owner, then)()

    return Property(kind, read, write)


def stored_setter(name: str) -> Any:
    """The slot that sets a property."""

    def write(owner: Any, value: Any) -> None:
        owner.setProperty(name, value)

    return write
