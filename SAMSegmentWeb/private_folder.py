"""The folder for images and results of one viewer, which nobody else can read; what a crash leaves is cleared later."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "samsegment-view-"
# Locked while the viewer runs. The system unlocks it however the process ends; process numbers are given out again, and
# containers that share a temporary folder do not share them.
_LOCK = "lock"


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder in the system's temporary folder that is removed at the end.

    Those that viewers of the same user left behind, because they were killed, are removed first.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_own_folder(left):
            _remove_if_left(left)
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder,
        filelock.FileLock(Path(folder) / _LOCK),
    ):
        yield Path(folder)


def unusable(folder: Path, error: OSError) -> str:
    """Why nothing can be put into the folder of the viewer that runs, and how to go on with what is open there."""
    if isinstance(error, FileNotFoundError):
        return f"The viewer's folder was removed; make it again with 'mkdir -m 700 {folder}', then try again."
    return f"The viewer's folder {folder} cannot be used ({error.strerror}); make room on its disk, then try again."


def _is_own_folder(path: Path) -> bool:
    # All users share a temporary folder, and may put links there.
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and (os.name == "nt" or status.st_uid == os.getuid())


def _remove_if_left(folder: Path) -> None:
    if not (folder / _LOCK).exists():
        return  # its viewer is about to lock it
    lock = filelock.FileLock(folder / _LOCK, timeout=0)
    with suppress(filelock.Timeout, OSError):
        lock.acquire()
        lock.release()  # Windows removes no file that is open
        shutil.rmtree(folder, ignore_errors=True)
