"""NIfTI-1 and NIfTI-2, one file or a pair, compressed or not, whatever the file is called.

Headers are understood by nibabel (https://nipy.org/nibabel/nifti_images.html); the voxels are read by
:mod:`stored_voxels`, which notices files that are cut short before memory is taken for them.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .assemble import assemble_volume, scalar_type
from .checks import check_readable
from .first_bytes import first_bytes
from .nifti_geometry import nifti_geometry
from .stored_voxels import StoredVoxels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..volume import Volume

_HEADER_SIZES = (348, 540)  # NIfTI-1 and NIfTI-2
_SINGLE_FILE_MAGIC = (b"n+1\0", b"n+2\0")
_PAIR_MAGIC = (b"ni1\0", b"ni2\0")


def looks_like_nifti(head: bytes) -> bool:
    """Whether uncompressed first bytes are those of a NIfTI (or Analyze 7.5) header: they begin with its size."""
    return any(int.from_bytes(head[:4], order) in _HEADER_SIZES for order in ("little", "big")) and len(head) > 4


def read_nifti(path: Path, *, frame: int | None = None, progress: Callable[[int, int], None] | None = None) -> Volume:
    """Read a NIfTI file as nibabel understands it.

    Orientation: as :func:`nifti_geometry` chooses it; a note says when sform and qform disagree or neither is there.
    Lengths in metres or microns become mm. Slope and intercept are applied.

    :param path: .nii, .nii.gz, or the .hdr or .img of a pair.
    :param frame: 0-based, for 4D files.
    :param progress: called with bytes read and bytes in all.
    :raises FrameChoiceNeededError: 4D and no ``frame``.
    :raises InputError: cannot be read or is not a scalar volume.
    """
    header, magic, header_path = _read_header(path)
    shape_ijk, frame_count = _image_shape(path, header)
    data_path = _data_path(header_path, magic)
    compressed = first_bytes(data_path)[1]
    offset = _data_offset(path, header, magic)
    stored = StoredVoxels(
        path=path,
        data_path=data_path,
        file_offset=0 if compressed else offset,
        stream_offset=offset if compressed else 0,
        encoding="gzip" if compressed else "raw",
        dtype=scalar_type(path, header.get_data_dtype()),
        shape_ijk=shape_ijk,
        frame_count=frame_count,
    )
    slope, intercept = _scaling(path, header)
    ijk_to_ras, notes = nifti_geometry(path, header, shape_ijk)
    return assemble_volume(
        stored, ijk_to_ras, frame=frame, slope=slope, intercept=intercept, notes=notes, progress=progress
    )


def nifti_files(path: Path) -> tuple[Path, ...]:
    """The files of a NIfTI image: one, or the header and the voxels of a pair.

    :raises InputError: no NIfTI header, or half of a pair is missing.
    """
    _, magic, header_path = _read_header(path)
    return tuple(dict.fromkeys((header_path, _data_path(header_path, magic))))


def _data_path(header_path: Path, magic: bytes) -> Path:
    data_path = _image_beside(header_path) if magic in _PAIR_MAGIC else header_path
    check_readable(data_path)
    return data_path


def _read_header(image_path: Path) -> tuple[Any, bytes, Path]:
    """The header as a nibabel object, its magic, and the file that it is in."""
    from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
    from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader
    from nibabel.spatialimages import HeaderDataError

    path = _header_beside(image_path) if image_path.name.lower().endswith((".img", ".img.gz")) else image_path
    head, _ = first_bytes(path)
    size = next((n for n in _HEADER_SIZES if n in (int.from_bytes(head[:4], o) for o in ("little", "big"))), 348)
    magic = head[344:348] if size == 348 else head[4:8]
    if len(head) < size:
        raise InputError(f"{path}: ends within its header; copy or export it again.")
    if magic not in _SINGLE_FILE_MAGIC + _PAIR_MAGIC:
        raise InputError(
            f"{path}: is an Analyze 7.5 image, which does not store its orientation; "
            "convert it to NIfTI with a program that knows how it was acquired."
        )
    classes = {
        b"n+1\0": Nifti1Header, b"ni1\0": Nifti1PairHeader, b"n+2\0": Nifti2Header, b"ni2\0": Nifti2PairHeader,
    }  # fmt: skip
    try:
        header = classes[magic].from_fileobj(io.BytesIO(head[:size]), check=False)
        header.check_fix(logger=_silent_logger())
    except (HeaderDataError, ValueError) as error:
        raise InputError(f"{path}: its NIfTI header is not valid ({error}); repair it or export it again.") from None
    return header, magic, path


def _silent_logger() -> logging.Logger:
    """For nibabel's remarks on small errors that it mends; its own logger prints them to stderr."""
    logger = logging.Logger("nibabel header checks")  # noqa: LOG001 - a registered one would outlive the call
    logger.addHandler(logging.NullHandler())
    return logger


def _image_beside(header_path: Path) -> Path:
    return _partner(header_path, "hdr", "img")


def _header_beside(image_path: Path) -> Path:
    return _partner(image_path, "img", "hdr")


def _partner(path: Path, ending: str, other: str) -> Path:
    """The other file of a NIfTI pair; either may be compressed, and Windows may have made the names upper case."""
    stem = path.name[: path.name.lower().rfind(f".{ending}")]
    for suffix in (f".{other}", f".{other}.gz", f".{other.upper()}"):
        if (candidate := path.with_name(stem + suffix)).is_file():
            return candidate
    raise InputError(f"{path}: belongs to a pair of files and {stem}.{other} is not beside it; put both in one folder.")


def _image_shape(path: Path, header: Any) -> tuple[tuple[int, int, int], int]:
    """Voxels along i, j, k and the number of frames."""
    shape = [int(size) for size in header.get_data_shape()]
    if any(size < 1 for size in shape) or len(shape) < 2:
        sizes = " x ".join(str(size) for size in shape) or "no dimensions"
        raise InputError(f"{path}: holds no image ({sizes}); repair the header or export it again.")
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) > 4:
        raise InputError(
            f"{path}: has {len(shape)} dimensions ({' x '.join(str(size) for size in shape)}); "
            "save one 3D or 4D image of it."
        )
    i, j, k, frames = (*shape, 1, 1)[:4]
    return (i, j, k), frames


def _data_offset(path: Path, header: Any, magic: bytes) -> int:
    offset = float(header["vox_offset"])
    # nibabel has checked that the voxels do not begin within the header of a single file.
    if not np.isfinite(offset) or offset < 0:
        raise InputError(f"{path}: its header says that the voxels begin at byte {offset:g}; export it again.")
    return int(offset) if offset or magic in _PAIR_MAGIC else int(header.single_vox_offset)


def _scaling(path: Path, header: Any) -> tuple[float, float]:
    from nibabel.spatialimages import HeaderDataError

    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError:
        raise InputError(f"{path}: its intercept is not a number; repair scl_inter in the header.") from None
    return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))
