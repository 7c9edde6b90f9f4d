"""What both kinds of ``samsegment evaluate`` do alike: gather records until the end or Ctrl+C, and save figures."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..io.atomic import atomic_path
from .report import print_notes, progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

AnyRecord = TypeVar("AnyRecord")


@dataclass
class EvaluationRun(Generic[AnyRecord]):
    """What a run gathers on its way.

    :param unit: what is evaluated one after the other, in the singular.
    :param total: how many of them there are.
    """

    unit: str
    total: int
    records: list[AnyRecord] = field(default_factory=list)
    done: int = 0

    def gather(self, batches: Iterable[list[AnyRecord]], doing: str) -> None:
        """Take the records of one unit after the other; Ctrl+C ends it, is told, and keeps what there is.

        :param doing: for the progress bar.
        """
        interrupted = False
        with progress_bar(doing, self.unit) as update:
            try:
                for records in batches:
                    self.records += records
                    self.done += 1
                    update(self.done, self.total)
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            print_notes(
                [f"Stopped by Ctrl+C after {self.done} of {self.total} {self.unit}s; the figures are of these."]
            )


def save_json(path: Path, figures: dict[str, Any]) -> None:
    """Save figures, completely or not at all.

    :raises OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
