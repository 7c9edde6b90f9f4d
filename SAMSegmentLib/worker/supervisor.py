"""Keeps a worker process running: notices that it died or hangs, starts it again, and gives up in the end."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ..errors import EngineError, SAMSegmentError
from .launch import Ended, WorkerProcess
from .messages import Heartbeat, Ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .messages import ToHost, ToWorker

# A heartbeat comes every 0.25 s; a worker that is silent for longer than this hangs. While it imports libraries and
# loads a model, one call into compiled code may keep its other threads waiting.
SILENCE_S = 1.5
SILENCE_AT_START_S = 120.0

# The host itself was busy or asleep for as long as this: it cannot tell who was silent.
_NOT_LOOKING_S = 1.0

_PAUSES_S = (0.0, 0.5)  # before it is started again; after one crash more it is not
_LINES_TOLD = 3

_log = logging.getLogger(__name__)


class Supervisor:
    """The worker process that is running now, if any. Everything happens in :meth:`poll`, in the caller's thread.

    :param introduce: tells a new process what it must know first.
    :param tell: is given one sentence for the user when the process had to be started again.
    """

    def __init__(self, introduce: Callable[[WorkerProcess], None], tell: Callable[[str], None]) -> None:
        self._introduce = introduce
        self._tell = tell
        self._process: WorkerProcess | None = None
        self._failure: SAMSegmentError | None = None
        self._is_ready = False
        self._crashes = 0
        self._restart_at: float | None = None
        self._heard_at = self._looked_at = 0.0

    @property
    def failure(self) -> SAMSegmentError | None:
        """Why there will be no process any more, None while there is hope."""
        return self._failure

    @property
    def pid(self) -> int | None:
        """The running process's number, None when there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process unless it runs, is about to, or there is no hope."""
        if self._process is None and self._restart_at is None and self._failure is None:
            self._launch()

    def retry(self) -> None:
        """Hope again, after the user has mended what was wrong."""
        self._failure = None
        self._crashes = 0
        self.start()

    def send(self, message: ToWorker) -> None:
        """Send to the running process; one that is started later is told by ``introduce``."""
        if self._process:
            self._process.send(message)

    def running(self) -> WorkerProcess | None:
        """The process that runs now."""
        return self._process

    def poll(self) -> Iterator[ToHost]:
        """What the process has sent and its user must know; looks after the process meanwhile."""
        now = time.monotonic()
        if self._restart_at is not None and now >= self._restart_at:
            self._launch()
        if now - self._looked_at > _NOT_LOOKING_S:
            self._heard_at = now
        self._looked_at = now
        process = self._process
        if process is None:
            return
        for message in process.received():
            self._heard_at = now
            if isinstance(message, Ended):
                self._crashed(message.reason)
            elif isinstance(message, Ready):
                self._is_ready = True
            if not isinstance(message, Ended | Heartbeat):
                yield message
            if process is not self._process:
                return  # given up or distrusted meanwhile: what else it said counts no more
        if now - self._heard_at > self._patience():
            process.kill()
            self._crashed(f"it did not answer for {now - self._heard_at:.1f} s")

    def trust(self) -> None:
        """Count crashes from 0 again: the process has brought its user on."""
        self._crashes = 0

    def distrust(self, reason: str) -> None:
        """End the process, whose messages contradict themselves, and start another."""
        if self._process:
            self._process.kill()
            self._crashed(f"what it says makes no sense ({reason})")

    def give_up(self, failure: SAMSegmentError) -> None:
        """End the process for good."""
        self._failure = failure
        self.close()

    def close(self) -> None:
        """Let the process end."""
        self._restart_at = None
        if self._process:
            self._process.close()
            self._process = None

    def _launch(self) -> None:
        self._restart_at = None
        self._is_ready = False
        self._heard_at = self._looked_at = time.monotonic()
        self._process = WorkerProcess()
        self._introduce(self._process)

    def _patience(self) -> float:
        return SILENCE_S if self._is_ready else SILENCE_AT_START_S

    def _crashed(self, reason: str) -> None:
        lines = list(self._process.last_lines)[-_LINES_TOLD:] if self._process else []
        self._process = None
        if self._crashes == len(_PAUSES_S):
            said = f" Its last lines were: {' | '.join(lines)}" if lines else ""
            self._failure = EngineError(
                f"The worker process failed {self._crashes + 1} times in a row ({reason}); "
                f"memory may be short: close other programs, or choose a smaller model or --device cpu.{said}"
            )
            return
        self._restart_at = time.monotonic() + _PAUSES_S[self._crashes]
        self._crashes += 1
        _log.info("The worker process failed (%s) and is started again.", reason)
        self._tell(f"The model's process failed ({reason}) and was started again; nothing was lost.")
