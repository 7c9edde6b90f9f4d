"""NIfTI-1 and NIfTI-2, one file or a pair, compressed or not, whatever the file is called.

Headers are understood by nibabel (https://nipy.org/nibabel/nifti_images.html); the voxels are read by
:mod:`stored_voxels`, which notices files that are cut short before memory is taken for them.
"""

from __future__ import annotations

import gzip
import io
import logging
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .assemble import assemble_volume, scalar_type
from .checks import check_readable, unreadable
from .stored_voxels import StoredVoxels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ..volume import Volume

_GZIP_MAGIC = b"\x1f\x8b"
_HEADER_SIZES = {348: "NIfTI-1", 540: "NIfTI-2"}
_SINGLE_FILE_MAGIC = (b"n+1\0", b"n+2\0")
_PAIR_MAGIC = (b"ni1\0", b"ni2\0")

# sform and qform that differ less than this anywhere in the image differ by rounding only.
_ROUNDING_MM = 0.01

_NO_ORIENTATION = (
    "Its orientation is not stored; it was assumed that i runs to the left, j to anterior and k up, "
    "while Slicer assumes j to posterior: store an orientation before you compare."
)

_MM_PER_UNIT = {"meter": 1000.0, "micron": 0.001}


def looks_like_nifti(head: bytes) -> bool:
    """Whether uncompressed first bytes are those of a NIfTI (or Analyze 7.5) header: they begin with its size."""
    return any(int.from_bytes(head[:4], order) in _HEADER_SIZES for order in ("little", "big")) and len(head) > 4


def read_nifti(path: Path, *, frame: int | None = None, progress: Callable[[int, int], None] | None = None) -> Volume:
    """Read a NIfTI file as nibabel understands it.

    Orientation: the sform when its code is set, else the qform, else nibabel's assumption; a note says when the two
    disagree or neither is there. Lengths in metres or microns become mm. Slope and intercept are applied.

    :param path: .nii, .nii.gz, or the .hdr or .img of a pair.
    :param frame: 0-based, for 4D files.
    :param progress: called with bytes read and bytes in all.
    :raises FrameChoiceNeededError: 4D and no ``frame``.
    :raises InputError: cannot be read or is not a scalar volume.
    """
    header_path = _header_beside(path) if path.name.lower().endswith((".img", ".img.gz")) else path
    header, magic = _read_header(header_path)
    shape_ijk, frame_count = _image_shape(path, header)
    data_path = _image_beside(header_path) if magic in _PAIR_MAGIC else header_path
    check_readable(data_path)
    compressed = _is_gzip(data_path)
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
    ijk_to_ras, notes = _geometry(path, header, shape_ijk)
    return assemble_volume(
        stored, ijk_to_ras, frame=frame, slope=slope, intercept=intercept, notes=notes, progress=progress
    )


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def _read_header(path: Path) -> tuple[Any, bytes]:
    """The header as a nibabel object, and its magic."""
    from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
    from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader
    from nibabel.spatialimages import HeaderDataError

    head = _first_bytes(path)
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
    return header, magic


def _silent_logger() -> logging.Logger:
    """For nibabel's remarks on small errors that it mends; its own logger prints them to stderr."""
    logger = logging.Logger("nibabel header checks")  # noqa: LOG001 - a registered one would outlive the call
    logger.addHandler(logging.NullHandler())
    return logger


def _first_bytes(path: Path, count: int = 540) -> bytes:
    try:
        with path.open("rb") as file:
            if file.read(2) != _GZIP_MAGIC:
                file.seek(0)
                return file.read(count)
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as stream:
                return stream.read(count)
    except EOFError:
        raise InputError(f"{path}: ends within its header; copy or export it again.") from None
    except (zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path}: its gzip compression is damaged; copy or export it again.") from None
    except OSError as error:
        raise unreadable(path, error) from None


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


def _geometry(path: Path, header: Any, shape_ijk: tuple[int, int, int]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    from nibabel.spatialimages import HeaderDataError

    try:
        sform = header.get_sform(coded=True)[0]
        # A damaged qform matters only where it is used.
        qform = None if sform is not None and not _qform_is_sound(header) else header.get_qform(coded=True)[0]
        ijk_to_ras = np.asarray(header.get_best_affine(), dtype=np.float64).copy()
        unit = header.get_xyzt_units()[0]
    except (HeaderDataError, ValueError, KeyError) as error:
        raise InputError(f"{path}: its orientation cannot be understood ({error}); repair the header.") from None
    scale = _MM_PER_UNIT.get(unit, 1.0)
    ijk_to_ras[:3] *= scale
    notes: tuple[str, ...] = ()
    if scale != 1.0:
        notes += (f"Its lengths are stored in {unit}s and were converted to mm.",)
    if sform is None and qform is None:
        # ITK, and so Slicer, takes j to run to posterior: a mask would look mirrored beside the image there.
        notes += (_NO_ORIENTATION,)
    if sform is not None and qform is not None:
        notes += _disagreement(sform * scale, qform * scale, shape_ijk)
    return ijk_to_ras, notes


def _qform_is_sound(header: Any) -> bool:
    from nibabel.spatialimages import HeaderDataError

    try:
        header.get_qform(coded=True)
    except (HeaderDataError, ValueError):
        return False
    return True


def _disagreement(
    sform: NDArray[np.float64], qform: NDArray[np.float64], shape_ijk: tuple[int, int, int]
) -> tuple[str, ...]:
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(shape_ijk) - 1)
    difference = sform - qform
    largest = float(np.linalg.norm(corners @ difference[:3, :3].T + difference[:3, 3], axis=1).max())
    if largest <= _ROUNDING_MM:
        return ()
    return (f"Its two orientations (sform and qform) differ by up to {largest:.3g} mm; the sform was used.",)
