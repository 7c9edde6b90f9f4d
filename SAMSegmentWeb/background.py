"""What the page asks for and what takes longer than a moment: done beside the page's next messages."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Background:
    """Starts coroutines, and keeps them until they end.

    A page's messages are taken one after the other, and an answer that is awaited holds up all that come after it:
    clicks, scrolling, Cancel.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()  # the event loop itself does not keep them

    def starting(self, call: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
        """The same for a button: it returns at once."""

        @wraps(call)
        def start(*arguments: Any) -> None:
            task = asyncio.create_task(call(*arguments))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

        return start

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # one that failed is a defect, and must not be silent
