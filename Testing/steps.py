"""Computations in steps, as tests make and watch them."""

from collections.abc import Callable
from typing import TypeVar

from SAMSegmentLib.models.steps import Steps

Given = TypeVar("Given")
Result = TypeVar("Result")


def in_one_step(compute: Callable[[Given], Result]) -> Callable[[Given], Steps[Result]]:
    """A function as one that computes in steps."""

    def steps(given: Given) -> Steps[Result]:
        yield
        return compute(given)

    return steps


def meanwhile(steps: Steps[Result], act: Callable[[], object] = lambda: None) -> tuple[Result, int]:
    """The result of steps with something done after each but the last, and how often it was done."""
    times = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, times
        act()
        times += 1
