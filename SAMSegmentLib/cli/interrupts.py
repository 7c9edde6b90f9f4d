"""Ctrl+C during work that keeps what it has."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Interruption:
    """Whether the user has asked to stop."""

    noticed: bool = False


@contextmanager
def interrupts_noticed() -> Iterator[Interruption]:
    """Within the block Ctrl+C only asks the work to stop; a second one stops the command."""
    interruption = Interruption()

    def notice(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interruption.noticed = True
        if sys.stderr.isatty():
            # A large model may be at its slice for a minute.
            print("\nStopping after this slice; Ctrl+C again stops at once.", file=sys.stderr)  # noqa: T201 - for people

    previous = signal.signal(signal.SIGINT, notice)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, previous)
