"""What Undo and Redo do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from .messages import told
from .state import PageState

if TYPE_CHECKING:
    from trame_server.state import State

    from .work import Work


class HistoryControl:
    """Prompts and hand corrections, undone in the order in which they were made."""

    def __init__(self, state: State, work: Work) -> None:
        self.messages = work.messages
        self._work = work
        self._data = TypedState(state, PageState).data
        work.add_listener(self._refresh)

    @told
    def undo(self) -> None:
        """Take back the last action."""
        self._work.undo_stack.undo()
        self._work.note_change()

    @told
    def redo(self) -> None:
        """Do again what was undone last."""
        self._work.undo_stack.redo()
        self._work.note_change()

    def _refresh(self) -> None:
        self._data.can_undo = self._work.undo_stack.can_undo()
        self._data.can_redo = self._work.undo_stack.can_redo()
