"""A volume's voxels handed from one process to another without a copy through a pipe.

The host writes them to a file that only its user can read, in shared memory (``/dev/shm``) where there is such a
folder, else in the temporary folder; the worker maps the file and removes its name at once. What has no name cannot be
left behind: the memory is free when the worker ends, however it ends. (``multiprocessing.shared_memory`` keeps names,
needs a further process to clean up after it, and a volume that does not fit ends the writer with a bus error.)
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the file is made exclusively, with a random name and for one user only
_PREFIX = "samsegment-"


def candidate_paths() -> list[Path]:
    """Where the voxels may be written, the best place first; nothing is there yet."""
    folders = [_SHARED_MEMORY] if _SHARED_MEMORY.is_dir() else []
    name = f"{_PREFIX}{secrets.token_hex(16)}"
    return [folder / name for folder in (*folders, Path(tempfile.gettempdir()))]


def write_voxels(array: NDArray, paths: list[Path]) -> Path:
    """Write voxels [k, j, i] to the first place that has room.

    :raises EngineError: none has; nothing is left behind.
    """
    reasons = []
    for path in paths:
        reason = _write(array, path)
        if reason is None:
            return path
        reasons.append(f"{path.parent}: {reason}")
    raise EngineError(
        f"There is no room for the volume's {array.nbytes / 1e6:.0f} MB beside it ({'; '.join(reasons)}); "
        "free memory or disk space."
    )


def _write(array: NDArray, path: Path) -> str | None:
    """Write voxels to a new file; why it cannot be, or None."""
    try:
        with _new_private_file(path) as descriptor:
            for slab in array:
                _write_all(descriptor, np.ascontiguousarray(slab).view(np.uint8).data.cast("B"))
    except OSError as error:
        remove_voxels(path)
        return error.strerror
    return None


def map_voxels(path: Path, dtype: np.dtype, shape: tuple[int, int, int]) -> NDArray:
    """The voxels [k, j, i] of a file that :func:`write_voxels` made, read-only; the file's name is gone afterwards.

    :raises EngineError: the file is not what was announced.
    """
    size = dtype.itemsize * shape[0] * shape[1] * shape[2]
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        try:
            if os.fstat(descriptor).st_size != size or size == 0:
                raise EngineError(f"{path}: not the voxels that were announced; open the volume again.")
            memory = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EngineError(f"{path}: the volume's voxels cannot be read ({error.strerror}); open it again.") from error
    remove_voxels(path)
    return np.frombuffer(memory, dtype=dtype).reshape(shape)


def remove_voxels(path: Path) -> None:
    """Remove the file if it is there (Windows keeps one that is mapped until its process ends)."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _new_private_file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
