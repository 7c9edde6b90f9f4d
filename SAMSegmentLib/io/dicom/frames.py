"""The stored frames of DICOM files: where each lies in the patient, and how its values are meant.

Single-frame, enhanced multi-frame (functional groups, DICOM PS3.3 C.7.6.16) and old multi-frame files without
functional groups all become the same :class:`Frame`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...geometry import LPS_TO_RAS
from ...volume import Window
from ..checks import check_memory
from .headers import element_value, items_of

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from pydicom import Dataset

    from .headers import Header

_MAX_FRAMES = 65_536

# By how much direction cosines may miss unit length and right angles; what is beyond the rounding of text with four
# decimals is corrected and said.
_UNIT_TOLERANCE = 1e-2
_UNIT_ROUNDING = 1e-4

# Beyond these a header is damaged: pixels of an electron microscope and of a hall, positions in another town (mm).
_SMALLEST_SPACING_MM, _LARGEST_SPACING_MM = 1e-6, 1e4
_FARTHEST_MM = 1e6

# FrameIncrementPointer of a cine: frames follow each other in time (FrameTime, FrameTimeVector).
_TIME_POINTERS = (0x00181063, 0x00181065)


@dataclass(frozen=True, eq=False)
class Frame:
    """One stored frame.

    :param number: 1-based, within its file.
    :param position: centre of the first pixel, LPS in mm; None when the file does not say.
    :param orientation: 2x3, unit vectors along a row and along a column, LPS.
    :param spacing: distance in mm between rows and between columns, in this order, as PixelSpacing.
    :param slice_spacing: distance to the next slice (or thickness) in mm that the header states, None without.
    :param rescale: slope and intercept from stored to real values.
    :param window: the display window, None without.
    :param stack_id: name of the stack in an enhanced multi-frame file, else "".
    :param time_key: sorts frames that show the same place.
    :param assumptions: what had to be assumed, one sentence each.
    """

    header: Header
    number: int
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64]
    spacing: tuple[float, float]
    slice_spacing: float | None
    rescale: tuple[float, float]
    window: Window | None
    stack_id: str
    time_key: tuple[float, str, float, float, int]
    assumptions: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return int(self.header.dataset.Rows), int(self.header.dataset.Columns)

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the frame, LPS, right-handed with rows and columns."""
        return np.cross(self.orientation[0], self.orientation[1])

    @property
    def pixel_to_ras(self) -> NDArray[np.float64]:
        """4x4 from (column, row, 0, 1) to RAS in mm; the third axis is the unit normal."""
        lps = np.eye(4)
        lps[:3, 0] = self.orientation[0] * self.spacing[1]
        lps[:3, 1] = self.orientation[1] * self.spacing[0]
        lps[:3, 2] = self.normal
        lps[:3, 3] = np.zeros(3) if self.position is None else self.position
        return LPS_TO_RAS @ lps


def frames_of(header: Header) -> list[Frame]:
    """All frames of a file.

    :raises InputError: its frame count or orientation cannot be.
    """
    dataset = header.dataset
    count = _frame_count(header)
    per_frame = items_of(dataset, "PerFrameFunctionalGroupsSequence")
    if per_frame and len(per_frame) != count:
        raise InputError(
            f"{header.path} says that it has {count} frames but describes {len(per_frame)}; "
            "get the file again from its source."
        )
    shared = items_of(dataset, "SharedFunctionalGroupsSequence")[:1]
    frames = []
    for index in range(count):
        groups = [*per_frame[index : index + 1], *shared]
        frames.append(_frame(_Attributes(dataset, groups), header, index))
    if count > 1 and not per_frame:
        pointer = _Attributes(dataset, []).value("", "FrameIncrementPointer")
        return _stacked(frames, in_time=pointer in _TIME_POINTERS)
    return frames


def _frame_count(header: Header) -> int:
    numbers = finite_numbers(header.dataset.get("NumberOfFrames") or 1, 1)
    if numbers is None:
        raise InputError(f"{header.path} does not say how many frames it has; repair its NumberOfFrames.")
    count = int(numbers[0])
    if not 1 <= count <= _MAX_FRAMES:
        raise InputError(f"{header.path} says that it has {count} frames; repair its NumberOfFrames.")
    if count > 1:
        # Before thousands of frames are described that cannot be held anyway.
        check_memory(count * int(header.dataset.Rows) * int(header.dataset.Columns), str(header.path))
    return count


class _Attributes:
    """Attributes of one frame: of its functional groups, the shared ones, or the file, in this order."""

    def __init__(self, dataset: Dataset, groups: list[Dataset]) -> None:
        self._dataset = dataset
        self._groups = groups

    def value(self, group: str, keyword: str) -> Any:
        """The value, None when it is nowhere or cannot be converted."""
        for item in self._groups:
            for attributes in items_of(item, group)[:1]:
                if keyword in attributes:
                    return element_value(attributes, keyword)
        return element_value(self._dataset, keyword)

    def numbers(self, group: str, keyword: str, count: int) -> tuple[float, ...] | None:
        """Exactly ``count`` finite numbers, else None."""
        return finite_numbers(self.value(group, keyword), count)

    def number(self, group: str, keyword: str) -> float | None:
        """The first of one or more finite numbers, else None."""
        value = self.value(group, keyword)
        if isinstance(value, (list, tuple)) or hasattr(value, "__iter__"):
            value = next(iter(value), None)
        numbers = finite_numbers(value, 1)
        return numbers[0] if numbers else None


def finite_numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """``value`` as exactly ``count`` finite numbers, None if it is anything else."""
    if value is None or value == "":
        return None
    try:
        array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (OverflowError, TypeError, ValueError):
        return None
    if array.shape != (count,) or not np.isfinite(array).all():
        return None
    return tuple(float(number) for number in array)


def _frame(attributes: _Attributes, header: Header, index: int) -> Frame:
    assumptions: list[str] = []
    orientation = _orientation(attributes, header, assumptions)
    return Frame(
        header=header,
        number=index + 1,
        position=_position(attributes, header, assumptions),
        orientation=orientation,
        spacing=_pixel_spacing(attributes, assumptions),
        slice_spacing=_slice_spacing(attributes),
        rescale=_rescale(attributes),
        window=_window(attributes),
        stack_id=str(attributes.value("FrameContentSequence", "StackID") or ""),
        time_key=_time_key(attributes, index),
        assumptions=tuple(assumptions),
    )


def _orientation(attributes: _Attributes, header: Header, assumptions: list[str]) -> NDArray[np.float64]:
    numbers = attributes.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    if numbers is None:
        assumptions.append("The file stores no orientation; axial, head first and supine, is assumed.")
        return np.eye(3)[:2]
    vectors: NDArray[np.float64] = np.array(numbers).reshape(2, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    if np.abs(lengths - 1).max() > _UNIT_TOLERANCE or abs(vectors[0] @ vectors[1]) > _UNIT_TOLERANCE:
        raise InputError(
            f"{header.path} stores an orientation that is not two perpendicular unit vectors; "
            "repair its ImageOrientationPatient."
        )
    if np.abs(lengths - 1).max() > _UNIT_ROUNDING:
        assumptions.append(
            "The direction cosines in the file (ImageOrientationPatient) miss unit length by "
            f"{100 * np.abs(lengths - 1).max():.2g} %; they were made unit vectors, which keeps the pixel spacing."
        )
        vectors /= lengths[:, None]
    return vectors


def _position(attributes: _Attributes, header: Header, assumptions: list[str]) -> NDArray[np.float64] | None:
    """The position that the file states for the frame; for all its frames if they have no functional groups."""
    numbers = attributes.numbers("PlanePositionSequence", "ImagePositionPatient", 3)
    if numbers is None:
        assumptions.append("The file stores no position; its first pixel is placed at the origin.")
        return None
    if max(map(abs, numbers)) > _FARTHEST_MM:
        raise InputError(f"{header.path} stores a position more than 1 km away; repair its ImagePositionPatient.")
    return np.array(numbers)


def _stacked(frames: list[Frame], in_time: bool) -> list[Frame]:
    """Frames of an old multi-frame file, which has one position at most: that of its first frame."""
    first = np.zeros(3) if frames[0].position is None else frames[0].position
    step = 0.0 if in_time else frames[0].slice_spacing or 1.0
    note = f"The file stores no position for each of its frames; they are stacked in stored order, {step:g} mm apart."
    return [
        replace(
            frame,
            position=first + index * step * frame.normal,
            assumptions=frame.assumptions if in_time else (*frame.assumptions, note),
        )
        for index, frame in enumerate(frames)
    ]


def _pixel_spacing(attributes: _Attributes, assumptions: list[str]) -> tuple[float, float]:
    spacing = attributes.numbers("PixelMeasuresSequence", "PixelSpacing", 2)
    if spacing is not None and all(map(_is_spacing, spacing)):
        return spacing[0], spacing[1]
    spacing = attributes.numbers("", "ImagerPixelSpacing", 2)
    if spacing is not None and all(map(_is_spacing, spacing)):
        assumptions.append("Pixel spacing is that of the detector (ImagerPixelSpacing), not corrected to the patient.")
        return spacing[0], spacing[1]
    assumptions.append("The file stores no pixel spacing; 1 mm is assumed.")
    return 1.0, 1.0


def _slice_spacing(attributes: _Attributes) -> float | None:
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = attributes.number("PixelMeasuresSequence", keyword)
        # Some scanners write SpacingBetweenSlices with a sign for the direction.
        if value is not None and _is_spacing(abs(value)):
            return abs(value)
    return None


def _is_spacing(value: float) -> bool:
    return _SMALLEST_SPACING_MM <= value <= _LARGEST_SPACING_MM


def _rescale(attributes: _Attributes) -> tuple[float, float]:
    slope = attributes.number("PixelValueTransformationSequence", "RescaleSlope")
    intercept = attributes.number("PixelValueTransformationSequence", "RescaleIntercept")
    # A slope of 0 would make every voxel equal: it is a writer's "not set".
    return slope or 1.0, intercept or 0.0


def _window(attributes: _Attributes) -> Window | None:
    level = attributes.number("FrameVOILUTSequence", "WindowCenter")
    width = attributes.number("FrameVOILUTSequence", "WindowWidth")
    if level is None or width is None or width <= 0:
        return None
    return Window(level, width)


def _time_key(attributes: _Attributes, index: int) -> tuple[float, str, float, float, int]:
    """Temporal position, then acquisition time, trigger time, instance number and frame number."""
    temporal = attributes.number("FrameContentSequence", "TemporalPositionIndex")
    if temporal is None:
        temporal = attributes.number("", "TemporalPositionIdentifier")
    moment = attributes.value("FrameContentSequence", "FrameAcquisitionDateTime") or attributes.value(
        "", "AcquisitionDateTime"
    )
    if not moment:
        moment = f"{attributes.value('', 'AcquisitionDate') or ''}{attributes.value('', 'AcquisitionTime') or ''}"
    trigger = attributes.number("", "TriggerTime")
    instance = attributes.number("", "InstanceNumber")
    return temporal or 0.0, str(moment), trigger or 0.0, instance or 0.0, index
