"""The host's end of the worker process: started, fed and listened to by threads, so that the host's own never waits."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ..errors import EngineError
from .channel import ChannelError, MessageReader, MessageWriter
from .messages import Announce, Log, OpenVolume, ToHost
from .voxelfile import candidate_paths, remove_voxels, write_voxels
from .wire import failed_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..volume import Volume, Window
    from .messages import ToWorker

_LINES_KEPT = 20
# A worker that was told to stop, or whose pipe is closed, ends at once; one that was stopped by a signal never does.
_SECONDS_TO_END = 2.0

_LONGEST_LINE = 4096  # a progress bar may never end its line
# The last lines of a process come through a pipe of their own, which some child of it may keep open.
_SECONDS_FOR_LAST_LINES = 1.0

# Threads that wait for each other soon sleep instead of spinning (GNU OpenMP, part of torch on Linux). On two cores
# that other programs use, too, spinning makes a click take 0.2 to 2 s instead of 30 ms; an idle machine shows no
# difference (docs/benchmarks.md). Who sets a number himself is obeyed.
ENVIRONMENT = {"GOMP_SPINCOUNT": "1000"}

# The current folder, from which a file named like a library would be imported, leaves the path; the package's own
# folder is on it, behind the standard library where it was there already.
_START = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; "
    "{folder!r} in sys.path or sys.path.insert(0, {folder!r}); "
    "from SAMSegmentLib.worker.process import main; main({host})"
)


@dataclass(frozen=True)
class Ended:
    """The worker process is gone, or what it says makes no sense; nothing more comes from it."""

    reason: str


class WorkerProcess:
    """One worker process. No method waits for it.

    It is started with the host's interpreter, but imports nothing of the host's ``__main__``. Its only channel are the
    pipes to it, which no other process can open.
    """

    def __init__(self) -> None:
        self.last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._outbox: SimpleQueue[ToWorker | _Volume | None] = SimpleQueue()
        self._inbox: SimpleQueue[ToHost | Ended] = SimpleQueue()
        self._lock = threading.Lock()
        self._killed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._announced: list[Path] = []
        threading.Thread(target=self._run, name="samsegment-worker-writer", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The process's number, None before it has one."""
        return self._process.pid if self._process else None

    def send(self, message: ToWorker) -> None:
        """Send a message after those before it."""
        self._outbox.put(message)

    def send_volume(self, volume: Volume, window: Window) -> None:
        """Hand a volume over after the messages before it."""
        self._outbox.put(_Volume(volume, window))

    def received(self) -> Iterator[ToHost | Ended]:
        """What has come since it was asked last."""
        with contextlib.suppress(Empty):
            while True:
                yield self._inbox.get_nowait()

    def close(self) -> None:
        """Let the process end after what was sent; it leaves whatever it is at when it sees the pipe closed."""
        self._outbox.put(None)
        # One that hangs does not read what was sent: the writer would wait for it without end.
        last_resort = threading.Timer(_SECONDS_TO_END, self.kill)
        last_resort.daemon = True
        last_resort.start()

    def kill(self) -> None:
        """End the process now, whatever it is at."""
        with self._lock:
            self._killed = True
            if self._process:
                self._process.kill()
        self._outbox.put(None)

    def _run(self) -> None:
        """Start the process, then write what is to be sent until the process or this object ends."""
        try:
            process = self._start()
        except OSError as error:
            self._inbox.put(Ended(f"it could not be started ({error})"))
            return
        except EngineError as error:
            self._inbox.put(failed_message(None, error))
            return
        if process is None or process.stdin is None or process.stdout is None or process.stderr is None:
            return
        log = threading.Thread(target=self._read_lines, args=(process,), name="samsegment-worker-log", daemon=True)
        log.start()
        threading.Thread(target=self._read, args=(process, log), name="samsegment-worker-reader", daemon=True).start()
        try:
            self._write(MessageWriter(process.stdin))  # type: ignore[arg-type]  # unbuffered: a raw stream
        except EngineError as error:
            self._inbox.put(failed_message(None, error))
        except ChannelError as error:
            self._inbox.put(failed_message(None, EngineError(f"The worker process cannot be asked: {error}.")))
        except OSError:
            pass  # it is gone: the reader notices, too, and says so
        with contextlib.suppress(OSError):
            process.stdin.close()
        self._wait(process)
        # Here, in the thread that makes them: none can come after.
        for path in self._announced:
            remove_voxels(path)

    def _write(self, writer: MessageWriter) -> None:
        while (item := self._outbox.get()) is not None:
            writer.send(self._opened(item, writer) if isinstance(item, _Volume) else item)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._killed:
                return None
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
                [python_executable(), "-c", _START.format(folder=str(Path(__file__).parents[2]), host=os.getpid())],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**ENVIRONMENT, **os.environ},
                # A Ctrl+C in the terminal must not reach it.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            return self._process

    def _opened(self, item: _Volume, writer: MessageWriter) -> OpenVolume:
        """Write the voxels where the worker finds them."""
        array = item.volume.array
        paths = candidate_paths()
        self._announced += paths
        # Named before they are there: if the host dies while it writes, the worker removes them.
        for path in paths:
            writer.send(Announce(str(path)))
        return OpenVolume(
            path=str(write_voxels(array, paths)),
            dtype=array.dtype.str,
            shape=array.shape,
            ijk_to_ras=[float(number) for number in item.volume.ijk_to_ras.ravel()],
            inverted=item.volume.inverted,
            window=(float(item.window.level), float(item.window.width)),
        )

    def _read(self, process: subprocess.Popen[bytes], log: threading.Thread) -> None:
        reader: MessageReader[ToHost] = MessageReader(process.stdout, ToHost)  # type: ignore[arg-type]  # a raw stream
        reason = None
        try:
            while (message := reader.receive()) is not None:
                if isinstance(message, Log):
                    self.last_lines.append(message.text)
                self._inbox.put(message)
        except (ChannelError, OSError) as error:
            reason = f"what it says makes no sense ({error})"
            process.kill()
        code = self._wait(process)
        if process.stdout:
            process.stdout.close()
        log.join(_SECONDS_FOR_LAST_LINES)
        self._inbox.put(Ended(reason or _reason(code)))
        self._outbox.put(None)

    @staticmethod
    def _wait(process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _read_lines(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr is None:
            return
        with io.BufferedReader(process.stderr) as stream:  # type: ignore[type-var]  # a raw stream
            while line := stream.readline(_LONGEST_LINE):
                text = line.decode("utf-8", errors="replace").rstrip()
                self.last_lines.append(text)
                # Logged in the host's own thread, where its log may be a window.
                self._inbox.put(Log(logging.INFO, text))


@dataclass(frozen=True)
class _Volume:
    volume: Volume
    window: Window


def python_executable() -> str:
    """The interpreter to start workers with: the host's own; inside of Slicer, where that is no Python, PythonSlicer.

    :raises EngineError: there is none.
    """
    if Path(sys.executable or "").stem.lower().startswith("python"):
        return sys.executable
    found = shutil.which("PythonSlicer")
    if found is None:
        raise EngineError(f"No Python interpreter was found beside {sys.executable}; reinstall the application.")
    return found


def _reason(code: int) -> str:
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
