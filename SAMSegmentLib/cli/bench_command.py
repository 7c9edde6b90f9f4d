"""``samsegment bench encode`` and ``decode``: speed beside segment_anything's own code in the same run."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EngineError
from .report import print_json, print_line, print_notes, progress_bar, size_text, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..bench.sam import Subject
    from ..bench.timing import Timing

# Of the processors: from here on other programs take a share that shows.
_BUSY = 0.2


@dataclass(frozen=True)
class BenchOptions:
    """The options of ``samsegment bench encode`` and ``decode`` as the user gave them."""

    model: str
    weights: Path | None
    device: str
    precision: str
    runs: int
    memory: bool
    json: bool


def run_bench_encode(options: BenchOptions) -> None:
    """Measure time and memory of encoding a slice, and print them.

    :raises SAMSegmentError: with the exit code that the command line promises.
    """
    subject, notes = _begin(options)
    from ..bench.encode import encoders, measure_encoders
    from ..bench.peak import peak_bytes

    peaks: dict[str, int] = {}
    with _model_failures_named(options.model):
        with progress_bar("Encoding", "slice") as update:
            timings = measure_encoders(subject, options.precision, options.runs, update)
        contestants = encoders(subject, options.precision) if options.memory else {}
        with progress_bar("Measuring memory", "process") as update:
            for title, contestant in contestants.items():
                peaks[title] = peak_bytes(subject, contestant)
                update(len(peaks), len(contestants))
    _report(options, subject, _Measured("encode", timings, peaks), notes)


def run_bench_decode(options: BenchOptions) -> None:
    """Measure the time of one click on an encoded slice, and print it.

    :raises SAMSegmentError: with the exit code that the command line promises.
    """
    subject, notes = _begin(options)
    from ..bench.decode import measure_decoders

    with _model_failures_named(options.model), progress_bar("Decoding", "click") as update:
        timings = measure_decoders(subject, options.runs, update)
    _report(options, subject, _Measured("decode", timings, {}), notes)


def _begin(options: BenchOptions) -> tuple[Subject, list[str]]:
    """Understand the options, and look how busy the machine is before we are busy ourselves."""
    import psutil

    busy = psutil.getloadavg()[0]
    from ..bench.sam import choose_subject

    subject = choose_subject(options.model, options.weights, options.device, options.precision)
    cores = os.cpu_count() or 1
    notes = []
    if busy > _BUSY * cores:
        notes.append(
            f"Other programs keep this machine busy (load {busy:.1f} on {cores} processors): close them for times that "
            "can be compared; even the quotients are less sure."
        )
    if subject.weights is None:
        notes.append(f"The weights of {options.model} are not here: random ones were used, which are as fast.")
    return subject, notes


@contextmanager
def _model_failures_named(model: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what torch raises, out of device memory included
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise EngineError(f"The model {model} failed ({reason}); try --device cpu or a smaller model.") from error


@dataclass(frozen=True)
class _Measured:
    what: str
    timings: list[Timing]
    peaks: dict[str, int]  # bytes by the contestant's name; empty where memory was not measured


def _report(options: BenchOptions, subject: Subject, measured: _Measured, notes: list[str]) -> None:
    from ..bench.sam import surroundings

    around = surroundings(subject)
    if options.json:
        about = {
            "what": measured.what,
            "model": options.model,
            "weights": "random" if subject.weights is None else str(subject.weights),
            "runs": options.runs,
        }
        results = [_row(item, measured.peaks) for item in measured.timings]
        print_json(about | around | {"results": results, "notes": notes})
        return
    for line in table(_table_rows(measured)):
        print_line(line)
    print_line(
        f"{options.model}, {options.runs} runs in turn on {around['device']}, {around['threads']} threads, "
        f"torch {around['torch']}."
    )
    print_notes(notes)


def _table_rows(measured: _Measured) -> list[list[str]]:
    rows = [[measured.what, "median ms", "min ms", "times faster"]]
    rows += [
        [item.name, f"{item.median_ms:.1f}", f"{item.min_ms:.1f}", f"{item.speedup:.2f}"] for item in measured.timings
    ]
    if measured.peaks:
        rows[0].append("peak memory")
        for row in rows[1:]:
            row.append(size_text(measured.peaks[row[0]]))
    return rows


def _row(timing: Timing, peaks: dict[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {key: round(value, 3) for key, value in asdict(timing).items() if key != "name"}
    return {"name": timing.name, **row, "peak_bytes": peaks.get(timing.name)}
