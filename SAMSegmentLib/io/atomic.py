"""Files that are either written completely or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CAUSES = {
    errno.ENOENT: "its folder does not exist; create the folder or choose another",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another folder",
    errno.EISDIR: "it is a folder; give a file name",
    errno.EACCES: "writing there is not permitted; choose another folder or change its permissions",
    errno.EPERM: "writing there is not permitted; choose another folder or change its permissions",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}

# The temporary name ends as the target does, since writers choose the format by the ending (.seg.nrrd, .nii.gz).
_KEPT_CHARACTERS = 24


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which becomes ``path`` when the block succeeds.

    Whatever ends the block early (an error, Ctrl+C), an old file at ``path`` stays as it was and the temporary file
    is removed. A symbolic link is written through, an old file's permissions are kept.

    :param path: the file that is wanted, in an existing folder.
    :returns: a path in the same folder, not existing yet, with the same ending.
    :raises OutputError: for each OSError within the block and in the renaming.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(6)}-{target.name[-_KEPT_CHARACTERS:]}")
    try:
        yield temporary
        _publish(temporary, target)
    except OSError as error:
        raise not_writable(path, error) from error
    finally:
        # Best effort: what could not be written (a missing folder) cannot be removed either.
        with suppress(OSError):
            temporary.unlink()


def not_writable(path: Path, error: OSError) -> OutputError:
    """The sentence for a file that the operating system does not let us write."""
    cause = _CAUSES.get(error.errno or 0, f"{error.strerror or error}; check the folder and the disk")
    return OutputError(f"{path}: cannot be written: {cause}.")


def _publish(temporary: Path, target: Path) -> None:
    with temporary.open("rb+") as written:
        # Without it a power cut may leave the new name on an empty file. (Windows wants a writable file for it.)
        os.fsync(written.fileno())
    if target.exists():
        shutil.copymode(target, temporary)
    temporary.replace(target)
