"""Cases: folders with an image and its reference masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError
from ..io.checks import check_readable
from ..io.read import read_volume
from .labels import read_reference

if TYPE_CHECKING:
    from pathlib import Path

    from ..volume import Volume
    from .labels import ReferenceLabels

_IMAGE_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


@dataclass(frozen=True)
class CaseFiles:
    """Where one case lies."""

    name: str
    image: Path  # a file, or a DICOM folder
    label: Path
    names: Path | None


@dataclass(frozen=True, eq=False)
class Case:
    """One case, read."""

    name: str
    image: Volume
    reference: ReferenceLabels


def find_cases(folder: Path) -> list[CaseFiles]:
    """The cases in a folder, or the one case that the folder is, in the order of their names.

    A case has ``image.*`` (or a folder ``dicom``) and ``label.*``, and may have ``labels.json`` with the names of the
    labels' numbers. Other folders and files are passed over.

    :raises InputError: there is no such folder, or no case in it.
    """
    check_readable(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a case's folder, or a folder of case folders.")
    candidates = [folder, *sorted(item for item in folder.iterdir() if item.is_dir())]
    cases = [case for case in map(_case_files, candidates) if case]
    if not cases:
        raise InputError(f"{folder}: holds no case; a case is a folder with image.* (or a folder dicom) and label.*.")
    return cases


def read_case(files: CaseFiles) -> Case:
    """Read image and reference masks.

    :raises InputError: one of the files cannot be used; the sentence names it.
    """
    image = read_volume(files.image)
    return Case(files.name, image, read_reference(files.label, image, files.names))


def _case_files(folder: Path) -> CaseFiles | None:
    label = _image_file(folder, "label")
    image = _image_file(folder, "image")
    if image is None and (folder / "dicom").is_dir():
        image = folder / "dicom"
    if image is None or label is None:
        return None
    names = folder / "labels.json"
    return CaseFiles(folder.resolve().name, image, label, names if names.is_file() else None)


def _image_file(folder: Path, stem: str) -> Path | None:
    endings = (*_IMAGE_ENDINGS, ".seg.nrrd")
    return next((path for ending in endings if (path := folder / f"{stem}{ending}").is_file()), None)
