"""From the files that a user chose to the volume that is opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.io.read import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from SAMSegmentLib.volume import Volume

# Files that say where the others are; the others of such a pair are never opened themselves.
_HEADERS = (".nhdr", ".mhd", ".hdr")
_SINGLE = (".nii", ".nii.gz", ".nrrd", ".mha")


@dataclass(frozen=True)
class Source:
    """What is to be opened: a file or a DICOM folder, and which of its series and frames; None for the only one."""

    path: Path
    series: str | None = None
    frame: int | None = None


def source_of_uploads(folder: Path) -> Source:
    """What a batch of uploaded files is: one image, a header with its data file, or DICOM.

    Files without a folder of their own are put into one whose name says something to the user, unlike the batch's.

    :raises InputError: there is no file, or several images of which one has to be chosen.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise InputError("No file was chosen; open an image file, or a folder with DICOM files.")
    if len(paths) == 1:
        return Source(paths[0])
    headers = [path for path in paths if path.name.lower().endswith(_HEADERS)]
    images = headers or [path for path in paths if path.name.lower().endswith(_SINGLE)]
    if len(images) > 1:
        names = ", ".join(path.name for path in images[:4])
        raise InputError(f"These are {len(images)} images ({names}{', ...' if len(images) > 4 else ''}); open one.")
    return Source(images[0] if images else _named_folder(folder))


def read_source(source: Source, progress: Callable[[int, int], None]) -> Volume:
    """Read a volume; its name is the file's, and no error mentions the server's temporary folders.

    :param progress: called with steps done and steps in all, in the thread that reads.
    :raises SAMSegmentError: as :func:`SAMSegmentLib.io.read.read_volume`.
    """
    try:
        return read_volume(source.path, series=source.series, frame=source.frame, progress=progress)
    except InputError as error:
        error.args = (_without_folders(str(error), source),)
        raise


def with_series(source: Source, selector: str) -> Source:
    """The same source with one of its series chosen."""
    return replace(source, series=selector)


def with_frame(source: Source, frame: int) -> Source:
    """The same source with one of its frames chosen."""
    return replace(source, frame=frame)


def _without_folders(sentence: str, source: Source) -> str:
    # Folders that the user has never seen say nothing.
    return sentence.replace(f"{source.path.parent}/", "")


def _named_folder(folder: Path) -> Path:
    """The folder that the user chose: the browser names it, and it lies in the batch's own."""
    inside = list(folder.iterdir())
    if len(inside) == 1 and inside[0].is_dir():
        return inside[0]
    named = folder / f"selection of {len(inside)} files"
    try:
        named.mkdir(mode=0o700)
        for path in inside:
            path.rename(named / path.name)
    except OSError as error:
        raise InputError(f"The files cannot be kept on this machine ({error.strerror}); open them again.") from error
    return named
