"""The files of a cache folder, and which of them have to go when there are too many bytes."""

from __future__ import annotations

import os
import re
import stat
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ENTRY_SUFFIX = ".embedding"
TEMPORARY_SUFFIX = ".tmp"

# Only files named like ours are ever counted or removed.
_ENTRY_NAME = re.compile(r"[0-9a-f]{64}" + re.escape(ENTRY_SUFFIX))
_TEMPORARY_NAME = re.compile(r"[0-9a-f]{64}\..+" + re.escape(TEMPORARY_SUFFIX))

# No write takes an hour: who began this file is dead.
_STALE_SECONDS = 3600

# What other processes write meanwhile is noticed this late; looking after each write would cost more than the write.
_WRITES_BETWEEN_SCANS = 64


@dataclass(frozen=True)
class CacheFile:
    """One file of a cache folder as it was when the folder was listed."""

    path: Path
    size: int
    used_ns: int  # modification time: set when it is written, and when it is read


def list_entries(folder: Path) -> list[CacheFile]:
    """The embeddings in a folder, those longest unused first; none where there is no folder.

    :raises OSError: the folder cannot be read.
    """
    return sorted(_files(folder, _ENTRY_NAME), key=lambda file: file.used_ns)


def list_temporaries(folder: Path) -> list[CacheFile]:
    """Files that are being written, or that a process left behind when it died.

    :raises OSError: the folder cannot be read.
    """
    return _files(folder, _TEMPORARY_NAME)


class FolderBudget:
    """Keeps the embeddings in a folder within a number of bytes by removing those longest unused.

    The folder is listed at the first write and now and then, not each time; with n processes that write at once the
    budget may be exceeded by what n - 1 of them write between two listings.

    :param folder: need not exist yet.
    """

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget = budget_bytes
        self._used = 0
        self._oldest: deque[CacheFile] = deque()
        self._writes = 0

    def make_room(self, size: int) -> bool:
        """Remove old files until ``size`` more bytes fit, and count them as used; False when they do not fit.

        :raises OSError: the folder cannot be read.
        """
        if self._writes % _WRITES_BETWEEN_SCANS == 0:
            self._scan()
        self._writes += 1
        if not self._evict(size):
            self._scan()  # some were used or came since the folder was listed
            if not self._evict(size):
                return False
        self._used += size
        return True

    def _evict(self, size: int) -> bool:
        while self._used + size > self._budget and self._oldest:
            file = self._oldest.popleft()
            try:
                if file.path.stat().st_mtime_ns > file.used_ns:
                    continue  # used since: no longer one of the oldest
                file.path.unlink()
            except FileNotFoundError:
                pass  # another process was faster
            except OSError:
                continue  # it is open elsewhere (Windows), or not ours to remove
            self._used -= file.size
        return self._used + size <= self._budget

    def _scan(self) -> None:
        self._oldest = deque(list_entries(self._folder))
        self._used = sum(file.size for file in self._oldest)
        long_ago = time.time_ns() - _STALE_SECONDS * 10**9
        for file in list_temporaries(self._folder):
            if file.used_ns < long_ago:
                with suppress(OSError):
                    file.path.unlink()


def _files(folder: Path, name: re.Pattern[str]) -> list[CacheFile]:
    files = []
    try:
        with os.scandir(folder) as items:
            for item in items:
                if name.fullmatch(item.name):
                    with suppress(FileNotFoundError):  # removed while we look
                        status = item.stat(follow_symlinks=False)
                        # A pipe or a folder under such a name is not ours; to open a pipe would wait without end.
                        if stat.S_ISREG(status.st_mode):
                            files.append(CacheFile(Path(item.path), status.st_size, status.st_mtime_ns))
    except FileNotFoundError:
        return []
    return files
