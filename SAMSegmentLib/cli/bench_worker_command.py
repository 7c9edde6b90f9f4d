"""``samsegment bench worker``: what the worker process adds to a click, and whether the host stays responsive."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..worker.launch import ENVIRONMENT
from .report import print_json, print_line, print_notes, progress_bar, table

if TYPE_CHECKING:
    from pathlib import Path


def run_bench_worker(model: str, weights: Path | None, device: str, runs: int, *, as_json: bool) -> None:
    """Measure and print.

    :raises SAMSegmentError: with the exit code that the command line promises.
    """
    # The model in this process is to compute as the one in the worker does; torch looks when it is imported.
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from ..bench.worker import measure_worker, without_weights
    from ..worker.client import WorkerSettings

    asked = WorkerSettings(model=model, weights=weights, device=device, disk_cache=False)
    settings = without_weights(asked)
    notes = []
    if settings is not asked:
        notes.append(f"The weights of {model} are not here: random ones were used, which are as fast.")
    with progress_bar("Measuring", "part") as update:
        figures = measure_worker(settings, runs, update)
    if as_json:
        print_json({"model": model, "runs": runs, "results": [asdict(figure) for figure in figures], "notes": notes})
        return
    rows = [[f"{model}, {runs} clicks", "measured", "at most"]]
    for figure in figures:
        wanted = "" if figure.wanted is None else f"{figure.wanted:.1f} {figure.unit}"
        rows.append([figure.name, f"{figure.value:.1f} {figure.unit}", wanted])
    for line in table(rows):
        print_line(line)
    print_notes(notes)
