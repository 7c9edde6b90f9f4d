"""Prompts that a viewer left behind which did not end in good order."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.autosave import recoverable
from SAMSegmentLib.errors import SAMSegmentError

from .replay import replay
from .state import OpeningState

if TYPE_CHECKING:
    from trame_server.state import State

    from SAMSegmentLib.autosave import Recovery
    from SAMSegmentLib.volume import Volume

    from .work import Work


class RecoveryControl:
    """Offers to do again what was done on the volume that is open."""

    def __init__(self, state: State, work: Work) -> None:
        self.messages = work.messages
        self._state = state
        self._work = work
        self._data = TypedState(state, OpeningState).data
        self._found: Recovery | None = None
        self._search: asyncio.Task[None] | None = None

    def show_volume(self) -> None:
        """Look whether there is something for the volume that was opened, beside the page."""
        self._found, self._data.is_recovery_shown = None, False
        if self._work.opened is not None:
            self._search = asyncio.create_task(self._look(self._work.opened.volume))

    async def restore(self) -> None:
        """Do again what was found, and forget it."""
        found, self._found = self._found, None
        self._data.is_recovery_shown = False
        if found is None:
            return
        self._state.flush()
        try:
            difference = await replay(self._work, found.saved)
        except SAMSegmentError as error:
            self.messages.fail(str(error))
            return
        if difference is None:
            self.messages.tell("Not all prompts were done again; they are offered when this image is opened next.")
            return
        found.discard()
        self.messages.tell(f"The prompts are done again. {difference}".strip())

    def discard(self) -> None:
        """Remove what was found."""
        found, self._found = self._found, None
        self._data.is_recovery_shown = False
        if found is not None:
            found.discard()

    async def _look(self, volume: Volume) -> None:
        found = [item for item in await asyncio.to_thread(recoverable, volume) if _holds_something(item)]
        if not found or self._work.opened is None or self._work.opened.volume is not volume:
            return
        self._found = found[0]
        saved_at = time.strftime("%Y-%m-%d %H:%M", time.localtime(found[0].saved_at))
        names = ", ".join(segment.name for segment in found[0].saved.segments)
        with self._state:
            self._data.recovery = f"It left prompts on this image, last changed at {saved_at}: {names}."
            self._data.is_discard_asked = False
            self._data.is_recovery_shown = True


def _holds_something(recovery: Recovery) -> bool:
    return any(segment.prompts or segment.accepted or segment.outdated for segment in recovery.saved.segments)
