"""Long computations in steps, so that something more urgent may be computed between two of them in the same thread.

A computation is a generator that yields where it may be left alone for a while, and returns its result. Left alone, it
keeps what it has computed so far; given up, it forgets it. No thread is needed, and none has to wait for another.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

Result = TypeVar("Result")

Steps = Generator[None, None, Result]


def run_to_end(steps: Steps[Result]) -> Result:
    """Take all steps at once; the result."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result


def each_within(context: Callable[[], AbstractContextManager[object]], steps: Steps[Result]) -> Steps[Result]:
    """The same steps, each within a context of its own, which does not hold for what is computed between them."""
    try:
        while True:
            with context():
                next(steps)
            yield
    except StopIteration as end:
        result: Result = end.value
        return result
