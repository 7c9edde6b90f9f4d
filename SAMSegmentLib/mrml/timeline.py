"""The user's actions in their order, and how many steps of the session each of them took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Step:
    """One action; dragging a prompt to another slice changes two slices, and is two steps of the session."""

    number: int
    session_steps: int


class Timeline:
    """Actions that are done and actions that are undone."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._last_number = 0

    @property
    def last(self) -> Step | None:
        """The action that undo takes back."""
        return self._done[-1] if self._done else None

    @property
    def next(self) -> Step | None:
        """The action that redo does again."""
        return self._undone[-1] if self._undone else None

    @property
    def last_number(self) -> int:
        """The number of the action that undo takes back, 0 where there is none."""
        return self._done[-1].number if self._done else 0

    @property
    def coming_number(self) -> int:
        """The number of an action that is being done."""
        return self._last_number + 1

    def push(self, session_steps: int) -> None:
        """An action was done; those that were undone cannot be redone any more."""
        self._last_number += 1
        self._done.append(Step(self._last_number, session_steps))
        self._undone.clear()

    def forget_undone(self) -> None:
        """What was undone cannot be redone any more."""
        self._undone.clear()

    def undo(self) -> Step:
        """Go back one action."""
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Step:
        """Go forward one action."""
        self._done.append(self._undone.pop())
        return self._done[-1]

    def is_done(self, numbers: set[int]) -> bool:
        """Whether one of some actions is done."""
        return _holds(self._done, numbers)

    def is_undone(self, numbers: set[int]) -> bool:
        """Whether one of some actions can be redone."""
        return _holds(self._undone, numbers)


def _holds(steps: Sequence[Step], numbers: set[int]) -> bool:
    return any(step.number in numbers for step in steps)
