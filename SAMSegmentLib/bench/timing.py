"""Contestants timed in turn, so that what else the machine does meets all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Timing:
    """How long one contestant took.

    :param speedup: how many times faster than the reference, the median over rounds: a round's quotient is of times
        that were taken right after each other.
    """

    name: str
    median_ms: float
    min_ms: float
    speedup: float


def measure_in_turn(
    contestants: Mapping[str, Callable[[], object]], runs: int, progress: Callable[[int, int], None]
) -> list[Timing]:
    """Time every contestant ``runs`` times in turn, after one round that does not count.

    :param contestants: the first is the reference.
    :param progress: is given the calls done and their number.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    total = len(contestants) * (runs + 1)
    for run in range(runs + 1):
        for place, (name, operation) in enumerate(contestants.items()):
            started = time.perf_counter()
            operation()
            elapsed = (time.perf_counter() - started) * 1e3
            if run > 0:
                times[name].append(elapsed)
            progress(run * len(contestants) + place + 1, total)
    reference = times[next(iter(contestants))]
    return [
        Timing(name, median(own), min(own), median(theirs / mine for theirs, mine in zip(reference, own, strict=True)))
        for name, own in times.items()
    ]
