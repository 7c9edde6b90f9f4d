"""How soon a cancelled propagation gives control back, with a worker process, and what is left of it.

Run: ``python -m Testing.benchmarks.propagation_cancel [--runs N] [--model NAME]``. A ball of 97 slices is propagated
from its middle and cancelled later and later, without and with a second pass.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Box
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.volume import Volume, Window
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings

if TYPE_CHECKING:
    from SAMSegmentLib.propagation import PropagatedSlice

_SIDE, _RADIUS = 120, 48
_MIDDLE = _SIDE // 2
AXIAL = Orientation.AXIAL


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--model", default="builtin")
    options = parser.parse_args()
    engine = WorkerEngine(WorkerSettings(model=options.model, disk_cache=False))
    try:
        for smooth in (False, True):
            _measure(engine, smooth, options.runs)
    finally:
        engine.close()


def _measure(engine: WorkerEngine, smooth: bool, runs: int) -> None:
    volume = _ball()
    window = Window(128, 256)
    engine.open_volume(volume, window)
    session = SegmentationSession(volume, engine)
    session.add_segment("ball")
    low, high = _MIDDLE - _RADIUS, _MIDDLE + _RADIUS
    engine.wait(session.add_box("ball", Box((low, low, _MIDDLE), (high, high, _MIDDLE)), AXIAL))
    started = time.perf_counter()
    engine.wait(session.propagate("ball", Propagation(AXIAL, smooth=smooth)))  # encodes all slices
    whole = time.perf_counter() - started
    returned, answered, lost = [], [], 0
    for run in range(runs):
        session.undo()
        kept: list[PropagatedSlice] = []
        future = session.propagate("ball", Propagation(AXIAL, smooth=smooth), kept.append)
        until = time.perf_counter() + whole * (run + 0.5) / runs
        while time.perf_counter() < until and not future.done():
            engine.process_events()
            time.sleep(0.001)
        began = time.perf_counter()
        future.cancel()
        with suppress(CancelledError):
            engine.wait(future)
        returned.append(time.perf_counter() - began)
        engine.wait(session.preview(session.prompts("ball", (AXIAL, _MIDDLE))))
        answered.append(time.perf_counter() - began)
        state = session.state("ball")
        newest = {item.plane.index: item.mask for item in kept}
        lost += sum(
            (AXIAL, index) not in state.masks or not np.array_equal(state.masks[AXIAL, index].unpack(), mask)
            for index, mask in newest.items()
        )
    print(
        f"{'with' if smooth else 'without'} a second pass, {whole:.1f} s in all, cancelled {runs} times: "
        f"control back after {_worst(returned)}, the next click answered after {_worst(answered)}; "
        f"slices handed over and not kept: {lost}"
    )


def _worst(seconds: list[float]) -> str:
    return f"{median(seconds) * 1e3:.0f} ms (worst {max(seconds) * 1e3:.0f})"


def _ball() -> Volume:
    distance = np.sqrt(((np.indices((_SIDE,) * 3) - _MIDDLE) ** 2).sum(axis=0))
    noise = np.random.default_rng(0).normal(0, 8, distance.shape)
    return Volume(np.clip(np.where(distance <= _RADIUS, 180, 70) + noise, 0, 255).astype(np.uint8), np.eye(4))


if __name__ == "__main__":
    main()
