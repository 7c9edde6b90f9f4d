"""A stack put in order: one frame for each place, places judged for regular spacing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...geometry import LPS_TO_RAS
from ..choices import FrameChoiceNeededError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .frames import Frame

# Positions closer than this (mm along the normal) are the same place.
_SAME_PLACE_MM = 1e-3

# Differences that are only rounding, of a gap from the usual one and of a position from the regular one: 1 % of the
# spacing or 0.01 mm (and a trifle, as binary fractions need), yet never a large part of a very small spacing.
_ROUNDING_PART = 0.01
_ROUNDING_MM = 0.010001
_LARGEST_ROUNDING_PART = 0.1

# In-plane distance in mm by which a slice may miss the line through the first and the last slice.
_OFF_LINE_MM = 0.1
_OFF_LINE_PIXELS = 0.25


@dataclass(frozen=True)
class Layout:
    """Frames of one 3D image in order along their normal, and the regular grid that they are brought to.

    :param positions: of the frames along their normal, mm, increasing.
    :param grid: regular positions of the volume's slices; equal to ``positions`` (but for rounding) if they are
        regular themselves.
    :param ijk_to_ras: 4x4 of the volume on that grid, sheared for a tilted gantry.
    :param note: what is wrong with the positions, "" if nothing is.
    """

    frames: tuple[Frame, ...]
    positions: NDArray[np.float64]
    grid: NDArray[np.float64]
    ijk_to_ras: NDArray[np.float64]
    note: str

    @property
    def is_regular(self) -> bool:
        """Whether the frames are the volume's slices as they are."""
        return not self.note

    @property
    def skew_degrees(self) -> float:
        """By how much the angle between a slice's rows and columns misses 90 degrees."""
        axes = self.ijk_to_ras[:3, :2]
        along_row, along_column = (axes / np.linalg.norm(axes, axis=0)).T
        return float(np.degrees(np.arcsin(abs(along_row @ along_column))))

    @property
    def tilt_degrees(self) -> float:
        """Angle between the slices' normal and the way from one slice to the next."""
        axes = self.ijk_to_ras[:3, :3]
        normal = np.cross(axes[:, 0], axes[:, 1])
        cosine = normal @ axes[:, 2] / (np.linalg.norm(normal) * np.linalg.norm(axes[:, 2]))
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def lay_out(frames: tuple[Frame, ...], frame: int | None, source: Path) -> Layout:
    """Order a stack and find its grid.

    :param frame: 0-based choice among the images at the same places (time points, echoes, b-values ...), which are
        ordered by temporal position, acquisition time, trigger time, instance number and frame number.
    :raises FrameChoiceNeededError: there are several and ``frame`` is None.
    :raises InputError: positions are missing or cannot be made regular, or there is no such frame.
    """
    chosen = _choose_time(_by_place(frames, source), frame, source)
    positions = np.array([_along_normal(item, chosen[0].normal) for item in chosen])
    if len(chosen) == 1:
        return Layout(chosen, positions, positions, _affine(chosen, 1), "")
    _require_line(chosen, positions, source)
    count, note = _judge_spacing(positions, source)
    grid = np.linspace(positions[0], positions[-1], count)
    return Layout(chosen, positions, grid, _affine(chosen, count), note)


def _along_normal(frame: Frame, normal: NDArray[np.float64]) -> float:
    return 0.0 if frame.position is None else float(frame.position @ normal)


def _by_place(frames: tuple[Frame, ...], source: Path) -> list[list[Frame]]:
    """Frames in the order of their places along the normal; those at one place in the order of time."""
    if len(frames) > 1 and any(frame.position is None for frame in frames):
        raise InputError(
            f"{source} holds images that store no position in the patient (ImagePositionPatient), "
            "so their order is unknown; open a single one of them."
        )
    normal = frames[0].normal
    ordered = sorted(frames, key=lambda frame: (_along_normal(frame, normal), frame.time_key))
    places = [[ordered[0]]]
    for frame in ordered[1:]:
        if _along_normal(frame, normal) - _along_normal(places[-1][0], normal) <= _SAME_PLACE_MM:
            places[-1].append(frame)
        else:
            places.append([frame])
    return [sorted(place, key=lambda frame: frame.time_key) for place in places]


def _choose_time(places: list[list[Frame]], choice: int | None, source: Path) -> tuple[Frame, ...]:
    count = max(len(place) for place in places)
    for place in places:
        if len(place) < count:
            where = _along_normal(place[0], places[0][0].normal)
            raise InputError(
                f"{source} holds {count} images at most places but {len(place)} at {where:.2f} mm along the slice "
                "normal, so at least one of its frames is incomplete; copy the whole series again."
            )
    if choice is None and count > 1:
        raise FrameChoiceNeededError(
            f"{source} holds {count} frames (images at the same places, such as time points or echoes); "
            f"choose one with --frame 0 to {count - 1}.",
            count,
        )
    if choice is not None and not 0 <= choice < count:
        valid = f"frames 0 to {count - 1}" if count > 1 else "one frame, 0"
        raise InputError(f"{source} holds {valid}, not {choice}; choose another with --frame.")
    return tuple(place[choice or 0] for place in places)


def _require_line(frames: tuple[Frame, ...], positions: NDArray[np.float64], source: Path) -> None:
    origins = np.array([frame.position for frame in frames])
    parts = (positions - positions[0]) / (positions[-1] - positions[0])
    expected = origins[0] + parts[:, None] * (origins[-1] - origins[0])
    off = np.linalg.norm(origins - expected, axis=1).max()
    if off > max(_OFF_LINE_MM, _OFF_LINE_PIXELS * min(frames[0].spacing)):
        raise InputError(
            f"{source} holds slices that are shifted against each other by up to {off:.1f} mm within their plane, "
            "which is no regular volume; resample it with another tool first."
        )


def _judge_spacing(positions: NDArray[np.float64], source: Path) -> tuple[int, str]:
    """How many regular slices to make of the positions, and what is wrong with them ("" if they are regular)."""
    gaps = np.diff(positions)
    # The lower median: of the two gaps that one missing slice among three leaves, the smaller one is the usual.
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    slots = _slots(positions, usual)
    if slots is not None:
        count = int(slots[-1]) + 1
        _require_mostly_measured(count - len(positions), positions, source)
        return count, _missing_note(positions, slots)
    extent = positions[-1] - positions[0]
    count = max(2, int(extent / usual + 0.5) + 1)
    _require_mostly_measured(count - len(positions), positions, source)
    # Four digits tell spacings apart that drift by less than a hundredth of a millimetre.
    return count, (
        f"Slices are unequally spaced ({gaps.min():.4g} to {gaps.max():.4g} mm); they were resampled by linear "
        f"interpolation to {count} slices {extent / (count - 1):.4g} mm apart."
    )


def _slots(positions: NDArray[np.float64], usual: float) -> NDArray[np.int64] | None:
    """Which slices of a regular grid from the first to the last position these are; None if no grid fits them.

    Both the gaps and the positions have to fit but for rounding: differences that are small from each slice to the
    next may add up to a slice that is shown in a wrong place.
    """
    gaps = np.diff(positions)
    rounding = min(max(_ROUNDING_MM, _ROUNDING_PART * usual), _LARGEST_ROUNDING_PART * usual)
    steps = np.rint(gaps / usual)
    if steps.min() < 1 or (np.abs(gaps - steps * usual) > rounding * steps).any():
        return None
    slots = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
    regular = positions[0] + slots * ((positions[-1] - positions[0]) / slots[-1])
    return slots if np.abs(positions - regular).max() <= rounding else None


def _missing_note(positions: NDArray[np.float64], slots: NDArray[np.int64]) -> str:
    """Which slices of the grid were not measured, "" when all were."""
    grid = np.linspace(positions[0], positions[-1], int(slots[-1]) + 1)
    places = [f"{position:.2f}" for position in np.delete(grid, slots)]
    if not places:
        return ""
    many = len(places) != 1
    return (
        f"{len(places)} slice{'s are' if many else ' is'} missing, at {', '.join(places)} mm along the slice "
        f"normal; {'they were' if many else 'it was'} filled by linear interpolation."
    )


def _require_mostly_measured(invented: int, positions: NDArray[np.float64], source: Path) -> None:
    if invented > len(positions):
        gaps = np.diff(positions)
        widest = int(gaps.argmax())
        raise InputError(
            f"{source} has a hole of {gaps[widest]:.1f} mm between its slices at {positions[widest]:.2f} and "
            f"{positions[widest + 1]:.2f} mm, too wide to fill; copy the parts into folders of their own."
        )


def _affine(frames: tuple[Frame, ...], count: int) -> NDArray[np.float64]:
    """4x4 of the volume with ``count`` slices from the first to the last frame."""
    first = frames[0]
    affine = first.pixel_to_ras
    if count == 1 or first.position is None or frames[-1].position is None:
        affine[:3, 2] *= first.slice_spacing or 1.0
    else:
        affine[:3, 2] = LPS_TO_RAS[:3, :3] @ (frames[-1].position - first.position) / (count - 1)
    return affine
