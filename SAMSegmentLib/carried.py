"""How a segment is to be carried through the volume, and how far that has come.

What lies between two neighbouring key slices is an interval, as is what lies beyond the outermost ones. Its masks
depend on its own key slices and on the settings alone, so each interval is kept, dropped and made again by itself. With
a second pass (``smooth``) every slice depends on all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .errors import InputError
from .propagation import intervals

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from .geometry import Orientation
    from .propagation import Interval


_FARTHEST_MM = 1_000_000  # longer than any volume


@dataclass(frozen=True)
class Propagation:
    """How a segment is carried through the volume; a saved session can do it again.

    :param first: lowest slice index to reach; None is the volume's end.
    :param last: highest slice index to reach, inclusive; None is the volume's end.
    :param only: the slices that were handed over before it was cancelled, in their order; None when it ran to its end.
    :param stops: slices that the segment does not reach, in any order.
    :param farthest_mm: distance from the nearest key slice beyond which no slice is reached; None for none.
    :param smooth: whether a second pass looks at the segment from the other two sides.
    :param connected: whether pieces that do not hang together with an interval's key slices, in 3D, are dropped.
    :param fill_holes: whether cavities within an interval are filled, in 3D.
    :param intervals: those to make, whatever is there; None for all that are missing.
    :raises InputError: the distance is not above 0.
    """

    orientation: Orientation
    first: int | None = None
    last: int | None = None
    only: tuple[int, ...] | None = None
    stops: tuple[int, ...] = ()
    farthest_mm: float | None = None
    smooth: bool = False
    connected: bool = False
    fill_holes: bool = False
    intervals: tuple[Interval, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "stops", tuple(sorted(set(self.stops))))
        if self.farthest_mm is not None and not 0 < self.farthest_mm <= _FARTHEST_MM:
            raise InputError(
                f"The farthest distance to propagate is above 0 and at most {_FARTHEST_MM} mm, not {self.farthest_mm}."
            )

    @property
    def settings(self) -> Propagation:
        """What the masks depend on besides the key slices."""
        return replace(self, only=None, intervals=None)

    def reaches(self, index: int) -> bool:
        """Whether a slice lies within the range."""
        return (self.first is None or self.first <= index) and (self.last is None or index <= self.last)


def contains(interval: Interval, index: int) -> bool:
    """Whether a slice lies between an interval's key slices."""
    low, high = interval
    return (low is None or low < index) and (high is None or index < high)


@dataclass(frozen=True)
class Carried:
    """What propagation has made of a segment in one orientation.

    :param settings: see :attr:`Propagation.settings`.
    :param finished: intervals of which everything is there, ascending.
    :param begun: intervals of a run that goes on or was cancelled, in their order. Without a second pass the first of
        them is made in part, and the others are not.
    :param handed_over: slices of ``begun`` in the order in which they came.
    :param run: stands for the run that goes on; None when none does.
    """

    settings: Propagation
    finished: tuple[Interval, ...]
    begun: tuple[Interval, ...] = ()
    handed_over: tuple[int, ...] = ()
    run: object | None = None

    def awaits(self, index: int) -> bool:
        """Whether the run that goes on may reach a slice."""
        return any(contains(interval, index) for interval in self.begun)

    def made(self, index: int) -> bool:
        """Whether a slice lies in an interval that is there, if only in part."""
        return any(contains(interval, index) for interval in (*self.finished, *self.begun))

    def reached(self, index: int) -> Carried:
        """A copy that knows of one slice more; it lies within ``begun``."""
        number = next(number for number, interval in enumerate(self.begun) if contains(interval, index))
        if self.settings.smooth or number == 0:
            return replace(self, handed_over=(*self.handed_over, index))
        # A run goes from interval to interval: those before this one are done.
        finished = _ascending((*self.finished, *self.begun[:number]))
        return replace(self, finished=finished, begun=self.begun[number:], handed_over=(index,))

    def ended(self, *, complete: bool) -> Carried | None:
        """A copy without the run, None when nothing is left of it.

        :param complete: whether it ran to its end; else its last interval is there in part.
        """
        if complete:
            return Carried(self.settings, _ascending((*self.finished, *self.begun)))
        return self._without_run(self.finished, self._in_part())

    def within(self, kept: Container[Interval]) -> Carried | None:
        """A copy after key slices have changed, None when nothing is left of it.

        :param kept: the intervals whose key slices are what they were.
        """
        if self.settings.smooth:
            return None
        finished = tuple(interval for interval in self.finished if interval in kept)
        return self._without_run(finished, tuple(interval for interval in self._in_part() if interval in kept))

    def _in_part(self) -> tuple[Interval, ...]:
        if not self.handed_over:
            return ()
        return self.begun if self.settings.smooth else self.begun[:1]

    def _without_run(self, finished: tuple[Interval, ...], begun: tuple[Interval, ...]) -> Carried | None:
        if not (finished or begun):
            return None
        return Carried(self.settings, finished, begun, self.handed_over if begun else ())

    def missing(self, every: Iterable[Interval]) -> tuple[Interval, ...]:
        """Those of all intervals that have to be made."""
        every = tuple(every)
        left = tuple(interval for interval in every if interval not in self.finished)
        return every if left and self.settings.smooth else left

    def propagations(self, keys: Iterable[int]) -> tuple[Propagation, ...]:
        """What makes the same again.

        :param keys: the key slices.
        """
        every = tuple(intervals(key for key in keys if self.settings.reaches(key)))

        def made(part: tuple[Interval, ...], only: tuple[int, ...] | None) -> Propagation:
            return replace(self.settings, intervals=None if part == every else part, only=only)

        whole = (made(self.finished, None),) if self.finished else ()
        in_part = self._in_part()
        return (*whole, made(in_part, self.handed_over)) if in_part else whole


def _ascending(several: Iterable[Interval]) -> tuple[Interval, ...]:
    # The outside below has no lower key slice, and comes first.
    return tuple(sorted(several, key=lambda interval: (interval[0] is not None, interval[0] or 0)))
