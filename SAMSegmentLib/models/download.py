"""Weights files fetched into the weights folder, and removed from it. No torch here.

A file gets its name only when it is whole and has the published digest. Until then it is ``NAME.part``, from where an
interrupted download goes on.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import InputError, ModelUnavailableError
from .http_source import RangeRefusedError, TransferError, open_url
from .partfile import PartFile
from .weights import find_weights, is_published, weights_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .catalogue import CatalogueEntry

# Room that a download leaves on the disk, so that a full one does not stop other programs.
_SPARE_BYTES = 64 << 20


def download_weights(entry: CatalogueEntry, progress: Callable[[int, int], None]) -> Path:
    """Fetch a model's weights; does nothing when they are here and are the published ones.

    Stopped (Ctrl+C, power cut, lost connection), it goes on from there the next time, if the server takes part and
    still has the same file.

    :param progress: is told the bytes that are here and those of the whole file.
    :returns: the complete and checked file.
    :raises InputError: the model is part of the installation.
    :raises ModelUnavailableError: no connection, another file than the published one, no room, or another process is
        fetching it; the sentence has the address, the folder to put the file in, and how to go on.
    """
    url = _address(entry)
    folder = weights_folders()[0]
    # At first without the lock, for which a folder of ready weights would have to be writable. Whatever fails is looked
    # at again under the lock: another process may be removing the file.
    with suppress(ModelUnavailableError):
        if (found := _published_weights(entry)) is not None:
            return found
    with _disk_failures_named(entry, folder), _locked(folder, entry):
        if (found := _published_weights(entry)) is not None:  # another process was faster
            return found
        part = PartFile(folder / entry.file_name, url)
        if part.size > entry.size:
            part.remove()
        if part.size < entry.size:
            _require_room(folder, entry.size - part.size)
            _complete(entry, part, progress)
        if not is_published(entry, part.path):
            part.remove()
            raise ModelUnavailableError(
                f"{url}: what came is not the published file (its {entry.digest_name} differs) and was removed; try "
                f"again later, or get the file from elsewhere and put it into {folder}."
            )
        part.publish()
    return folder / entry.file_name


def fetched_bytes(entry: CatalogueEntry) -> int:
    """Bytes of an unfinished download, 0 when there is none."""
    return PartFile(weights_folders()[0] / entry.file_name, entry.url).size if entry.url else 0


def remove_weights(entry: CatalogueEntry) -> int:
    """Delete a model's weights, and what was left of a download, from all weights folders.

    :returns: the bytes that were freed; 0 when nothing was there.
    :raises InputError: the model is part of the installation.
    :raises ModelUnavailableError: the files cannot be deleted, or are being downloaded.
    """
    url = _address(entry)
    freed = 0
    for folder in weights_folders():
        with _disk_failures_named(entry, folder):
            freed += _remove_from(folder, entry, url)
    return freed


def _published_weights(entry: CatalogueEntry) -> Path | None:
    found = find_weights(entry)
    return found if found is not None and is_published(entry, found) else None


def _remove_from(folder: Path, entry: CatalogueEntry, url: str) -> int:
    target = folder / entry.file_name
    part = PartFile(target, url)
    if not (target.exists() or part.path.exists()):
        return 0
    with _locked(folder, entry):
        freed = part.size + (target.stat().st_size if target.is_file() else 0)
        target.unlink(missing_ok=True)
        part.remove()
    return freed


def _address(entry: CatalogueEntry) -> str:
    if entry.url is None:
        raise InputError(f"{entry.name} is part of the installation; it is neither downloaded nor removed by itself.")
    return entry.url


def _complete(entry: CatalogueEntry, part: PartFile, progress: Callable[[int, int], None]) -> None:
    try:
        try:
            _transfer(entry, part, progress)
        except RangeRefusedError:
            part.remove()
            _transfer(entry, part, progress)
    except TransferError as error:
        folder = part.path.parent
        retry = f"run 'samsegment models download {entry.name}' again"
        again = f"{retry} to go on from {part.size / 1e6:.0f} MB" if part.size else f"check the network and {retry}"
        raise ModelUnavailableError(
            f"{part.url}: {error}; {again}, or get the file with another program and put it into {folder}."
        ) from error


def _transfer(entry: CatalogueEntry, part: PartFile, progress: Callable[[int, int], None]) -> None:
    """Fetch what is missing.

    :raises TransferError: there is still something missing, or the server has another file.
    """
    with open_url(part.url, part.size, part.validator()) as reply:
        if reply.total not in (None, entry.size):
            raise TransferError(f"the server has a file of {reply.total} bytes there, not the published {entry.size}")
        if reply.offset == 0:
            part.restart(reply.validator)
        done = reply.offset
        with part.append() as stream:
            for block in reply.blocks:
                done += len(block)
                if done > entry.size:
                    raise TransferError(f"the server sends more than the published {entry.size} bytes")
                stream.write(block)
                progress(done, entry.size)
    if done < entry.size:
        raise TransferError("the connection broke")


def _require_room(folder: Path, missing: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < missing + _SPARE_BYTES:
        raise ModelUnavailableError(
            f"{folder}: the disk has {free / 1e6:.0f} MB free and {(missing + _SPARE_BYTES) / 1e6:.0f} MB are needed; "
            "free some space, or set SAMSEGMENT_HOME to a folder on another disk."
        )


@contextmanager
def _disk_failures_named(entry: CatalogueEntry, folder: Path) -> Iterator[None]:
    """What the disk refuses, as one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cure = (
                "the disk is full; free some space and run "
                f"'samsegment models download {entry.name}' again, which goes on from what is there"
            )
        else:
            cure = (
                f"cannot be written ({error.strerror or error}); check its permissions, or set SAMSEGMENT_HOME to "
                "another folder"
            )
        raise ModelUnavailableError(f"{folder}: {cure}.") from error


@contextmanager
def _locked(folder: Path, entry: CatalogueEntry) -> Iterator[None]:
    """Keep other processes away from a model's files.

    The operating system gives the lock back when a process ends in any way. The empty file stays: if it were deleted, a
    process that has just opened it and one that makes a new one would both hold their lock.
    """
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / f"{entry.file_name}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise ModelUnavailableError(
            f"{folder / entry.file_name}: another process is downloading or removing it; wait until it is done."
        ) from error
    try:
        yield
    finally:
        lock.release()
