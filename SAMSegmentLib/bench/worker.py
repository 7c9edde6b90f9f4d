"""What the worker process costs: clicks beside the same model in this process, starts, and how the host responds."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import psutil

from ..geometry import Orientation
from ..models.catalogue import catalogue_entry
from ..models.weights import find_weights
from ..prompts import Point, PromptSet
from ..volume import Volume, Window
from ..worker.client import WorkerEngine, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from ..models.interface import PromptableModel
    from ..worker.inprocess import InProcessEngine
    from ..worker.interface import EmbeddingProgress, SliceAnswer

_SIDE = 256
_LENGTHS = (50, 500)
_SLICES_BEFORE_CLICK = 3

# A viewer's timer, and what a user does with it: as many prompts and scrolls as the issue of a frozen viewer shows.
_PUMP_S = 0.005
_LOOK_S = 0.001
_GESTURES = 200


@dataclass(frozen=True)
class Figure:
    """One result.

    :param wanted: what it should not exceed on a machine that does nothing else; None where nothing is promised.
    """

    name: str
    value: float
    unit: str
    wanted: float | None = None


class Probe:
    """A worker process with a clock.

    :param settings: with ``disk_cache`` off, so that nothing is known from an earlier run.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._started = time.perf_counter()
        self.statuses: dict[str, float] = {}
        self.engine = WorkerEngine(settings, show_status=self._note)

    def _note(self, status: str) -> None:
        self.statuses.setdefault(status.partition(" ")[0], self.elapsed())

    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._started

    def click(self, prompts: PromptSet) -> tuple[float, SliceAnswer]:
        """Milliseconds from a click to its mask, and the answer."""
        before = time.perf_counter()
        answer = self.engine.wait(self.engine.predict(prompts))
        return (time.perf_counter() - before) * 1e3, answer


def without_weights(settings: WorkerSettings) -> WorkerSettings:
    """The settings for a model whose weights are not here: random ones, where the model is one of SAM's sizes."""
    entry = catalogue_entry(settings.model)
    if settings.weights is not None or entry.family not in {"sam", "medsam"} or find_weights(entry) is not None:
        return settings
    return replace(settings, factory=f"{__name__}:random_model")


def random_model(name: str, *, weights: Path | None, device: str, precision: str) -> PromptableModel:
    """A model with random weights, as :func:`load_model` makes one with real weights: speed does not depend on them."""
    from ..models.devices import resolve_precision
    from .sam import choose_subject, our_model, stock_network

    subject = choose_subject(name, weights, device, precision)
    target = subject.torch_device
    return our_model(stock_network(subject), target, resolve_precision(precision, target))


def measure_worker(settings: WorkerSettings, runs: int, progress: Callable[[int, int], None]) -> list[Figure]:
    """Measure all; the order of the figures is that of a session.

    :param runs: clicks on an encoded slice; of what takes longer, a tenth.
    :param progress: is given the parts done and their number.
    :raises SAMSegmentError: the model cannot be had, or failed.
    """
    parts: list[Callable[[Probe], list[Figure]]] = [
        _measure_start,
        partial(_measure_clicks, settings=settings, runs=runs),
        *(partial(_measure_jumps, length=length, runs=max(runs // 10, 3)) for length in _LENGTHS),
        _measure_pumps,
        _measure_restart,
    ]
    probe = Probe(settings)
    figures = []
    try:
        for number, part in enumerate(parts, start=1):
            figures += part(probe)
            progress(number, len(parts))
    finally:
        probe.engine.close()
    return figures


def _measure_start(probe: Probe) -> list[Figure]:
    probe.engine.open_volume(_volume(_LENGTHS[0]), _window(0))
    probe.click(_click(0))
    first = probe.elapsed()
    loading, ready = probe.statuses["loading"], probe.statuses[""]
    return [
        Figure("start: process and libraries", loading, "s"),
        Figure("start: model", ready - loading, "s"),
        Figure("start: to the first mask, all in all", first, "s"),
    ]


def _measure_clicks(probe: Probe, *, settings: WorkerSettings, runs: int) -> list[Figure]:
    """The same clicks on one encoded slice in turn: through the process, and in this one."""
    here = _engine_here(settings)
    through, direct = [], []
    for run in range(-2, runs):
        prompts = _click(0, run % _SIDE)
        taken, _ = probe.click(prompts)
        before = time.perf_counter()
        here.predict(prompts).result()
        if run >= 0:  # the first ones encode the slice
            direct.append((time.perf_counter() - before) * 1e3)
            through.append(taken)
    here.close()
    middle, late = (_quantile(through, part) - _quantile(direct, part) for part in (0.5, 0.95))
    return [
        Figure("click, same model in this process, p50", _quantile(direct, 0.5), "ms"),
        Figure("click, same model in this process, p95", _quantile(direct, 0.95), "ms"),
        Figure("click through the worker process, p50", _quantile(through, 0.5), "ms"),
        Figure("click through the worker process, p95", _quantile(through, 0.95), "ms"),
        Figure("what the process adds, p50", middle, "ms", 5),
        Figure("what the process adds, p95", late, "ms", 15),
    ]


def _engine_here(settings: WorkerSettings) -> InProcessEngine:
    import torch

    from ..worker.inprocess import InProcessEngine
    from ..worker.service import model_factory, thread_count

    threads = settings.threads or thread_count()
    if threads:
        torch.set_num_threads(threads)
    make = model_factory(settings.factory)
    model = make(settings.model, weights=settings.weights, device=settings.device, precision=settings.precision)
    return InProcessEngine(model, _volume(1), _window(0))


def _measure_jumps(probe: Probe, *, length: int, runs: int) -> list[Figure]:
    """Clicks on a slice that is not encoded while all are being encoded, each right after another slice was begun.

    Decoding is not counted; a slice's encoding is the median of those that were clicked on.
    """
    volume = _volume(length)
    waits, encodings = [], []
    for run in range(runs):
        # Another window makes other embeddings: nothing of the last run is known.
        probe.engine.open_volume(volume, _window(run + 1))
        encoded: list[EmbeddingProgress] = []
        probe.engine.embed_all(Orientation.AXIAL, 0, length - 1, encoded.append)
        while len(encoded) < _SLICES_BEFORE_CLICK:
            time.sleep(_LOOK_S)
            probe.engine.process_events()
        taken, answer = probe.click(_click(length - 1))
        waits.append(taken - answer.timings.decode_ms)
        encodings.append(answer.timings.encode_ms)
    name, unit = f"click elsewhere while {length} slices are encoded", median(encodings)
    return [
        Figure(f"{name}, p50", median(waits) / unit, "encodings"),
        Figure(f"{name}, max", max(waits) / unit, "encodings", 2.2),
    ]


def _measure_pumps(probe: Probe) -> list[Figure]:
    """The longest time between two rounds of a host's events while it clicks and scrolls and the model computes."""
    engine, length = probe.engine, _LENGTHS[-1]
    engine.open_volume(_volume(length), _window(0))
    engine.embed_all(Orientation.AXIAL, 0, length - 1)
    last = time.perf_counter()
    gaps = []
    newest: Future[SliceAnswer] | None = None
    for gesture in range(_GESTURES):
        engine.focus(Orientation.AXIAL, gesture % length)
        newest = engine.predict(_click(gesture % length), slot="drag")
        time.sleep(_PUMP_S)
        engine.process_events()
        now = time.perf_counter()
        gaps.append((now - last) * 1e3)
        last = now
    if newest is not None:
        engine.wait(newest)
    return [Figure(f"longest gap between a host's rounds of {_PUMP_S * 1e3:.0f} ms", max(gaps), "ms", 50)]


def _measure_restart(probe: Probe) -> list[Figure]:
    pid = probe.engine.worker_pid
    if pid is None:
        return []
    psutil.Process(pid).kill()
    taken, answer = probe.click(_click(0))
    model = probe.statuses[""] - probe.statuses["loading"]
    return [
        Figure(
            "process killed: to the next mask, but for encoding",
            (taken - answer.timings.encode_ms) / 1e3,
            "s",
            5 + model,
        )
    ]


def _volume(length: int) -> Volume:
    """Slices of noise around a disc."""
    rows, columns = np.indices((_SIDE, _SIDE))
    disc = np.where(np.hypot(rows - 120, columns - 130) < 60, 120, 60).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 8, (_SIDE, _SIDE)).astype(np.int16)
    slices = [disc + np.roll(noise, index, axis=0) for index in range(length)]
    return Volume(np.stack(slices), np.diag((0.9, 0.9, 3.0, 1.0)))


def _window(number: int) -> Window:
    return Window(100.0, 200.0 + number)


def _click(index: int, column: int = 130) -> PromptSet:
    return PromptSet(Orientation.AXIAL, index, (Point((column, 120, index)),))


def _quantile(values: list[float], part: float) -> float:
    return float(np.quantile(values, part))
