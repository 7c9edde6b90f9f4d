"""One way to write a segmentation; the ending of the file's name chooses the format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError
from .labelmap import check_label_count, write_nifti_labelmap, write_nrrd_labelmap
from .read import files_of_image
from .seg_nrrd import write_seg_nrrd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..segments import Segment
    from ..volume import Volume

# The longer ending comes first: .seg.nrrd is an .nrrd, too.
_FORMATS = {
    ".seg.nrrd": "seg.nrrd",
    ".nrrd": "nrrd",
    ".nii.gz": "nifti",
    ".nii": "nifti",
    ".dcm": "dicom",
}


def check_output(path: Path, volume: Volume | None = None, image: Path | None = None) -> None:
    """Find out before a long computation whether its result can be written.

    :param volume: the image, when it is read already: DICOM SEG refers to the DICOM images it was drawn on.
    :param image: the file or folder that the image is read from.
    :raises OutputError: unknown ending, folder missing or not writable, a folder of that name, not DICOM, or the image
        itself.
    :raises InputError: the image cannot be read.
    """
    path = Path(path)
    format_name = _format(path)
    check_place(path)
    check_not_input(path, image, volume)
    if format_name == "dicom" and volume is not None and not volume.source_frames:
        raise OutputError(
            f"{path}: DICOM SEG refers to DICOM images and {volume.name or 'the image'} is not DICOM; "
            "write .seg.nrrd instead."
        )


def check_place(path: Path) -> None:
    """Find out whether a file of any kind can be written there.

    :raises OutputError: folder missing or not writable, a folder of that name, a write-protected file.
    """
    folder = path.parent
    try:
        is_folder, has_folder = path.is_dir(), folder.is_dir()
    except (OSError, ValueError):
        raise OutputError(f"{str(path)!r}: this cannot be a file name; choose another.") from None
    if is_folder:
        raise OutputError(f"{path}: is a folder; give a file name in it.")
    if not has_folder:
        raise OutputError(f"{path}: the folder {folder} does not exist; create it or choose another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: writing into the folder {folder} is not permitted; choose another.")
    if path.exists() and not os.access(path, os.W_OK):
        raise OutputError(f"{path}: the file is write-protected; choose another name.")


def check_not_input(path: Path, image: Path | None = None, volume: Volume | None = None) -> None:
    """Refuse to write onto a file that the image consists of: its data file and its DICOM files are such, too.

    :param path: the file to be written, of any kind.
    :param image: the file or folder that the image is read from, None when unknown.
    :param volume: the image, when it is read already: only then the files read from a folder are known.
    :raises OutputError: it is one of them, also under another name (a link), or another DICOM image: a folder's other
        series and frames are not to be lost either. An earlier DICOM SEG may be replaced.
    :raises InputError: the image cannot be read.
    """
    files = [] if image is None else [*files_of_image(image)]
    files += [] if volume is None else [frame.path for frame in volume.source_frames]
    try:
        target = path.stat()
    except OSError:
        return  # there is nothing that could be lost
    if any(os.path.samestat(target, file.stat()) for file in dict.fromkeys(files) if file.exists()):
        raise OutputError(f"{path}: is a file of the image itself, which would be lost; choose another name.")
    if _is_dicom_image(path):
        raise OutputError(f"{path}: is a DICOM image, which would be lost; choose another name.")


def _is_dicom_image(path: Path) -> bool:
    if path.suffix.lower() != ".dcm":
        return False
    from .dicom import is_dicom_file, is_segmentation

    return is_dicom_file(path) and not is_segmentation(path)


def write_segmentation(path: Path, volume: Volume, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Write segments in the format that the ending names, completely or not at all.

    .seg.nrrd keeps names, colours and overlaps (for Slicer); .nii, .nii.gz and .nrrd are labelmaps; .dcm is DICOM SEG.

    :param segments: masks on the volume's grid, names unique.
    :returns: notes for the user, one sentence each.
    :raises OutputError: cannot be written there or in that form, larger than memory, or a file of the image; an old
        file stays.
    :raises ValueError: a mask is not on the volume's grid.
    """
    path = Path(path)
    check_output(path, volume)
    _check_segments(path, volume, segments)
    format_name = _format(path)
    if format_name == "seg.nrrd":
        write_seg_nrrd(path, volume, segments)
        return ()
    if format_name == "dicom":
        from .dicom_seg import write_dicom_seg

        write_dicom_seg(path, volume, segments)
        return ()
    write = write_nifti_labelmap if format_name == "nifti" else write_nrrd_labelmap
    return write(path, volume, segments)


def _format(path: Path) -> str:
    name = path.name.lower()
    for ending, format_name in _FORMATS.items():
        if name.endswith(ending) and name != ending:
            return format_name
    raise OutputError(f"{path}: its ending does not name a format; choose one of {', '.join(_FORMATS)}.")


def _check_segments(path: Path, volume: Volume, segments: Sequence[Segment]) -> None:
    if not segments:
        raise OutputError(f"{path}: there are no segments to write; make one first.")
    check_label_count(path, segments)
    for segment in segments:
        if segment.mask.shape != volume.array.shape:
            raise ValueError(f"mask of {segment.name!r}: {segment.mask.shape}, volume {volume.array.shape}")
