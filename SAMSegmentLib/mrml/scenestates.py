"""A session whose segments come and go with a scene's: that is no step of the user's prompts, and undo leaves it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..session import SegmentationSession

if TYPE_CHECKING:
    from ..segments import Color
    from ..segmentstate import SegmentState


class SceneStates(SegmentationSession):
    """A session on the segments of a scene."""

    def hold(self, state: SegmentState) -> None:
        """Have a segment that the scene has been given, whatever is undone later. Its name must be free."""
        self._history.amend(lambda states: (*states, state))

    def drop(self, name: str) -> SegmentState:
        """Have a segment no more, as the scene has not; also not when steps are undone.

        :returns: what it was.
        :raises InputError: there is no such segment.
        """
        gone = self.state(name)
        self._history.amend(lambda states: tuple(state for state in states if state.name != name))
        return gone

    def recolor(self, name: str, color: Color) -> None:
        """Give a segment another colour."""
        self._history.amend(
            lambda states: tuple(replace(state, color=color) if state.name == name else state for state in states)
        )
