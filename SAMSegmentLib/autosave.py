"""A session's prompts saved while it goes on, so that a crash of the application costs nothing.

Each process keeps one small file for each session, the same JSON that a user saves. It is removed when the session ends
in good order; what is left over belongs to a process that did not get that far, and can be replayed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from .errors import InputError, OutputError
from .io.atomic import atomic_path
from .sessionfile import load_session_file, session_to_json
from .volume import fingerprints_match

if TYPE_CHECKING:
    from pathlib import Path

    from .session import SegmentationSession
    from .sessionfile import SavedSession
    from .volume import Volume

_DAYS_KEPT = 30
_DIGEST_LETTERS = 16

_logger = logging.getLogger(__name__)


def default_folder() -> Path:
    """Where autosaves lie: ``$SAMSEGMENT_HOME/autosave``, else in the user's state folder; it need not exist.

    :raises InputError: ``$SAMSEGMENT_HOME`` is no folder's name.
    """
    import platformdirs

    from .models.weights import home_folder

    return (home_folder() or platformdirs.user_state_path("samsegment")) / "autosave"


class Autosave:
    """Writes a session's prompts to a file after each change, in a thread of its own; changes meanwhile are one write.

    Names of segments, places of prompts and the outlines of accepted slices are in the file, which is the user's alone;
    no grey values and no file names are.
    When it cannot be written a warning is logged, once, and the session goes on.

    :param folder: made with the first write.
    """

    def __init__(self, session: SegmentationSession, folder: Path | None = None) -> None:
        self._session = session
        self._folder = folder or default_folder()
        self._path: Path | None = None
        self._wanted = threading.Condition()
        self._is_changed = self._is_closed = self._is_kept = False
        self._thread = threading.Thread(target=self._run, name="samsegment-autosave", daemon=True)
        self._thread.start()
        session.add_listener(self._note_change)

    def close(self, *, keep: bool = False) -> None:
        """Remove the file: the session has ended in good order. Waits for a write that is under way.

        :param keep: the session has not; the file is left with the last change in it.
        """
        with self._wanted:
            self._is_closed, self._is_kept = True, keep
            self._wanted.notify()
        self._thread.join()
        if self._path and not keep:
            self._path.unlink(missing_ok=True)

    def _note_change(self) -> None:
        with self._wanted:
            self._is_changed = True
            self._wanted.notify()

    def _run(self) -> None:
        has_failed = False
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._is_changed or self._is_closed)
                if self._is_closed and not (self._is_kept and self._is_changed):
                    return
                self._is_changed = False
            try:
                self._write()
            except (OSError, OutputError) as error:
                if not has_failed:
                    _logger.warning("Prompts are not saved in case of a crash: %s", error)
                has_failed = True

    def _write(self) -> None:
        # The fingerprint of a large volume takes a second, which is why this has a thread of its own.
        data = session_to_json(self._session)
        if not data["segments"]:
            if self._path:
                self._path.unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path or _free_path(self._folder, self._session.volume)
        text = json.dumps(data)
        with atomic_path(path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        self._path = path


@dataclass(frozen=True)
class Recovery:
    """Prompts that a process left behind when it ended.

    :param saved_at: seconds since 1970.
    """

    path: Path
    saved_at: float
    saved: SavedSession

    def discard(self) -> None:
        """Remove the file: it was recovered, or is not wanted."""
        self.path.unlink(missing_ok=True)


def recoverable(volume: Volume, folder: Path | None = None) -> list[Recovery]:
    """What can be recovered for a volume, the newest first. Autosaves that are older than 30 days are removed."""
    found = []
    for path in sorted((folder or default_folder()).glob("*-*.json")):
        recovery = _left_behind(path, volume)
        if recovery:
            found.append(recovery)
    return sorted(found, key=lambda item: item.saved_at, reverse=True)


def _free_path(folder: Path, volume: Volume) -> Path:
    digest = _digest(volume)
    numbers = (f"{digest}-{os.getpid()}{suffix}" for suffix in ("", *(f"-{count}" for count in range(2, 1000))))
    return next(folder / f"{name}.json" for name in numbers if not (folder / f"{name}.json").exists())


def _digest(volume: Volume) -> str:
    # Of the voxels: the geometry may differ by a format's precision.
    voxels = volume.fingerprint.partition(":")[0]
    return hashlib.sha256(voxels.encode()).hexdigest()[:_DIGEST_LETTERS]


def _left_behind(path: Path, volume: Volume) -> Recovery | None:
    try:
        written = path.stat().st_mtime
    except OSError:
        return None  # another process removed it
    if time.time() - written > _DAYS_KEPT * 86400:
        path.unlink(missing_ok=True)
        return None
    digest, _, rest = path.stem.partition("-")
    process = rest.partition("-")[0]
    if digest != _digest(volume) or not process.isdigit() or _is_writing(int(process), written):
        return None
    try:
        saved = load_session_file(path)
    except InputError as error:
        _logger.warning("%s", error)  # the disk damaged it
        return None
    return Recovery(path, written, saved) if fingerprints_match(saved.fingerprint or "", volume.fingerprint) else None


def _is_writing(process: int, written: float) -> bool:
    """Whether the process that wrote a file is still at it, rather than another one that was given its number."""
    try:
        return bool(psutil.Process(process).create_time() <= written)
    except psutil.Error:
        return False
