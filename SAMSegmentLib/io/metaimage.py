"""MetaImage: .mha files, and .mhd headers with a data file beside them.

The header is a few ``Key = value`` lines (https://itk.org/Wiki/ITK/MetaIO/Documentation). They are read here, since
SimpleITK takes headers and data in one step and fills missing voxels of a cut file up without a word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .assemble import assemble_volume
from .stored_voxels import StoredVoxels
from .text_header import detached_data_path, lps_geometry, read_header_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ..volume import Volume
    from .stored_voxels import Encoding

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    # MetaIO stores "long" with 4 bytes on every machine.
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}

_FIRST_KEYS = re.compile(
    rb"\s*(ObjectType|ObjectSubType|NDims|Comment|Name|TransformType|BinaryData)\s*=", re.IGNORECASE
)


def looks_like_metaimage(head: bytes) -> bool:
    """Whether the first bytes of a file begin a MetaImage header."""
    return _FIRST_KEYS.match(head) is not None


def read_metaimage(
    path: Path, *, frame: int | None = None, progress: Callable[[int, int], None] | None = None
) -> Volume:
    """Read a .mha file or a .mhd header with its data file.

    DistanceUnits and ElementToIntensityFunction are ignored, as ITK and Slicer do.

    :param frame: 0-based, for 4D files.
    :param progress: called with bytes read and bytes in all.
    :raises FrameChoiceNeededError: 4D and no ``frame``.
    :raises InputError: cannot be read or is not a scalar volume.
    """
    lines, header_length = _header_lines(path)
    fields = _fields(lines)
    _check_kind(path, fields)
    shape, frame_count = _sizes(path, fields)
    data_path, offset = _data_place(path, fields, header_length)
    dtype = _dtype(path, fields)
    stored = StoredVoxels(
        path=path,
        data_path=data_path,
        file_offset=offset,
        stream_offset=0,
        encoding=_encoding(path, fields),
        dtype=dtype,
        shape_ijk=shape,
        frame_count=frame_count,
    )
    if fields.get("headersize") == "-1":
        stored = _at_the_end(stored)
    return assemble_volume(stored, _geometry(path, fields), frame=frame, progress=progress)


def metaimage_files(path: Path) -> tuple[Path, ...]:
    """The files of a MetaImage: one, or the header and its data file.

    :raises InputError: the data file is missing or may not be read.
    """
    lines, header_length = _header_lines(path)
    return tuple(dict.fromkeys((path, _data_place(path, _fields(lines), header_length)[0])))


def _header_lines(path: Path) -> tuple[list[bytes], int]:
    return read_header_lines(path, lambda line: line.lower().startswith(b"elementdatafile"))


def _fields(lines: list[bytes]) -> dict[str, str]:
    """Values by lower-case key."""
    fields = {}
    for line in lines:
        key, _, value = line.decode("utf-8", "replace").partition("=")
        fields[key.strip().lower()] = value.strip()
    return fields


def _check_kind(path: Path, fields: dict[str, str]) -> None:
    if fields.get("objecttype", "Image").lower() != "image":
        raise InputError(f"{path}: is a MetaIO {fields['objecttype']} object, not an image; give the image itself.")
    if fields.get("elementnumberofchannels", "1") != "1" or "ARRAY" in fields.get("elementtype", ""):
        raise InputError(f"{path}: has several values per voxel (RGB or vectors); convert it to a scalar image.")


def _numbers(path: Path, fields: dict[str, str], *keys: str, count: int | None = None) -> NDArray[np.float64] | None:
    """The numbers under the first of ``keys`` that is there."""
    key = next((key for key in keys if key.lower() in fields), None)
    if key is None:
        return None
    try:
        values = np.array([float(word) for word in fields[key.lower()].split()])
    except ValueError:
        raise InputError(f"{path}: {key} in its header is not a list of numbers; repair it.") from None
    if count is not None and len(values) != count:
        raise InputError(f"{path}: {key} in its header has {len(values)} numbers, not {count}; repair it.")
    return values


def _sizes(path: Path, fields: dict[str, str]) -> tuple[tuple[int, int, int], int]:
    """Voxels along i, j, k and the number of frames."""
    sizes = _numbers(path, fields, "DimSize", count=_dimensions(path, fields))
    if sizes is None or not all(float(size).is_integer() and size > 0 for size in sizes):
        raise InputError(f"{path}: DimSize in its header is missing or not made of positive integers; repair it.")
    i, j, k, frames = ([int(size) for size in sizes] + [1, 1])[:4]
    return (i, j, k), frames


def _dimensions(path: Path, fields: dict[str, str]) -> int:
    if fields.get("ndims") not in {"2", "3", "4"}:
        raise InputError(f"{path}: has NDims = {fields.get('ndims', '(nothing)')}; an image has 2, 3 or 4 dimensions.")
    return int(fields["ndims"])


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype:
    name = fields.get("elementtype", "")
    if name not in _TYPES:
        raise InputError(f"{path}: its voxels are of type {name or '(none given)'}; convert it to MET_FLOAT, say.")
    big_endian = _is_true(fields, "binarydatabyteordermsb") or _is_true(fields, "elementbyteordermsb")
    return np.dtype((">" if big_endian else "<") + _TYPES[name])


def _is_true(fields: dict[str, str], key: str) -> bool:
    return fields.get(key, "").lower() in {"true", "1", "t"}


def _encoding(path: Path, fields: dict[str, str]) -> Encoding:
    if fields.get("binarydata", "True").lower() in {"false", "0", "f"}:
        return "text"
    if not _is_true(fields, "compresseddata"):
        return "raw"
    if fields.get("headersize", "0") not in {"0", ""}:
        raise InputError(f"{path}: HeaderSize and CompressedData do not go together; export it again.")
    return "gzip"


def _data_place(path: Path, fields: dict[str, str], header_length: int) -> tuple[Path, int]:
    """The file with the voxels, and the byte at which they begin."""
    name = fields.get("elementdatafile", "")
    if not name:
        raise InputError(f"{path}: its header does not say where the voxels are (ElementDataFile); export it again.")
    if name.upper() == "LOCAL":
        return path, header_length
    if name.upper().startswith("LIST") or "%" in name:
        raise InputError(f"{path}: its voxels are spread over several files; save it as one .mha file.")
    skipped = _numbers(path, fields, "HeaderSize", count=1)
    if skipped is None:
        return detached_data_path(path, name), 0
    if not float(skipped[0]).is_integer() or skipped[0] < -1:
        raise InputError(f"{path}: HeaderSize in its header is not a number of bytes; repair it.")
    return detached_data_path(path, name), max(0, int(skipped[0]))


def _at_the_end(stored: StoredVoxels) -> StoredVoxels:
    """HeaderSize = -1: the voxels are the last bytes of the data file."""
    from dataclasses import replace

    start = stored.data_path.stat().st_size - stored.all_bytes
    if start < stored.file_offset:
        raise stored.truncated()
    return replace(stored, file_offset=start)


def _geometry(path: Path, fields: dict[str, str]) -> NDArray[np.float64]:
    """MetaImage keeps one direction after the other, and the first voxel's centre, in LPS mm."""
    dimensions = _dimensions(path, fields)
    directions = np.eye(4)
    spacing = np.ones(4)
    origin = np.zeros(4)
    matrix = _numbers(path, fields, "TransformMatrix", "Rotation", "Orientation", count=dimensions**2)
    steps = _numbers(path, fields, "ElementSpacing", "ElementSize", count=dimensions)
    offset = _numbers(path, fields, "Offset", "Position", "Origin", count=dimensions)
    if matrix is not None:
        directions[:dimensions, :dimensions] = matrix.reshape(dimensions, dimensions)
    if steps is not None:
        spacing[:dimensions] = steps
    if offset is not None:
        origin[:dimensions] = offset
    return lps_geometry((directions[:3, :3] * spacing[:3, None]).T, origin[:3])
