"""Prompts: what a user says about a slice, in voxels of the volume, and its JSON form.

Points are voxels (i, j, k); boxes are inclusive corner voxels. The JSON form is the contract between the command line,
the viewers and saved sessions (see docs/architecture.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .errors import InputError
from .geometry import IJK, Orientation

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from .geometry import SlicePlane


_Prompt = TypeVar("_Prompt")

_SET_MEMBERS = {"orientation", "index", "points", "boxes", "candidate"}
_POINT_MEMBERS = {"ijk", "positive"}
_BOX_MEMBERS = {"ijk_min", "ijk_max"}

# A model answers each prompt set with this many masks to choose from.
CANDIDATE_COUNT = 3


@dataclass(frozen=True)
class Point:
    """A click on the voxel ``ijk``: the segment contains it (positive), or does not (negative)."""

    ijk: IJK
    positive: bool = True


@dataclass(frozen=True)
class Box:
    """Inclusive corner voxels around the segment within one slice."""

    ijk_min: IJK
    ijk_max: IJK

    def __post_init__(self) -> None:
        corners = list(zip(self.ijk_min, self.ijk_max, strict=True))
        object.__setattr__(self, "ijk_min", tuple(min(pair) for pair in corners))
        object.__setattr__(self, "ijk_max", tuple(max(pair) for pair in corners))


@dataclass(frozen=True, eq=False)
class MaskPrompt:
    """A model's own low-resolution logits of a neighbouring slice or an earlier answer, [row, column] float32.

    Never saved: it is derived from the other prompts. Two are equal only when they are the same object.
    """

    logits: NDArray[np.float32]


@dataclass(frozen=True)
class PromptSet:
    """All prompts for one segment in one slice."""

    orientation: Orientation
    index: int
    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    mask: MaskPrompt | None = None
    candidate: int | None = None  # the user's choice among the candidates; None: the best by the model's rule

    @property
    def key(self) -> tuple[Orientation, int]:
        """The slice that the prompts belong to."""
        return self.orientation, self.index

    def __bool__(self) -> bool:
        return bool(self.points or self.boxes or self.mask)

    def with_point(self, point: Point) -> PromptSet:
        """A copy with one point more; a candidate chosen before does not apply any more."""
        return replace(self, points=(*self.points, point), candidate=None)

    def with_box(self, box: Box) -> PromptSet:
        """A copy with one box more; a candidate chosen before does not apply any more."""
        return replace(self, boxes=(*self.boxes, box), candidate=None)

    def without_point(self, number: int) -> PromptSet:
        """A copy without one of its points; a candidate chosen before does not apply any more.

        :raises InputError: there is no such point.
        """
        return replace(self, points=_without(self.points, number, "point"), candidate=None)

    def without_box(self, number: int) -> PromptSet:
        """A copy without one of its boxes; a candidate chosen before does not apply any more.

        :raises InputError: there is no such box.
        """
        return replace(self, boxes=_without(self.boxes, number, "box"), candidate=None)

    def to_json(self) -> dict[str, Any]:
        """Plain data for :mod:`json`."""
        data: dict[str, Any] = {
            "orientation": self.orientation.value,
            "index": self.index,
            "points": [{"ijk": list(point.ijk), "positive": point.positive} for point in self.points],
            "boxes": [{"ijk_min": list(box.ijk_min), "ijk_max": list(box.ijk_max)} for box in self.boxes],
        }
        if self.candidate is not None:
            data["candidate"] = self.candidate
        return data

    @classmethod
    def from_json(cls, data: Any) -> PromptSet:
        """The inverse of :meth:`to_json`.

        :raises InputError: a member is missing or of the wrong kind; the sentence names it.
        """
        members = known_members(data, "a prompt set", _SET_MEMBERS)
        try:
            orientation = Orientation(members.get("orientation", Orientation.AXIAL.value))
        except ValueError as error:
            names = ", ".join(item.value for item in Orientation)
            raise InputError(f"Prompts: orientation {members['orientation']!r} is none of {names}.") from error
        points = tuple(_point(item) for item in _sequence(members.get("points", []), "points"))
        boxes = tuple(_box(item) for item in _sequence(members.get("boxes", []), "boxes"))
        candidate = members.get("candidate")
        if candidate is not None and _integer(candidate, "candidate") not in range(CANDIDATE_COUNT):
            raise InputError(f"Prompts: candidate is 0 to {CANDIDATE_COUNT - 1}, not {candidate}.")
        if not points and not boxes:
            raise InputError("Prompts: a prompt set needs at least one point or box.")
        return cls(orientation, _integer(members.get("index"), "index"), points, boxes, candidate=candidate)


@dataclass(frozen=True)
class SlicePrompts:
    """Prompts in the pixels of one slice, as a model takes them.

    :param points: (n, 2) float64 (column, row), pixel centres at integers.
    :param positive: (n,) bool.
    :param box: inclusive pixel corners (column0, row0, column1, row1), or None.
    :param logits: the model's own low-resolution logits [row, column] of an earlier answer, or None.
    """

    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    positive: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    box: tuple[float, float, float, float] | None = None
    logits: NDArray[np.float32] | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Whether the prompts leave open what is meant: one click alone may mean a part or the whole."""
        return self.box is None and self.logits is None and len(self.points) <= 1


def to_slice_prompts(prompts: PromptSet, plane: SlicePlane) -> SlicePrompts:
    """Voxel prompts as pixels of their slice. Several boxes become the smallest box around all of them.

    :raises InputError: a prompt lies in another slice or outside of it.
    """
    pixels = [_pixel(plane, point.ijk) for point in prompts.points]
    corners = [_pixel(plane, corner) for box in prompts.boxes for corner in (box.ijk_min, box.ijk_max)]
    box = None
    if corners:
        columns, rows = zip(*corners, strict=True)
        box = (float(min(columns)), float(min(rows)), float(max(columns)), float(max(rows)))
    return SlicePrompts(
        points=np.asarray(pixels, dtype=np.float64).reshape(-1, 2),
        positive=np.asarray([point.positive for point in prompts.points], dtype=bool),
        box=box,
        logits=prompts.mask.logits if prompts.mask else None,
    )


def _without(prompts: tuple[_Prompt, ...], number: int, what: str) -> tuple[_Prompt, ...]:
    if not 0 <= number < len(prompts):
        raise InputError(f"There is no {what} {number} on this slice; it has {len(prompts)}, counted from 0.")
    return prompts[:number] + prompts[number + 1 :]


def _pixel(plane: SlicePlane, ijk: IJK) -> tuple[int, int]:
    column, row = plane.ijk_to_pixel(ijk)
    rows, columns = plane.shape
    if not (0 <= column < columns and 0 <= row < rows):
        raise InputError(f"Voxel {tuple(ijk)} lies outside of the volume; its slice is {columns}x{rows} pixels.")
    return column, row


def _point(data: Any) -> Point:
    members = known_members(data, "a point", _POINT_MEMBERS)
    positive = members.get("positive", True)
    if not isinstance(positive, bool):
        raise InputError(f"Prompts: 'positive' of a point is true or false, not {positive!r}.")
    return Point(_ijk(members.get("ijk"), "a point's 'ijk'"), positive)


def _box(data: Any) -> Box:
    members = known_members(data, "a box", _BOX_MEMBERS)
    return Box(_ijk(members.get("ijk_min"), "a box's 'ijk_min'"), _ijk(members.get("ijk_max"), "a box's 'ijk_max'"))


def _ijk(data: Any, what: str) -> IJK:
    values = _sequence(data, what)
    if len(values) != 3:
        raise InputError(f"Prompts: {what} is three whole numbers, not {data!r}.")
    i, j, k = (_integer(value, what) for value in values)
    return i, j, k


def _integer(data: Any, what: str) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise InputError(f"Prompts: {what} must be a whole number, not {data!r}.")
    return data


def known_members(data: Any, what: str, members: Collection[str]) -> dict[str, Any]:
    """The members of a JSON object that somebody may have written by hand.

    :raises InputError: it is no object, or has a member of another name: a slip of the pen must not be passed over.
    """
    if not isinstance(data, dict):
        raise InputError(f"Prompts: {what} must be an object with named members, not {data!r}.")
    unknown = sorted(set(data) - set(members))
    if unknown:
        raise InputError(f"Prompts: {unknown[0]!r} is no member of {what} ({', '.join(sorted(members))}).")
    return data


def _sequence(data: Any, what: str) -> list[Any]:
    if not isinstance(data, list):
        raise InputError(f"Prompts: {what} must be a list, not {data!r}.")
    return data
