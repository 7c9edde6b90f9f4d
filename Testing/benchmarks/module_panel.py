"""How long the Slicer module keeps the application from drawing: ``python -m Testing.benchmarks.module_panel``.

The real module, worker process and built-in model on the stand-in host, on a volume of 52 million voxels. What counts
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

SHAPE, RADII = (200, 512, 512), (80, 150, 170)  # k, j, i
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
        self.stage = "start"

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


def _click(host: Any, panel: Any, watch: Stopwatch, what: str, *, first_slice: int) -> None:
    session, view = panel.work.scene_session, host.view("Red")
    watch.stage = f"clicks in {what}"
    for number in range(CLICKS):
        ras = (session.volume.ijk_to_ras @ [SHAPE[2] // 2 + 12 * number, SHAPE[1] // 2, first_slice + number, 1])[:3]
        view.slice_node.JumpSliceByOffsetting(*ras)
        place = view.xy_of_ras(ras)
        watch.run(f"press in a view, {what}", view.press, place)
        view.release(place)
        host.wait_until(lambda: panel.work.engine.state.condition.value == "ready", PATIENCE_S, "the mask")
        host.process_events(100)


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
    panel._timer.connect("timeout()", lambda: watch.run(f"tick of the timer, {watch.stage}", panel.tick))
    node = slicer.util.addVolumeFromArray(ball_with_noise(), name="Large")
    watch.run("choice of the volume", ui.volumeSelector.setCurrentNode, node)
    host.wait_until(lambda: "Ready" in ui.engineStateLabel.text, PATIENCE_S, "the engine")
    session = panel.work.scene_session
    _click(host, panel, watch, "a small segment", first_slice=100)
    watch.run("undo of a click", session.undo)
    watch.stage = "propagation"
    from SAMSegmentPanel.export_reading import SegmentReading

    ui.propagateButton.click()
    host.wait_until(lambda: "Done" in ui.propagationProgressBar.format, PATIENCE_S, "propagation")
    _click(host, panel, watch, "a large segment", first_slice=80)
    for _ in range(CLICKS):
        watch.run("undo of a click in a large segment", session.undo)
    reading = SegmentReading(session)
    while not watch.run("step of reading masks for export", reading.step):
        pass
    reading.close()
    watch.run("undo of a propagation", session.undo)
    host.close()
    watch.report()


if __name__ == "__main__":
    main()
