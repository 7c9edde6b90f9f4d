"""The viewer as a user starts it, and a browser that opens it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil

_START_S = 120
_STOP_S = 30
_ADDRESS = re.compile(r"http://\S+\?secret=\w+")


def chromium() -> str | None:
    """Where Chromium or Chrome is, None where it is not."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


class ViewerProcess:
    """``samsegment view`` in a process of its own, with its own home and temporary folder.

    Use it as a context manager; at the end it is stopped as Ctrl+C does.

    :param temporary: $TMPDIR, which is removed with it; None for a new one.
    """

    def __init__(self, *arguments: str, home: Path, temporary: Path | None = None) -> None:
        self.temporary = temporary or Path(tempfile.mkdtemp(prefix="samsegment-web-test-"))
        environment = {**os.environ, "SAMSEGMENT_HOME": str(home), "TMPDIR": str(self.temporary)}
        command = [
            sys.executable,
            "-c",
            "from SAMSegmentLib.cli import main; main()",
            "view",
            "--no-browser",
            *arguments,
        ]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            # Of a group of its own, so that a signal to the test does not reach it.
            start_new_session=True,
        )
        self._lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.address = self._wait_for_address()

    def __enter__(self) -> ViewerProcess:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def secret(self) -> str:
        return parse_qs(urlsplit(self.address).query)["secret"][0]

    def children(self) -> list[psutil.Process]:
        """Its worker process, and what that has started."""
        return psutil.Process(self.pid).children(recursive=True)

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it, and return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            shutil.rmtree(self.temporary, ignore_errors=True)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)

    def _wait_for_address(self) -> str:
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            found = _ADDRESS.search(self.output)
            if found:
                return found.group()
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"the viewer did not start:\n{self.output}")
