"""What commands say: notes and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def print_json(data: Any) -> None:
    """Machine-readable results, on stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False))  # noqa: T201 - the command's result


def print_line(text: str = "") -> None:
    """One line of the result, on stdout."""
    print(text)  # noqa: T201 - the command's result


def print_notes(notes: Iterable[str]) -> None:
    """What the user should know, on stderr."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)  # noqa: T201 - the command's voice


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for work that takes long; nothing is shown when stderr is no terminal.

    Yields a function that takes the number done and the total.
    """
    from tqdm import tqdm

    # Work of less than half a second needs no bar.
    with tqdm(desc=title, unit=unit, leave=False, delay=0.5, disable=None) as bar:

        def update(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield update


def table(rows: list[list[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
