"""Sentences for the user: shown in the page, one at a time."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.errors import SAMSegmentError

from .state import PageState

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from trame_server.state import State

    class _HasMessages(Protocol):
        messages: Messages


Parameters = ParamSpec("Parameters")


class Messages:
    """Where controls and engine say something."""

    def __init__(self, state: State) -> None:
        self._page = TypedState(state, PageState).data

    def tell(self, text: str) -> None:
        """Show a sentence for some seconds."""
        self._show(text, "info")

    def warn(self, text: str) -> None:
        """Show a sentence that the user has to know of, until it is closed."""
        self._show(text, "warning")

    def fail(self, text: str) -> None:
        """Show a sentence on what went wrong, long enough to read it twice."""
        self._show(text, "error")

    def _show(self, text: str, kind: str) -> None:
        self._page.message = text
        self._page.message_kind = kind
        self._page.message_number += 1
        self._page.is_message_shown = True


def told(method: Callable[..., None]) -> Callable[..., None]:
    """A control's method whose errors are shown in the page."""

    @wraps(method)
    def shown(control: _HasMessages, *arguments: object) -> None:
        try:
            method(control, *arguments)
        except SAMSegmentError as error:
            control.messages.fail(str(error))

    return shown
