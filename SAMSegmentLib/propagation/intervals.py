"""Which slices are reached from which key slice."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from ..geometry import slice_axis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..volume import Volume
    from .request import Interval, PropagationRequest


@dataclass(frozen=True)
class Run:
    """Slices in the order in which they are reached from one key slice."""

    key: int
    indices: tuple[int, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The key slices that it starts from."""
        return (self.key,)


@dataclass(frozen=True)
class Between:
    """The slices between two key slices, ascending; each is reached from both."""

    low: int
    high: int
    indices: range

    @property
    def keys(self) -> tuple[int, ...]:
        """The key slices that it starts from."""
        return self.low, self.high


def intervals(keys: Iterable[int]) -> list[Interval]:
    """What lies below, between and above key slices."""
    ordered = sorted(keys)
    if not ordered:
        return []
    return [(None, ordered[0]), *pairwise(ordered), (ordered[-1], None)]


def plan(volume: Volume, request: PropagationRequest) -> list[Run | Between]:
    """The work in its order: below the lowest key slice, between neighbouring ones, above the highest.

    Key slices out of the range are not started from.
    """
    work: list[Run | Between] = []
    for interval in intervals(key for key in request.key_masks if request.first <= key <= request.last):
        if request.intervals is None or interval in request.intervals:
            work += _within(volume, request, interval)
    return work


def _within(volume: Volume, request: PropagationRequest, interval: Interval) -> list[Run | Between]:
    low, high = interval
    if low is None or high is None:
        ends = ((low, range((low or 0) + 1, request.last + 1)), (high, range((high or 0) - 1, request.first - 1, -1)))
        return [_run(volume, request, key, indices) for key, indices in ends if key is not None]
    between = range(low + 1, high)
    is_there = {key: bool(request.key_masks[key].any()) for key in (low, high)}
    if not all(is_there.values()):
        # An empty key slice says that the segment ends before it.
        towards = ((low, between), (high, reversed(between)))
        return [_run(volume, request, key, indices) for key, indices in towards if is_there[key]]
    middle_mm = (high - low) // 2 * _thickness(volume, request)
    is_near = request.farthest_mm is None or middle_mm <= request.farthest_mm
    if is_near and not any(stop in between for stop in request.stops):
        return [Between(low, high, between)]
    # A stop, or too wide a gap, makes two ends of it.
    return [_run(volume, request, low, between), _run(volume, request, high, reversed(between))]


def _run(volume: Volume, request: PropagationRequest, key: int, indices: Iterable[int]) -> Run:
    thickness = _thickness(volume, request)

    def is_free(index: int) -> bool:
        is_near = request.farthest_mm is None or abs(index - key) * thickness <= request.farthest_mm
        return is_near and index not in request.stops

    return Run(key, tuple(takewhile(is_free, indices)))


def _thickness(volume: Volume, request: PropagationRequest) -> float:
    return volume.spacing[slice_axis(volume, request.orientation)]
