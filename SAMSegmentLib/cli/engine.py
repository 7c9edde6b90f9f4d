"""The worker process of one command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..worker.client import WorkerEngine
from .report import status_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..worker.client import WorkerSettings


@contextmanager
def running_engine(settings: WorkerSettings, tell: Callable[[str], None]) -> Iterator[WorkerEngine]:
    """An engine that is starting while the block goes on with other things, and is closed when the block ends.

    :param tell: is given sentences for the user.
    """
    with status_line() as show:
        engine = WorkerEngine(settings, tell=tell, show_status=show)
        engine.start()
        try:
            yield engine
        finally:
            engine.close()
