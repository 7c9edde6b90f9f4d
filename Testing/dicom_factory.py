"""Small DICOM files made at test time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def write_image(
    path: Path,
    pixels: NDArray[np.integer],
    *,
    sop_class: str = CT_IMAGE,
    position: ArrayLike | None = (0.0, 0.0, 0.0),
    orientation: ArrayLike | None = AXIAL,
    spacing: ArrayLike | None = (1.0, 1.0),
    **attributes: Any,
) -> Path:
    """Write one DICOM file: a single-frame image, or frames [frame, row, column] without functional groups.

    Other attributes are given by keyword; None leaves one out.
    """
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.FrameOfReferenceUID = "1.2.3.5"
    dataset.Modality = "MR" if sop_class in (MR_IMAGE, ENHANCED_MR_IMAGE) else "CT"
    dataset.PatientName = "Secret^Name"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    geometry = {
        "ImagePositionPatient": position,
        "ImageOrientationPatient": orientation,
        "PixelSpacing": spacing,
    }
    for keyword, numbers in geometry.items():
        if numbers is not None:
            setattr(dataset, keyword, [f"{number:.10g}" for number in np.asarray(numbers, dtype=float)])
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    _save(dataset, path)
    return path


def write_series(
    folder: Path, array: NDArray[np.integer], *, step: ArrayLike = (0.0, 0.0, 2.0), **attributes: Any
) -> list[Path]:
    """Write slices [k, row, column] ``step`` (LPS, mm) apart; names run against the positions.

    Returns the paths in the order of k.
    """
    folder.mkdir(exist_ok=True)
    paths = []
    for k, pixels in enumerate(array):
        path = folder / f"{len(array) - k:03d}.dcm"
        paths.append(write_image(path, pixels, position=k * np.asarray(step), InstanceNumber=k + 1, **attributes))
    return paths


def write_enhanced(path: Path, frames: NDArray[np.integer], items: list[dict[str, Any]], **attributes: Any) -> Path:
    """Write an enhanced multi-frame MR file.

    ``items`` has one entry for each frame: ``position``, and if wanted ``orientation``, ``slope``, ``intercept``,
    ``temporal`` and ``stack``.
    """
    per_frame = []
    for entry in items:
        item = Dataset()
        item.PlanePositionSequence = _item(ImagePositionPatient=list(entry["position"]))
        item.PlaneOrientationSequence = _item(ImageOrientationPatient=list(entry.get("orientation", AXIAL)))
        item.PixelValueTransformationSequence = _item(
            RescaleSlope=entry.get("slope", 1), RescaleIntercept=entry.get("intercept", 0), RescaleType="US"
        )
        item.FrameContentSequence = _item(
            StackID=entry.get("stack", "1"), TemporalPositionIndex=entry.get("temporal", 1)
        )
        per_frame.append(item)
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(PixelSpacing=[2.0, 1.5], SliceThickness=3.0)
    shared.FrameVOILUTSequence = _item(WindowCenter=[50, 400], WindowWidth=[100, 2000])
    return write_image(
        path,
        frames,
        sop_class=ENHANCED_MR_IMAGE,
        position=None,
        orientation=None,
        spacing=None,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(per_frame),
        **attributes,
    )


def numbered(count: int, shape: tuple[int, int] = (6, 5)) -> NDArray[np.int16]:
    """Slices [k, row, column] of different values everywhere: 1000 * k + pixel number."""
    pixels = np.arange(shape[0] * shape[1], dtype=np.int16).reshape(shape)
    return np.stack([pixels + 1000 * k for k in range(count)]).astype(np.int16)


def _item(**attributes: Any) -> Sequence:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return Sequence([item])


def _save(dataset: Dataset, path: Path) -> None:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2")
    dataset.save_as(path, enforce_file_format=True)
