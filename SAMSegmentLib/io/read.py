"""One way to open an image, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InputError
from .checks import check_readable
from .first_bytes import first_bytes
from .metaimage import looks_like_metaimage, metaimage_files, read_metaimage
from .nifti import looks_like_nifti, nifti_files, read_nifti
from .nrrd_image import looks_like_nrrd, nrrd_files, read_nrrd

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..volume import Volume

_READ = ".nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd, .dcm or a DICOM folder"


class _Format(NamedTuple):
    read: Callable[..., Volume]
    files: Callable[[Path], tuple[Path, ...]]


_NIFTI = _Format(read_nifti, nifti_files)
_NRRD = _Format(read_nrrd, nrrd_files)
_METAIMAGE = _Format(read_metaimage, metaimage_files)


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
    image_format = _format(path)
    if image_format is None:
        from .dicom import is_dicom_file, read_dicom

        if not is_dicom_file(path):
            raise _not_an_image(path)
        return read_dicom(path, series=series, frame=frame, progress=progress)
    if series is not None:
        raise InputError(f"{path}: is not DICOM and has no series; leave out --series.")
    return image_format.read(path, frame=frame, progress=progress)


def files_of_image(path: Path) -> tuple[Path, ...]:
    """The files that an image consists of: itself, and the data file of a detached header or the other one of a pair.

    :returns: only ``path`` for DICOM; the files that were read from a folder are ``Volume.source_frames``.
    :raises InputError: the image cannot be read, or one of its files is missing.
    """
    path = Path(path)
    check_readable(path)
    image_format = None if path.is_dir() else _format(path)
    return (path,) if image_format is None else image_format.files(path)


def _format(path: Path) -> _Format | None:
    """How a file is read; None when only DICOM is left."""
    head, compressed = first_bytes(path)
    if head[128:132] == b"DICM":
        return None
    # The voxels of a NIfTI pair have no magic of their own.
    if looks_like_nifti(head) or path.name.lower().endswith((".img", ".img.gz")):
        return _NIFTI
    if compressed:
        raise InputError(f"{path}: is a gzip file without a NIfTI image in it; unpack it and give the image itself.")
    if looks_like_nrrd(head):
        return _NRRD
    if looks_like_metaimage(head):
        return _METAIMAGE
    return None


def _not_an_image(path: Path) -> InputError:
    endings = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
    if path.name.lower().endswith(endings):
        return InputError(f"{path}: is not what its name says, but something else or damaged; copy or export it again.")
    return InputError(f"{path}: is not an image that is read here; give {_READ}.")
