"""A host of a worker process, to be killed: ``python worker_host.py TASK FOLDER``; it prints its worker's number.

Tasks: ``encode`` waits for an encoding that never ends; ``write`` hands over a volume that is never written to its
end; ``fork`` does so with another child that has a copy of all pipes; ``leave`` ends by itself, without a word to the
worker; ``close`` says goodbye while the worker encodes.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Point, PromptSet
from SAMSegmentLib.volume import Volume, Window
from SAMSegmentLib.worker import voxelfile
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings

# Were this module imported by the worker, the test would find it out.
if __name__ != "__main__":
    Path(os.environ["SAMSEGMENT_TEST_FOLDER"], "main-was-imported").touch()


def main() -> None:
    task, folder = sys.argv[1], Path(sys.argv[2])
    engine = WorkerEngine(WorkerSettings(factory="Testing.worker_models:gated", disk_cache=False))
    volume = Volume(np.zeros((40, 64, 64), np.int16), np.eye(4))
    if task in ("write", "fork"):
        _write_for_ever(folder)
    (folder / "hold-encode").touch()
    engine.open_volume(volume, Window(0, 1))
    engine.predict(PromptSet(Orientation.AXIAL, 3, (Point((1, 1, 3)),)))
    wanted = folder / ("writing" if task in ("write", "fork") else "calls")
    while not (wanted.exists() and engine.worker_pid):
        engine.process_events()
        time.sleep(0.005)
    if task == "fork" and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    print(engine.worker_pid, flush=True)  # noqa: T201 - what the test reads
    if task == "leave":
        return
    if task == "close":
        engine.close()
    time.sleep(60)


def _write_for_ever(folder: Path) -> None:
    def write(descriptor: int, data: memoryview) -> None:
        os.write(descriptor, data[:100])
        (folder / "writing").touch()
        time.sleep(60)

    voxelfile._write_all = write


if __name__ == "__main__":
    main()
