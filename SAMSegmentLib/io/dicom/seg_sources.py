"""Headers of the source images of a DICOM Segmentation, complete enough for highdicom to refer to them.

Real images lack attributes that the standard requires, and old multi-frame files lack functional groups. Here missing
patient and study attributes become empty, never invented, and the geometry is filled in as the volume was read with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import OutputError
from ...geometry import LPS_TO_RAS
from .frames import finite_numbers
from .headers import element_value, items_of, reading_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from pydicom import Dataset

    from ...volume import SourceFrame

# Type 2 in the patient and study modules: present, but empty when unknown.
_EMPTY_WHEN_MISSING = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)

# By how much direction cosines may differ from those that a volume was read with, and be the same.
_COSINE_ROUNDING = 1e-4

_SEXES = ("M", "F", "O")


@dataclass(frozen=True, eq=False)
class SegSources:
    """Source images in the order of the frames.

    :param datasets: one for each frame, or a single one for frames of a multi-frame file, holding just those in use.
    :param frame_numbers: for a multi-frame file, the stored number (1-based) of each frame in use; else empty.
    """

    datasets: tuple[Dataset, ...]
    frame_numbers: tuple[int, ...]


def seg_sources(frames: Sequence[SourceFrame], target: Path) -> SegSources:
    """Read the headers of the source files again and complete them.

    :param target: the file to be written, named in errors.
    :raises OutputError: a source file is gone or damaged, or the frames come from several multi-frame files.
    """
    files = list(dict.fromkeys(frame.path for frame in frames))
    headers = {path: _header(path, target) for path in files}
    first = headers[files[0]]
    _complete_identity(first, target)
    if not any(_is_multiframe(header) for header in headers.values()):
        return SegSources(tuple(_single_frame(headers[frame.path], frame, frames, first) for frame in frames), ())
    if len(files) > 1:
        raise OutputError(
            f"{target} cannot be written: the image comes from several multi-frame files, which DICOM SEG writing "
            "does not support; choose a name that ends in .seg.nrrd."
        )
    _make_multiframe(first, frames)
    return SegSources((first,), tuple(frame.frame for frame in frames))


def _header(path: Path, target: Path) -> Dataset:
    from pydicom import dcmread

    try:
        dataset = dcmread(path, stop_before_pixels=True, force=True)
        # Reading all of it now finds damage while the file can still be named.
        for _ in dataset:
            pass
    except reading_errors() as error:
        raise OutputError(
            f"{target} cannot be written: the image file {path} that it refers to cannot be read any more; "
            "put it back in its place."
        ) from error
    return dataset


def _is_multiframe(dataset: Dataset) -> bool:
    return int(dataset.get("NumberOfFrames") or 1) > 1 or "PerFrameFunctionalGroupsSequence" in dataset


def _complete_identity(dataset: Dataset, target: Path) -> None:
    from pydicom.uid import generate_uid
    from pydicom.valuerep import DA, TM

    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        if not dataset.get(keyword):
            raise OutputError(
                f"{target} cannot be written: the image files lack the {keyword} that DICOM SEG has to refer to; "
                "choose a name that ends in .seg.nrrd."
            )
    for keyword in _EMPTY_WHEN_MISSING:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    _empty_unless(dataset, "PatientBirthDate", DA)
    _empty_unless(dataset, "StudyDate", DA)
    _empty_unless(dataset, "StudyTime", TM)
    if dataset.PatientSex not in _SEXES:
        dataset.PatientSex = ""
    if not dataset.get("FrameOfReferenceUID"):
        # It names a coordinate system, not a person; the same series gets the same one every time.
        dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[str(dataset.SeriesInstanceUID)])


def _empty_unless(dataset: Dataset, keyword: str, valid: Callable[[Any], Any]) -> None:
    """Leave a date or time out that cannot be one, as writing it again would be refused."""
    try:
        valid(dataset.get(keyword) or "")
    except ValueError:
        setattr(dataset, keyword, "")


def _single_frame(dataset: Dataset, frame: SourceFrame, frames: Sequence[SourceFrame], first: Dataset) -> Dataset:
    """Identity and orientation of the first image for all: they agree but for rounding, highdicom wants them equal.

    The text of the first image's direction cosines is kept where the volume was read with these.
    """
    for keyword in (*_EMPTY_WHEN_MISSING, "FrameOfReferenceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(dataset, keyword, first.get(keyword))
    orientation, spacing, position = _geometry(frame)
    if not dataset.get("ImagePositionPatient"):
        dataset.ImagePositionPatient = _decimals(position)
    if frame is frames[0]:
        stated = finite_numbers(dataset.get("ImageOrientationPatient"), 6)
        if stated is None or not np.allclose(stated, orientation, rtol=0, atol=_COSINE_ROUNDING):
            dataset.ImageOrientationPatient = _decimals(orientation)
        dataset.PixelSpacing = _decimals(spacing)
        dataset.SliceThickness = _thickness(dataset, frames)
        # highdicom measures it, and leaves it out where it is not equal.
        dataset.pop("SpacingBetweenSlices", None)
    else:
        dataset.ImageOrientationPatient = first.ImageOrientationPatient
    # A single-frame file that counts its one frame would be taken for a multi-frame one.
    if "NumberOfFrames" in dataset:
        del dataset.NumberOfFrames
    return dataset


def _make_multiframe(dataset: Dataset, frames: Sequence[SourceFrame]) -> None:
    """Functional groups for just the frames in use, with the geometry that they were read with."""
    from pydicom import Dataset
    from pydicom import Sequence as DicomSequence

    orientation, spacing, _ = _geometry(frames[0])
    measures, plane, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = _decimals(spacing)
    measures.SliceThickness = _thickness(dataset, frames)
    plane.ImageOrientationPatient = _decimals(orientation)
    shared.PixelMeasuresSequence = DicomSequence([measures])
    shared.PlaneOrientationSequence = DicomSequence([plane])
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    items = []
    for frame in frames:
        place, item = Dataset(), Dataset()
        place.ImagePositionPatient = _decimals(_geometry(frame)[2])
        item.PlanePositionSequence = DicomSequence([place])
        items.append(item)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(items)
    dataset.NumberOfFrames = len(frames)


def _thickness(dataset: Dataset, frames: Sequence[SourceFrame]) -> Any:
    """SliceThickness as the file states it, else the distance of the first two frames (1 mm for a single one)."""
    groups = [
        (items_of(dataset, keyword) or [dataset])[0]
        for keyword in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
    ]
    measures = [(items_of(group, "PixelMeasuresSequence") or [group])[0] for group in groups]
    for item in (*measures, dataset):
        thickness = element_value(item, "SliceThickness")
        numbers = finite_numbers(thickness, 1)
        if numbers and numbers[0] > 0:
            return thickness
    if len(frames) == 1:
        return _decimals([1.0])[0]
    return _decimals([float(np.linalg.norm(frames[1].pixel_to_ras[:3, 3] - frames[0].pixel_to_ras[:3, 3]))])[0]


def _geometry(frame: SourceFrame) -> tuple[list[float], list[float], list[float]]:
    """ImageOrientationPatient, PixelSpacing (rows first) and ImagePositionPatient of a frame."""
    lps = LPS_TO_RAS @ frame.pixel_to_ras
    column_spacing, row_spacing = np.linalg.norm(lps[:3, :2], axis=0)
    orientation = [*(lps[:3, 0] / column_spacing), *(lps[:3, 1] / row_spacing)]
    return orientation, [row_spacing, column_spacing], list(lps[:3, 3])


def _decimals(values: Sequence[float]) -> list[Any]:
    """Decimal strings as DICOM limits them (16 characters)."""
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in values]
