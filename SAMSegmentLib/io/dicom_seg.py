"""Segments written as a DICOM Segmentation object (DICOM PS3.3 A.51), frame by frame on the images they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..errors import InputError, OutputError
from ..geometry import apply_transform
from ..segments import one_line
from .atomic import atomic_path
from .checks import check_memory
from .dicom.headers import quiet_libraries, reading_errors
from .dicom.seg_sources import seg_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from highdicom.seg import Segmentation, SegmentDescription
    from numpy.typing import NDArray

    from ..segments import Segment
    from ..volume import SourceFrame, Volume
    from .dicom.seg_sources import SegSources

_MANUFACTURER = "SAMSegment"
# DICOM asks for a serial number; software has none.
_SERIAL_NUMBER = "0"
# Behind the numbers that scanners give, as most workstations do for derived series.
_SERIES_NUMBER = 9000

# How far (in voxels) a frame's pixels may lie from the centres of a slice's voxels to be called the same.
_SAME_PLACE_VOXELS = 0.01

# The longest text that SegmentLabel (VR LO) may hold.
_LONGEST_LABEL = 64


def write_dicom_seg(path: Path, volume: Volume, segments: Sequence[Segment]) -> None:
    """Write segments as one binary DICOM Segmentation that refers to the images the volume was read from.

    Each mask is brought from the volume's grid to the pixels of every source frame by the nearest voxel, so that it
    lies exactly on the images also if the volume was resampled; pixels outside of the volume are background. Segments
    may overlap. Their names become labels, their colours recommended display colours; what they show is coded as
    "Anatomical Structure", since only a person could say more. Frames without a segment are left out.

    :param volume: read from DICOM; its source files must still be in their place.
    :param segments: at least one with a voxel; masks bool [k, j, i] on the volume's grid.
    :raises OutputError: the volume has no DICOM source or its source cannot be referred to, nothing is segmented, or
        the file cannot be written (an old file then stays as it was).
    """
    _require_writable(path, volume, segments)
    frames = volume.source_frames
    rows, columns = frames[0].shape
    # The masks, and highdicom's copy of them.
    _require_memory(2 * len(frames) * rows * columns * len(segments), path)
    with quiet_libraries():
        sources = seg_sources(frames, path)
        segmentation = _segmentation(path, sources, _stacked_masks(volume, segments), segments)
        _restore_frame_numbers(segmentation, sources)
        with atomic_path(path) as temporary:
            segmentation.save_as(temporary, enforce_file_format=True)


def masks_on_frame(volume: Volume, frame: SourceFrame, masks: Sequence[NDArray]) -> NDArray[np.bool_]:
    """Masks on the volume's grid seen on one source frame, by the nearest voxel.

    :param masks: each bool [k, j, i].
    :returns: bool [row, column, mask]; False outside of the volume.
    """
    same_slice = _slice_that_is(volume, frame)
    if same_slice is not None:
        return np.stack([mask[same_slice] for mask in masks], axis=2)
    rows, columns = frame.shape
    pixel_to_ijk = volume.ras_to_ijk @ frame.pixel_to_ras
    across = np.arange(columns)[None, :, None] * pixel_to_ijk[:3, 0]
    down = np.arange(rows)[:, None, None] * pixel_to_ijk[:3, 1]
    ijk = np.floor(across + down + (pixel_to_ijk[:3, 3] + 0.5)).astype(np.intp)
    inside = ((ijk >= 0) & (ijk < volume.shape_ijk)).all(axis=2)
    i, j, k = ijk[inside].T
    result = np.zeros((rows, columns, len(masks)), dtype=bool)
    for index, mask in enumerate(masks):
        result[inside, index] = mask[k, j, i]
    return result


def _slice_that_is(volume: Volume, frame: SourceFrame) -> int | None:
    """The k of the volume's slice that has the same pixels in the same places as the frame, None if there is none."""
    columns, rows, slices = volume.shape_ijk
    if frame.shape != (rows, columns):
        return None
    corners = np.array([(i, j, 0) for i in (0, columns - 1) for j in (0, rows - 1)], dtype=np.float64)
    ijk = apply_transform(volume.ras_to_ijk @ frame.pixel_to_ras, corners)
    k = int(np.rint(ijk[0, 2]))
    same = np.abs(ijk - corners - (0, 0, k)).max() < _SAME_PLACE_VOXELS
    return k if same and 0 <= k < slices else None


def _require_writable(path: Path, volume: Volume, segments: Sequence[Segment]) -> None:
    if not volume.source_frames:
        raise OutputError(
            f"{path} cannot be written: DICOM SEG refers to the DICOM images it was made on and this image is not "
            "DICOM; choose a name that ends in .seg.nrrd."
        )
    if not any(segment.mask.any() for segment in segments):
        raise OutputError(f"{path} was not written: no segment has a voxel, and DICOM SEG cannot hold nothing.")
    for segment in segments:
        if segment.mask.shape != volume.array.shape:
            raise OutputError(f"{path} was not written: segment {segment.name} is not on the grid of the image.")


def _require_memory(byte_count: int, path: Path) -> None:
    try:
        check_memory(byte_count, str(path))
    except InputError as error:
        raise OutputError(str(error)) from error


def _stacked_masks(volume: Volume, segments: Sequence[Segment]) -> NDArray[np.uint8]:
    """[frame, row, column, segment], 0 and 1."""
    masks = [np.asarray(segment.mask, dtype=bool) for segment in segments]
    frames = volume.source_frames
    stacked = np.zeros((len(frames), *frames[0].shape, len(masks)), dtype=np.uint8)
    for index, frame in enumerate(frames):
        stacked[index] = masks_on_frame(volume, frame, masks)
    return stacked


def _segmentation(
    path: Path, sources: SegSources, stacked: NDArray[np.uint8], segments: Sequence[Segment]
) -> Segmentation:
    from highdicom import UID
    from highdicom.seg import Segmentation, SegmentationTypeValues

    if not stacked.any():
        raise OutputError(f"{path} was not written: no segment touches a pixel of the DICOM images.")
    # Besides damage: attributes that highdicom copies are missing (AttributeError) or have several values in place of
    # one (TypeError), or the images are of a class that it does not know (KeyError).
    unsuitable: tuple[type[Exception], ...] = (*reading_errors(), AttributeError, KeyError, TypeError)
    descriptions = [_description(number, segment) for number, segment in enumerate(segments, start=1)]
    try:
        return Segmentation(
            source_images=sources.datasets,
            pixel_array=stacked,
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=descriptions,
            series_instance_uid=UID(),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=UID(),
            instance_number=1,
            manufacturer=_MANUFACTURER,
            manufacturer_model_name=_MANUFACTURER,
            software_versions=__version__,
            device_serial_number=_SERIAL_NUMBER,
            content_label="SEGMENTATION",
            content_description="Interactive segmentation",
            series_description="SAMSegment segmentation",
            # Segment names may be in any script, whatever the images are written in.
            specific_character_set="ISO_IR 192",
        )
    except unsuitable as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise OutputError(
            f"{path} cannot be written, since the DICOM headers of the image do not allow for it ({reason}); "
            "choose a name that ends in .seg.nrrd."
        ) from error


def _description(number: int, segment: Segment) -> SegmentDescription:
    from highdicom import UID, AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    # A backslash would separate two values, and a label may not be empty.
    label = one_line(segment.name).replace("\\", "/")[:_LONGEST_LABEL].rstrip() or f"Segment {number}"
    return SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.AnatomicalStructure,
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=_MANUFACTURER, version=__version__, family=codes.DCM.ArtificialIntelligence
        ),
        tracking_uid=UID(),
        tracking_id=label,
        display_color=CIELabColor.from_rgb(*segment.color),
    )


def _restore_frame_numbers(segmentation: Segmentation, sources: SegSources) -> None:
    """Refer to the frames by their numbers in the source file, of which highdicom was shown only those in use."""
    if not sources.frame_numbers:
        return
    references = [
        source
        for item in segmentation.PerFrameFunctionalGroupsSequence
        for derivation in item.DerivationImageSequence
        for source in derivation.SourceImageSequence
    ]
    # Segments on the same frame share one reference object, which must be changed once only.
    for source in {id(reference): reference for reference in references}.values():
        source.ReferencedFrameNumber = sources.frame_numbers[int(source.ReferencedFrameNumber) - 1]
