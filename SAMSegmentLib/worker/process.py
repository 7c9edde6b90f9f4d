"""The worker process around its loop: pipes, heartbeat, and an end when the host ends.

A thread of its own reads the pipe, and ends the process at once when the host closes it, whatever the model is at: the
kernel does that for a host that was killed. Another thread sends heartbeats, and looks whether the host still lives, in
case that a copy of the pipe's end lives on in another child of it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import psutil

from .channel import ChannelError, MessageReader, MessageWriter
from .messages import Announce, Heartbeat, Log, ToWorker
from .service import Service
from .voxelfile import remove_voxels

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, NoReturn

    import msgspec

HEARTBEAT_S = 0.25

_log = logging.getLogger(__name__)


def main(host: int) -> None:
    """Serve the host at the other end of standard input and output.

    :param host: its process number. Not this process's parent where the interpreter is started by a launcher.
    """
    incoming, outgoing = _take_standard_streams()
    # A Ctrl+C in the host's terminal is for the host, which tells us what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    writer = MessageWriter(outgoing)
    logging.getLogger().addHandler(_ToHost(writer))
    logging.captureWarnings(capture=True)
    inbox: SimpleQueue[ToWorker] = SimpleQueue()
    announced: list[Path] = []
    reader = threading.Thread(target=_read, args=(incoming, inbox, announced), daemon=True)
    reader.start()
    threading.Thread(target=_beat, args=(writer, host, announced), daemon=True).start()

    def send(message: msgspec.Struct) -> None:
        try:
            writer.send(message)
        except OSError:
            # The host is gone. The reader ends this process, when it has read which files are to be removed.
            reader.join()

    Service(inbox, send).run()
    _leave(0, announced)


def _take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the host; what libraries print goes to standard error instead of among the messages."""
    incoming = os.fdopen(os.dup(0), "rb", buffering=0)
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream in this process
    return incoming, outgoing


def _read(stream: BinaryIO, inbox: SimpleQueue[ToWorker], announced: list[Path]) -> None:
    reader: MessageReader[ToWorker] = MessageReader(stream, ToWorker)
    try:
        while (message := reader.receive()) is not None:
            if isinstance(message, Announce):
                announced.append(Path(message.path))
            else:
                inbox.put(message)
    except (ChannelError, OSError) as error:
        _log.error("The channel to the host broke: %s.", error)
        _leave(1, announced)
    _leave(0, announced)


def _beat(writer: MessageWriter, host: int, announced: list[Path]) -> None:
    pause = threading.Event()
    is_alive = _watch(host)
    while not pause.wait(HEARTBEAT_S):
        if not is_alive():
            pause.wait(HEARTBEAT_S)  # the reader has yet to read what the host wrote last
            _leave(0, announced)
        try:
            writer.send(Heartbeat())
        except OSError:
            return  # the host is gone: the reader ends the process


def _watch(number: int) -> Callable[[], bool]:
    """What tells whether a process still lives; another one that is given its number later does not count."""
    try:
        process = psutil.Process(number)
    except psutil.NoSuchProcess:
        return lambda: False

    def is_alive() -> bool:
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return is_alive


def _leave(code: int, announced: list[Path]) -> NoReturn:
    for path in tuple(announced):
        remove_voxels(path)
    with contextlib.suppress(OSError):  # nobody reads it when the host is gone
        sys.stderr.flush()
    # At once: a model may be computing in another thread, and nothing is left to tidy up.
    os._exit(code)


class _ToHost(logging.Handler):
    """Hands log records to the host."""

    def __init__(self, writer: MessageWriter) -> None:
        super().__init__(logging.INFO)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.send(Log(record.levelno, self.format(record)))
        except OSError:
            self.handleError(record)
