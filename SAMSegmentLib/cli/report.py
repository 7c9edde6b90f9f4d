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


def print_status(text: str) -> None:
    """What the user waits for, on stderr and at once."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command's voice


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for work that takes long; nothing is shown when stderr is no terminal.

    Yields a function that takes the number done and the total.

    :param unit: of what is counted; "B" is shown as kB, MB and so on.
    """
    from tqdm import tqdm

    # Work of less than half a second needs no bar.
    with tqdm(desc=title, unit=unit, unit_scale=unit == "B", leave=False, delay=0.5, disable=None) as bar:

        def update(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield update


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being waited for; nothing is shown when stderr is no terminal.

    Yields a function that takes the text, "" for none.
    """
    from tqdm import tqdm

    with tqdm(bar_format="{desc}", leave=False, disable=None) as line:
        yield lambda text: line.set_description_str(f"{text.capitalize()} ..." if text else "")


def size_text(count: int) -> str:
    """A number of bytes for people, in powers of ten: ``4.3 GB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def table(rows: list[list[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
