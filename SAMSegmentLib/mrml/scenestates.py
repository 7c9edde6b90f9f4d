"""A session whose segments come and go with a scene's: that is no step of the user's prompts, and undo leaves it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..session import SegmentationSession

if TYPE_CHECKING:
    from ..segments import Color
    from ..segmentstate import SegmentState


@dataclass(frozen=True)
class DroppedSegment:
    """A segment that a session has no more, as it was in each of the history's states.

    :param now: which of them was the current one.
    :param write: the number of its last write, see :class:`.writer.SegmentWriter`.
    """

    states: tuple[SegmentState, ...]
    now: int
    write: int

    def at(self, number: int, now: int) -> SegmentState:
        """What it is in a state of the history into which it comes back, of which ``now`` is the current one.

        Steps that were taken while it was gone are not its own.
        """
        is_own = min(number, now) <= self.now and number < len(self.states)
        return self.states[number if is_own else self.now]

    def is_it(self, write: int | None) -> bool:
        """Whether a segment of the same id that has come is this one, by the number of its last write if it has one."""
        # Removing a segment that shares its voxels' memory with others can count as a write, which is undone, too.
        return write is not None and write <= self.write


class SceneStates(SegmentationSession):
    """A session on the segments of a scene."""

    def hold(self, state: SegmentState) -> None:
        """Have a segment that the scene has been given, whatever is undone later. Its name must be free."""
        self._history.amend(lambda states: (*states, state))

    def drop(self, name: str, write: int) -> DroppedSegment:
        """Have a segment no more, as the scene has not; also not when steps are undone.

        :param write: the number of its last write.
        :returns: what it was, for :meth:`hold_again`.
        :raises InputError: there is no such segment.
        """
        self.state(name)
        found = [state for states in self._history.states for state in states if state.name == name]
        self._history.amend(lambda states: tuple(state for state in states if state.name != name))
        return DroppedSegment(tuple(found), self._history.position, write)

    def hold_again(self, name: str, dropped: DroppedSegment) -> None:
        """Have a segment back that was dropped, with its part in the steps that can be undone. Its name must be free.

        :param name: that it has now.
        """
        now = self._history.position
        self._history.replace(
            [
                (*states, replace(dropped.at(number, now), name=name))
                for number, states in enumerate(self._history.states)
            ]
        )

    def recolor(self, name: str, color: Color) -> None:
        """Give a segment another colour."""
        self._history.amend(
            lambda states: tuple(replace(state, color=color) if state.name == name else state for state in states)
        )
