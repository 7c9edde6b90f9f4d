"""``samsegment bench cache``: what an embedding costs that is kept."""

from __future__ import annotations

from dataclasses import asdict

from ..bench.cache import BYTES_PER_SLICE, OPERATIONS, measure_cache
from .report import print_json, print_line, progress_bar, table


def run_bench_cache(runs: int, *, as_json: bool) -> None:
    """Measure and print.

    :raises OutputError: the system's temporary folder cannot be written.
    """
    with progress_bar("Measuring", "run") as update:
        timings = measure_cache(runs, update)
    if as_json:
        print_json({"bytes_per_slice": BYTES_PER_SLICE, "runs": runs, "results": [asdict(item) for item in timings]})
        return
    rows = [["one slice of Segment Anything (2 MiB)", "median ms", "min ms", "max ms"]]
    for item in timings:
        figures = [f"{value:.3f}" for value in (item.median_ms, item.min_ms, item.max_ms)]
        rows.append([OPERATIONS[item.operation], *figures])
    for line in table(rows):
        print_line(line)
