"""One way to open an image, whatever its format."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .checks import check_readable, unreadable
from .metaimage import looks_like_metaimage, read_metaimage
from .nifti import looks_like_nifti, read_nifti
from .nrrd_image import looks_like_nrrd, read_nrrd

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..volume import Volume

_READ = ".nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd, .dcm or a DICOM folder"

# Enough to tell every format: DICOM's prefix ends at 132, NIfTI's magic at 348.
_HEAD_BYTES = 1024


def read_volume(
    path: Path,
    *,
    series: str | None = None,
    frame: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Volume:
    """Read an image file or a DICOM folder.

    The content decides on the format, not the ending: a NIfTI file is read as such also when it is called .nii.gz and
    is not compressed. Sizes are compared with the file and with free memory before anything is allocated.

    :param series: which DICOM series, as :class:`SeriesSummary` names it.
    :param frame: 0-based 3D frame of a 4D image.
    :param progress: called with steps done and steps in all (bytes, or DICOM files).
    :raises SeriesChoiceNeededError: several DICOM series and no ``series``.
    :raises FrameChoiceNeededError: several frames and no ``frame``.
    :raises InputError: in one sentence, why it cannot be read and what to do.
    """
    path = Path(path)
    check_readable(path)
    if path.is_dir():
        from .dicom import read_dicom

        return read_dicom(path, series=series, frame=frame, progress=progress)
    head, compressed = _head(path)
    read_image = _reader(path, head, compressed)
    if read_image is None:
        from .dicom import is_dicom_file, read_dicom

        if not is_dicom_file(path):
            raise _not_an_image(path)
        return read_dicom(path, series=series, frame=frame, progress=progress)
    if series is not None:
        raise InputError(f"{path}: is not DICOM and has no series; leave out --series.")
    return read_image(path, frame=frame, progress=progress)


def _head(path: Path) -> tuple[bytes, bool]:
    """The first bytes, decompressed, and whether they were compressed."""
    try:
        with path.open("rb") as file:
            head = file.read(16 * _HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
    if not head.startswith(b"\x1f\x8b"):
        return head[:_HEAD_BYTES], False
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES), True
    except zlib.error:
        raise InputError(f"{path}: its gzip compression is damaged; copy or export it again.") from None


def _reader(path: Path, head: bytes, compressed: bool) -> Callable[..., Volume] | None:
    """The function that reads it; None when only DICOM is left."""
    if head[128:132] == b"DICM":
        return None
    # The voxels of a NIfTI pair have no magic of their own.
    if looks_like_nifti(head) or path.name.lower().endswith((".img", ".img.gz")):
        return read_nifti
    if compressed:
        raise InputError(f"{path}: is a gzip file without a NIfTI image in it; unpack it and give the image itself.")
    if looks_like_nrrd(head):
        return read_nrrd
    if looks_like_metaimage(head):
        return read_metaimage
    return None


def _not_an_image(path: Path) -> InputError:
    endings = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
    if path.name.lower().endswith(endings):
        return InputError(f"{path}: is not what its name says, but something else or damaged; copy or export it again.")
    return InputError(f"{path}: is not an image that is read here; give {_READ}.")
