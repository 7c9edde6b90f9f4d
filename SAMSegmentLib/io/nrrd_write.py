"""Writing NRRD files that are equal, byte for byte, for equal content.

pynrrd writes the time into each file and cannot write names outside of ASCII, so the few header lines are made here
(format: https://teem.sourceforge.net/nrrd/format.html).
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import LPS_TO_RAS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# Masks are long runs: higher levels take several times as long and save next to nothing.
_COMPRESSION_LEVEL = 1

_TYPE_NAMES = {"u1": "unsigned char", "u2": "unsigned short"}


def write_nrrd(
    path: Path, layers: NDArray, ijk_to_ras: NDArray[np.float64], fields: Mapping[str, str] | None = None
) -> None:
    """Write labels as NRRD with gzip compression.

    :param path: written directly; wrap it in :func:`atomic_path`.
    :param layers: unsigned 8 or 16 bit, [k, j, i], or [k, j, i, layer] for a list of labelmaps.
    :param ijk_to_ras: 4x4 in mm; stored as left-posterior-superior, which Slicer reads and writes.
    :param fields: key-value pairs; values pass through ``segments.one_line`` first where a user chose them.
    :raises OSError: cannot be written.
    """
    header = "".join(f"{line}\n" for line in _header_lines(layers, ijk_to_ras))
    header += "".join(f"{key}:={_escaped(value)}\n" for key, value in (fields or {}).items())
    little_endian = np.ascontiguousarray(layers, dtype=layers.dtype.newbyteorder("<"))
    with path.open("wb") as file:
        file.write(f"{header}\n".encode())
        with gzip.GzipFile(filename="", mode="wb", compresslevel=_COMPRESSION_LEVEL, fileobj=file, mtime=0) as stream:
            stream.write(little_endian.data)


def _header_lines(layers: NDArray, ijk_to_ras: NDArray[np.float64]) -> list[str]:
    # Its own inverse.
    ijk_to_lps = LPS_TO_RAS @ ijk_to_ras
    listed = layers.ndim == 4
    directions = [_vector(ijk_to_lps[:3, axis]) for axis in range(3)]
    return [
        "NRRD0005",
        f"type: {_TYPE_NAMES[layers.dtype.str[1:]]}",
        f"dimension: {layers.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in layers.shape[::-1])}",
        f"space directions: {' '.join((['none'] if listed else []) + directions)}",
        f"kinds: {' '.join((['list'] if listed else []) + ['domain'] * 3)}",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(ijk_to_lps[:3, 3])}",
    ]


def _vector(values: NDArray[np.float64]) -> str:
    # + 0.0 turns -0.0 into 0.0; repr keeps every digit.
    return f"({','.join(repr(float(value) + 0.0) for value in values)})"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")
