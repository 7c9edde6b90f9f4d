"""A worker process for tests: an engine on a volume, the folder that its model looks into, and patience."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pytest

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Point, PromptSet
from SAMSegmentLib.volume import Volume
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings
from Testing.generated import volume_of
from Testing.sessions import WINDOW
from Testing.worker_models import FOLDER_VARIABLE

# A process start takes 2.5 s on an idle machine; a loaded one may take ten times as long.
PATIENCE_S = 60.0

# Messages take a millisecond; there is no way to see from outside that they were read.
_SECONDS_TO_ARRIVE = 0.2


def worker_processes() -> list[psutil.Process]:
    """The worker processes of this test process; the browser of other tests may be its child, too."""
    return [child for child in psutil.Process().children(recursive=True) if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return any("SAMSegmentLib" in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


class Bench:
    """An engine with a model of ``Testing.worker_models``, what it told, and the model's folder."""

    def __init__(self, engine: WorkerEngine, folder: Path, told: list[str]) -> None:
        self.engine = engine
        self.folder = folder
        self.told = told

    def calls(self, what: str = "") -> list[str]:
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(what)]

    def encoded(self) -> list[int]:
        """The slices that the model was asked to encode so far, in that order."""
        return [int(line.split()[1]) for line in self.calls("encode")]

    def forget_calls(self) -> None:
        (self.folder / "calls").unlink(missing_ok=True)

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """The model waits within its next "encode" or "decode"; what is asked meanwhile has arrived when it goes on."""
        gate = self.folder / f"hold-{what}"
        gate.touch()
        try:
            yield
            time.sleep(_SECONDS_TO_ARRIVE)
        finally:
            gate.unlink()

    def wait_for(self, condition: Callable[[], object]) -> None:
        wait_for(condition, self.engine.process_events)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send the worker process a signal; its number."""
        pid = self.engine.worker_pid
        assert pid is not None
        os.kill(pid, number)
        return pid


def wait_for(condition: Callable[[], object], meanwhile: Callable[[], None] = lambda: None) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"still waiting after {PATIENCE_S:.0f} s")
        meanwhile()
        time.sleep(0.002)


@contextmanager
def worker_on(volume: Volume, model: str, **settings: object) -> Iterator[Bench]:
    """A worker with a model of ``Testing.worker_models``, or of another module, on a volume."""
    told: list[str] = []
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, folder)
        chosen = WorkerSettings(
            factory=model if ":" in model else f"Testing.worker_models:{model}", disk_cache=False, **settings
        )
        engine = WorkerEngine(chosen, tell=told.append)
        try:
            engine.open_volume(volume, WINDOW)
            yield Bench(engine, Path(folder), told)
        finally:
            engine.close()


def numbered_volume(slices: int = 60, side: int = 12) -> Volume:
    """Axial slice k is k everywhere, so that a model can tell which slice it sees; 130 and more is bright."""
    return volume_of(np.broadcast_to(np.arange(slices, dtype=np.uint8)[:, None, None], (slices, side, side)).copy())


def click(index: int, column: int = 3, *, positive: bool = True) -> PromptSet:
    return PromptSet(Orientation.AXIAL, index, (Point((column, 4, index), positive),))


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
