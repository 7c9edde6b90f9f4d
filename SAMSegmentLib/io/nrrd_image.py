"""NRRD: .nrrd files, and .nhdr headers with a data file beside them.

Headers are parsed by pynrrd (format: https://teem.sourceforge.net/nrrd/format.html). It is preferred to SimpleITK,
which drops the kinds of the axes and fills missing voxels of a cut file up without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

_MAGIC = b"NRRD000"

_ENCODINGS: dict[str, Encoding] = {
    "raw": "raw",
    "txt": "text",
    "text": "text",
    "ascii": "text",
    "gz": "gzip",
    "gzip": "gzip",
    "bz2": "bzip2",
    "bzip2": "bzip2",
}

# Signs that turn a named space into LPS.
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}

_FRAME_KINDS = {"list", "time", "none", "???"}
_SPATIAL_KINDS = {"domain", "space"}
_MM_PER_UNIT = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "um": 0.001, "": 1.0}


def looks_like_nrrd(head: bytes) -> bool:
    """Whether the first bytes of a file begin an NRRD header."""
    return head.startswith(_MAGIC)


def read_nrrd(path: Path, *, frame: int | None = None, progress: Callable[[int, int], None] | None = None) -> Volume:
    """Read a .nrrd file or a .nhdr header with its data file.

    :param frame: 0-based, for files with a list or time axis.
    :param progress: called with bytes read and bytes in all.
    :raises FrameChoiceNeededError: 4D and no ``frame``.
    :raises InputError: cannot be read or is not a scalar volume, also for a segmentation (.seg.nrrd).
    """
    header, header_length = _header(path)
    if any(key.startswith(("Segment0_", "Segmentation_")) for key in header):
        raise InputError(f"{path}: is a segmentation, not an image; give the image that it was drawn on.")
    sizes = [int(size) for size in header["sizes"]]
    spatial, frame_axis = _axes(path, header, sizes)
    stored = StoredVoxels(
        path=path,
        **_data_place(path, header, header_length),
        encoding=_encoding(path, header),
        dtype=_dtype(path, header),
        shape_ijk=_padded([sizes[axis] for axis in spatial]),
        frame_count=1 if frame_axis is None else sizes[frame_axis],
        frames_interleaved=frame_axis == 0,
    )
    ijk_to_ras, notes = _geometry(path, header, spatial)
    return assemble_volume(stored, ijk_to_ras, frame=frame, notes=notes, progress=progress)


def nrrd_files(path: Path) -> tuple[Path, ...]:
    """The files of an NRRD image: one, or the header and its data file.

    :raises InputError: the header is not valid, or the data file is missing or may not be read.
    """
    place = _data_place(path, *_header(path))
    return tuple(dict.fromkeys((path, place["data_path"])))


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header's fields, and the number of bytes that it takes in the file."""
    import nrrd

    lines, length = read_header_lines(path, lambda line: not line.strip())
    try:
        header: dict[str, Any] = nrrd.read_header(lines)
    except (nrrd.NRRDError, ValueError, IndexError) as error:
        raise InputError(f"{path}: its NRRD header is not valid ({error}); export it again.") from None
    missing = [key for key in ("dimension", "type", "encoding", "sizes") if key not in header]
    if missing:
        raise InputError(f"{path}: its NRRD header lacks {missing[0]!r}; export it again.")
    for key in ("sizes", "kinds", "space directions", "spacings"):
        if key in header and len(header[key]) != header["dimension"]:
            raise InputError(f"{path}: {key!r} in its header is not given for each dimension; repair it.")
    return header, length


def _either(header: dict[str, Any], name: str, default: Any = None) -> Any:
    """A field that the format writes with or without a space in its name."""
    return header.get(name, header.get(name.replace(" ", ""), default))


def _axes(path: Path, header: dict[str, Any], sizes: list[int]) -> tuple[list[int], int | None]:
    """The spatial axes in their order, and the axis of the frames."""
    spatial: list[int] = []
    others: list[int] = []
    for axis in range(len(sizes)):
        (spatial if _is_spatial(header, axis) else others).append(axis)
    if "kinds" not in header and "space directions" not in header:
        # Nothing tells the axes apart: as elsewhere, space comes first.
        spatial, others = spatial[:3], spatial[3:]
    others = [axis for axis in others if sizes[axis] != 1]
    if not 2 <= len(spatial) <= 3 or len(others) > 1:
        raise InputError(f"{path}: has {len(sizes)} dimensions, not 3 of space and one of frames; save one 3D image.")
    if not others:
        return spatial, None
    axis = others[0]
    kind = str(header["kinds"][axis]).lower() if "kinds" in header else "none"
    if kind not in _FRAME_KINDS:
        raise InputError(f"{path}: has several values per voxel ({kind}); convert it to a scalar image.")
    if axis != 0 and any(sizes[behind] != 1 for behind in range(axis + 1, len(sizes))):
        raise InputError(f"{path}: its frames lie between two axes of space; save it with the frames first or last.")
    return spatial, axis


def _is_spatial(header: dict[str, Any], axis: int) -> bool:
    if "space directions" in header:
        direction = header["space directions"][axis]
        return direction is not None and not np.isnan(direction).all()
    if "kinds" in header:
        return str(header["kinds"][axis]).lower() in _SPATIAL_KINDS
    return True


def _padded(sizes: list[int]) -> tuple[int, int, int]:
    i, j, k = (*sizes, 1)[:3]
    return i, j, k


def _encoding(path: Path, header: dict[str, Any]) -> Encoding:
    name = str(header["encoding"]).lower()
    if name not in _ENCODINGS:
        raise InputError(f"{path}: its encoding {name!r} is not read; save it as raw or gzip.")
    return _ENCODINGS[name]


def _dtype(path: Path, header: dict[str, Any]) -> np.dtype:
    code = _type_codes().get(str(header["type"]))
    if code is None:
        raise InputError(f"{path}: its voxels are of type {header['type']!r}, not numbers; convert it.")
    dtype = np.dtype(code)
    if dtype.itemsize == 1 or _encoding(path, header) == "text":
        return dtype
    order = {"little": "<", "big": ">"}.get(str(header.get("endian", "")).lower())
    if order is None:
        raise InputError(f"{path}: its header does not say the byte order (endian); export it again.")
    return np.dtype(order + code)


def _type_codes() -> dict[str, str]:
    """The numpy code of each name of a type; the format has up to seven names for one."""
    integers = {"short": "i2", "int": "i4", "long long": "i8"}
    codes = {"float": "f4", "double": "f8", "uchar": "u1", "ushort": "u2", "uint": "u4"}
    codes |= {"longlong": "i8", "ulonglong": "u8", "signed char": "i1", "unsigned char": "u1"}
    for name, code in integers.items():
        for ending in ("", " int") if name != "int" else ("",):
            codes |= {name + ending: code, f"signed {name}{ending}": code, f"unsigned {name}{ending}": "u" + code[1]}
    for bits in (8, 16, 32, 64):
        for ending in ("", "_t"):
            codes |= {f"int{bits}{ending}": f"i{bits // 8}", f"uint{bits}{ending}": f"u{bits // 8}"}
    return codes


def _data_place(path: Path, header: dict[str, Any], header_length: int) -> dict[str, Any]:
    """Where the voxels begin: ``data_path``, ``file_offset`` and ``stream_offset`` of the stored voxels."""
    name = _either(header, "data file")
    line_skip, byte_skip = int(_either(header, "line skip", 0)), int(_either(header, "byte skip", 0))
    if line_skip or byte_skip < 0:
        raise InputError(f"{path}: 'line skip' and a negative 'byte skip' are not read; save it as one .nrrd file.")
    if name is None:
        data_path, offset = path, header_length
    elif name.upper().startswith("LIST") or "%" in name:
        raise InputError(f"{path}: its voxels are spread over several files; save it as one .nrrd file.")
    else:
        data_path, offset = detached_data_path(path, name), 0
    packed = _encoding(path, header) in {"gzip", "bzip2"}
    return {
        "data_path": data_path,
        "file_offset": offset + (0 if packed else byte_skip),
        "stream_offset": byte_skip if packed else 0,
    }


def _geometry(path: Path, header: dict[str, Any], spatial: list[int]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    signs, notes = _space(path, header)
    vectors = _direction_vectors(path, header, spatial)
    origin = np.asarray(header.get("space origin", np.zeros(3)), dtype=np.float64)
    if origin.shape != (3,):
        raise InputError(f"{path}: its 'space origin' is not three numbers; repair the header.")
    scale = _mm_per_unit(path, header)
    axes = np.stack(vectors, axis=1) * np.array(signs)[:, None] * scale
    return lps_geometry(axes, origin * signs * scale), notes


def _space(path: Path, header: dict[str, Any]) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """Signs that turn the header's space into LPS."""
    space = str(header.get("space", "")).lower()
    if space in _TO_LPS:
        return _TO_LPS[space], ()
    if space.endswith("-time"):
        raise InputError(f"{path}: its axes are given in space and time ({space}); save it in {space[:-5]}.")
    # ITK and Slicer take them so, too.
    return (1, 1, 1), ("Its anatomical directions are not stored; they were assumed to be left, posterior, superior.",)


def _direction_vectors(path: Path, header: dict[str, Any], spatial: list[int]) -> list[NDArray[np.float64]]:
    """One vector of length 3 for each of i, j and k, in mm per voxel; a missing third is made."""
    if "space directions" in header:
        vectors = [np.asarray(header["space directions"][axis], dtype=np.float64) for axis in spatial]
        if any(vector.shape != (3,) for vector in vectors):
            raise InputError(f"{path}: its 'space directions' are not vectors of three numbers; repair the header.")
    else:
        spacings = header.get("spacings", np.ones(header["dimension"]))
        steps = [float(spacings[axis]) for axis in spatial]
        vectors = [np.eye(3)[n] * (1.0 if np.isnan(step) else step) for n, step in enumerate(steps)]
    if len(vectors) == 2:
        normal = np.cross(vectors[0], vectors[1])
        length = np.linalg.norm(normal)
        vectors.append(normal / length if length > 0 else normal)
    return vectors


def _mm_per_unit(path: Path, header: dict[str, Any]) -> float:
    units = {str(unit).strip().lower().replace("µ", "u") for unit in header.get("space units", ())}
    if not units:
        return 1.0
    if len(units) > 1 or not units <= set(_MM_PER_UNIT):
        raise InputError(f"{path}: its lengths are in {', '.join(sorted(units))}; save it in mm.")
    return _MM_PER_UNIT[units.pop()]
