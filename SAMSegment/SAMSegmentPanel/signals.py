"""Plain Python signals between the controllers.

Qt signals that are declared in Python are reported to crash some versions of Slicer, so none are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Signal:
    """Callables that are called in the order in which they were connected."""

    def __init__(self) -> None:
        self._slots: list[Callable[..., None]] = []

    def connect(self, slot: Callable[..., None]) -> None:
        """Call ``slot`` with each emission from now on."""
        self._slots.append(slot)

    def emit(self, *values: Any) -> None:
        """Call all slots with these values."""
        for slot in tuple(self._slots):
            slot(*values)
