"""How long the cache of embeddings takes for one slice: not there, written, in memory, read after reopening.

The references are ``numpy.save`` and ``numpy.load`` of the same array, which check and replace nothing.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from ..embeddings import DiskStore, EmbeddingCache, EmbeddingKey
from ..errors import OutputError
from ..models.interface import Embedding
from ..slicegrid import SliceGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The embedding of one slice by Segment Anything, of any size: 2 MiB.
_SHAPE = (256, 64, 64)
BYTES_PER_SLICE = 2 * 256 * 64 * 64
_SLICES = 32

_KEY = EmbeddingKey("0" * 32, "40.0,400.0", "sam_vit_b", "0" * 64, "float32", "axial", 0)

OPERATIONS = {
    "miss": "look for a slice that is not there",
    "memory_hit": "get it from memory",
    "write": "keep it in memory and on disk",
    "write_numpy": "  reference: numpy.save",
    "reopen": "get it from disk, in a new process's cache",
    "read_numpy": "  reference: numpy.load",
    "reopen_cold": "get it from disk, forgotten by the operating system",
}


@dataclass(frozen=True)
class CacheTiming:
    """Milliseconds for one slice over all runs; each run counts with the median of its slices."""

    operation: str
    median_ms: float
    min_ms: float
    max_ms: float


def measure_cache(runs: int, progress: Callable[[int, int], None]) -> list[CacheTiming]:
    """Time every operation of :data:`OPERATIONS` on 32 slices, ``runs`` times in turn.

    Files lie in the system's temporary folder. ``reopen_cold`` is left out where the operating system cannot be asked
    to forget a file (other than Linux), and shows nothing where that folder is in memory.

    :param progress: is given the runs done and their number.
    :raises OutputError: the temporary folder cannot be written.
    """
    random = np.random.default_rng(0)
    arrays = [random.normal(size=_SHAPE).astype(np.float16) for _ in range(_SLICES)]
    measured = []
    for run in range(runs):
        try:
            with tempfile.TemporaryDirectory(prefix="samsegment-bench-") as folder:
                measured.append(_measure_once(Path(folder), arrays))
        except OSError as error:
            raise OutputError(
                f"{tempfile.gettempdir()}: cannot be used to measure ({error.strerror or error}); it needs "
                f"{3 * _SLICES * BYTES_PER_SLICE >> 20} MiB, and TMPDIR names another folder."
            ) from error
        progress(run + 1, runs)
    times = {name: [one[name] for one in measured] for name in OPERATIONS if name in measured[0]}
    return [CacheTiming(name, median(values), min(values), max(values)) for name, values in times.items()]


def _measure_once(folder: Path, arrays: list[np.ndarray]) -> dict[str, float]:
    warnings: list[str] = []
    disk = DiskStore(folder / "embeddings", 1 << 30, warnings.append)
    embeddings = [Embedding({"image": array}, SliceGrid((512, 512), (1024, 1024))) for array in arrays]
    keys = [replace(_KEY, index=index) for index in range(len(arrays))]
    files = [folder / f"{index}.npy" for index in range(len(arrays))]
    cache, reopened, cold = (EmbeddingCache(1 << 30, disk) for _ in range(3))
    times = {
        "miss": _median_ms(cache.get, keys),
        "write": _median_ms(cache.put, keys, embeddings),
        "write_numpy": _median_ms(np.save, files, arrays),
        "memory_hit": _median_ms(cache.get, keys),
        "reopen": _median_ms(reopened.get, keys),
        "read_numpy": _median_ms(np.load, files),
    }
    if warnings:
        raise OutputError(warnings[0])
    if hasattr(os, "posix_fadvise"):
        _forget(disk.folder)
        times["reopen_cold"] = _median_ms(cold.get, keys)
    return times


def _median_ms(operation: Callable[..., object], *arguments: Iterable[object]) -> float:
    times = []
    for values in zip(*arguments, strict=True):
        started = time.perf_counter()
        operation(*values)
        times.append((time.perf_counter() - started) * 1e3)
    return median(times)


def _forget(folder: Path) -> None:
    """Have the operating system drop the files from its memory, so that they come from the disk."""
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())  # what is not on the disk yet cannot be dropped
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
