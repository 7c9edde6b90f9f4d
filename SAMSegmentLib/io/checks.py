"""Checks that every reader makes: the path, the memory, the geometry and the voxel values."""

from __future__ import annotations

import math
import os
import stat
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, OutputError
from ..volume import spans_space

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Left free for the model, the viewer and the rest of the machine.
_HEADROOM_BYTES = 256 * 2**20

# A kilometre: nothing that is scanned is larger, and damaged headers often say 1e30.
_LARGEST_LENGTH_MM = 1e6


def check_readable(path: Path) -> None:
    """Refuse what cannot be opened: a missing, empty, unreadable or special file (a folder passes).

    :raises InputError: naming the path and the cure.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file or folder; check the spelling.") from None
    except ValueError:
        raise InputError(f"{str(path)!r}: this cannot be a file name; check the spelling.") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: reading it is not permitted; change its permissions.")
    if stat.S_ISDIR(status.st_mode):
        return
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is neither a file nor a folder; give the image itself.")
    if status.st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); copy or export it again.")


def unreadable(path: Path, error: OSError) -> InputError:
    """The sentence for a file that the operating system does not let us read."""
    reason = error.strerror or str(error)
    return InputError(f"{path}: cannot be read ({reason}); check its permissions and the disk it is on.")


def check_memory(byte_count: int, what: str) -> None:
    """Refuse an allocation that this machine cannot hold, before it is tried.

    :param byte_count: bytes that will be in use at the same time.
    :param what: the file or task, as it begins the sentence.
    :raises InputError: says how much is needed and how much there is.
    """
    import psutil

    available = psutil.virtual_memory().available
    if byte_count + _HEADROOM_BYTES > available:
        raise InputError(
            f"{what}: needs {bytes_in_words(byte_count)} of memory and {bytes_in_words(available)} are free; "
            "close other programs, or crop or downsample the image."
        )


def check_memory_to_write(byte_count: int, path: Path) -> None:
    """:func:`check_memory` for what is made in order to write a file.

    :param path: the file to be written.
    :raises OutputError: says how much is needed and how much there is.
    """
    try:
        check_memory(byte_count, str(path))
    except InputError as error:
        raise OutputError(str(error)) from None


def bytes_in_words(byte_count: int) -> str:
    """``1536`` as ``"1.5 KiB"``."""
    value = float(byte_count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:,.0f} TiB" if value >= 1000 else f"{value:.3g} TiB"


def check_geometry(ijk_to_ras: NDArray[np.float64], what: object) -> None:
    """Refuse a matrix that does not place voxels in space.

    :param ijk_to_ras: 4x4 in mm.
    :param what: the file, as it begins the sentence.
    :raises InputError: not finite, absurdly large, or its axes do not span space.
    """
    # Written so that NaN fails, too.
    if not np.abs(ijk_to_ras).max() <= _LARGEST_LENGTH_MM:
        raise InputError(
            f"{what}: its position or voxel size is not a number or beyond a kilometre; "
            "repair the header or export it again."
        )
    if not spans_space(ijk_to_ras):
        raise InputError(
            f"{what}: its voxel size is zero or two of its axes run the same way; repair the header or export it again."
        )


def replace_nonfinite(array: NDArray, what: object) -> tuple[str, ...]:
    """Give NaN and infinite voxels the smallest finite value, which is background in CT and MR.

    :param array: any shape; changed in place, since a second volume may not fit into memory.
    :param what: the file, as it begins a sentence.
    :returns: a note for the user when some voxels were replaced.
    :raises InputError: no voxel is finite.
    """
    if array.dtype.kind != "f":
        return ()
    finite = np.isfinite(array)
    bad_count = array.size - int(np.count_nonzero(finite))
    if bad_count == 0:
        return ()
    if bad_count == array.size:
        raise InputError(f"{what}: every voxel is NaN or infinite; compute or export the image again.")
    lowest = array.min(where=finite, initial=math.inf)
    note = f"{bad_count} of {array.size} voxels are NaN or infinite; they are taken as {float(lowest):g}."
    np.logical_not(finite, out=finite)
    np.copyto(array, lowest, where=finite)
    return (note,)
