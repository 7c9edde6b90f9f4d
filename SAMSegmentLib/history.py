"""Undo and redo of any depth over immutable states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

State = TypeVar("State")


class History(Generic[State]):
    """The current state, those before it and those undone.

    States are immutable and share their unchanged parts, so that a step costs only what it changed.
    """

    def __init__(self, initial: State) -> None:
        self._past: list[State] = []
        self._future: list[State] = []
        self.current = initial

    def push(self, state: State) -> None:
        """Make ``state`` the current one; what was undone before cannot be redone any more."""
        self._past.append(self.current)
        self._future.clear()
        self.current = state

    def amend(self, change: Callable[[State], State]) -> None:
        """Apply ``change`` to every state, those before and those undone too; it returns what it leaves as it is."""
        self._past = [change(state) for state in self._past]
        self._future = [change(state) for state in self._future]
        self.current = change(self.current)

    @property
    def states(self) -> tuple[State, ...]:
        """All states, the earliest first: those before the current one, itself, and those undone."""
        return (*self._past, self.current, *reversed(self._future))

    @property
    def position(self) -> int:
        """Which of :attr:`states` is the current one."""
        return len(self._past)

    def replace(self, states: Sequence[State]) -> None:
        """Put others in place of all :attr:`states`, one for one."""
        now = self.position
        self._past, self.current = list(states[:now]), states[now]
        self._future = list(reversed(states[now + 1 :]))

    @property
    def can_undo(self) -> bool:
        """Whether there is a state before the current one."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone state."""
        return bool(self._future)

    def undo(self) -> None:
        """Go back one state; nothing happens at the first one."""
        if self._past:
            self._future.append(self.current)
            self.current = self._past.pop()

    def redo(self) -> None:
        """Go forward again; nothing happens when nothing was undone."""
        if self._future:
            self._past.append(self.current)
            self.current = self._future.pop()
