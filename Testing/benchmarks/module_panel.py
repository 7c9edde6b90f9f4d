"""How long the Slicer module keeps the application from drawing: ``python -m Testing.benchmarks.module_panel``.

The real module, worker process and built-in model on the stand-in host, on a volume of 24 million voxels. What counts
is the longest time that one event takes: a press in a view, a tick of the panel's timer, the choice of a volume. On a
machine that others use, too, the time on the clock holds their share; the processor time of the thread does not.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from Testing.paths import REPOSITORY

SHAPE, RADII = (160, 384, 384), (60, 80, 100)  # k, j, i
CLICKS = 6
PATIENCE_S = 300.0


def ball_with_noise() -> np.ndarray:
    grids = np.ogrid[tuple(slice(count) for count in SHAPE)]
    squares = [((grid - count / 2) / radius) ** 2 for grid, count, radius in zip(grids, SHAPE, RADII, strict=True)]
    noise = np.random.default_rng(0).normal(0, 8, SHAPE)
    return (40 + 100 * (sum(squares) < 1) + noise).astype(np.int16)


class Stopwatch:
    """Milliseconds of each call on the clock and of the thread, by what was called."""

    def __init__(self) -> None:
        self.times: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def run(self, name: str, action: Callable[..., Any], *values: Any) -> Any:
        began, used = time.perf_counter(), time.thread_time()
        try:
            return action(*values)
        finally:
            self.times[name].append((1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - used)))

    def report(self) -> None:
        print("| event | times | longest, clock ms | longest, thread ms | median, thread ms |\n|---|---|---|---|---|")
        for name, times in self.times.items():
            clock, thread = zip(*times, strict=True)
            print(f"| {name} | {len(times)} | {max(clock):.1f} | {max(thread):.1f} | {np.median(thread):.1f} |")


def measure_import() -> None:
    began = time.perf_counter()
    sys.path.insert(0, str(REPOSITORY / "SAMSegment"))
    import SAMSegment  # noqa: F401

    print(f"import SAMSegment: {time.perf_counter() - began:.3f} s")


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import slicer

    from Testing.host.host import Host

    host, watch = Host(), Stopwatch()
    measure_import()
    widget = host.load_module(REPOSITORY / "SAMSegment" / "SAMSegment.py")
    host.enter("SAMSegment")
    panel, ui = widget.panel, widget.ui
    panel._timer.disconnect("timeout()", panel.tick)
    panel._timer.connect("timeout()", lambda: watch.run("tick of the timer", panel.tick))
    node = slicer.util.addVolumeFromArray(ball_with_noise(), name="Large")
    watch.run("choice of the volume", ui.volumeSelector.setCurrentNode, node)
    host.wait_until(lambda: "Ready" in ui.engineStateLabel.text, PATIENCE_S, "the engine")
    session, view = panel.work.scene_session, host.view("Red")
    for number in range(CLICKS):
        ras = (session.volume.ijk_to_ras @ [190 + 12 * number, 190, 80 + number, 1])[:3]
        view.slice_node.JumpSliceByOffsetting(*ras)
        place = view.xy_of_ras(ras)
        watch.run("press in a view", view.press, place)
        view.release(place)
        host.wait_until(lambda: panel.work.engine.state.condition.value == "ready", PATIENCE_S, "the mask")
        host.process_events(100)
    watch.run("undo of a click", panel.work.scene_session.undo)
    ui.propagateButton.click()
    host.wait_until(lambda: "Done" in ui.propagationProgressBar.format, PATIENCE_S, "propagation")
    watch.run("masks for export", session.segments)
    watch.run("undo of a propagation", session.undo)
    host.close()
    watch.report()


if __name__ == "__main__":
    main()
