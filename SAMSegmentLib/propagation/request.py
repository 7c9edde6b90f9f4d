"""What is asked of propagation, what it works on and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..geometry import Orientation, SlicePlane
    from ..models.interface import Candidates
    from ..prompts import SlicePrompts
    from ..volume import Volume

# The two key slices around a run of slices; None is the outside.
Interval = tuple[int | None, int | None]


@dataclass(frozen=True, eq=False)
class PropagationRequest:
    """Carry the masks of key slices to the slices between and around them.

    :param key_masks: slice index to mask, bool [row, column] in the pixels of that slice; at least one. They are never
        changed: slices with prompts, and those that the user has accepted.
    :param first: lowest slice index that may be reached.
    :param last: highest slice index that may be reached, inclusive.
    :param only: the slices that a propagation handed over before it was cancelled, when it is done again; None for all.
    :param stops: slices that the segment does not reach.
    :param farthest_mm: distance from the nearest key slice beyond which no slice is reached; None for none.
    :param intervals: those that are wanted, between neighbouring key slices; None for all.
    :param smooth: whether a second pass looks at the segment from the other two sides (see :mod:`.second_pass`).
    :param connected: whether pieces of an interval that do not hang together, in 3D, with its key slices are dropped.
    :param fill_holes: whether cavities within an interval are filled, in 3D.
    """

    orientation: Orientation
    key_masks: Mapping[int, NDArray[np.bool_]]
    first: int
    last: int
    only: tuple[int, ...] | None = None
    stops: tuple[int, ...] = ()
    farthest_mm: float | None = None
    intervals: tuple[Interval, ...] | None = None
    smooth: bool = False
    connected: bool = False
    fill_holes: bool = False


@dataclass(frozen=True, eq=False)
class PropagatedSlice:
    """One slice that propagation reached.

    :param mask: bool [row, column] in the pixels of ``plane``.
    :param predicted_iou: the model's own estimate, 0..1.
    :param stability: as in :class:`Candidates`.
    :param confidence: how likely the mask is to show the segment, 0..1 (see :mod:`SAMSegmentLib.quality`).
    """

    plane: SlicePlane
    mask: NDArray[np.bool_]
    predicted_iou: float
    stability: float
    confidence: float


class SliceSource(Protocol):
    """A model on one volume, slice by slice."""

    @property
    def volume(self) -> Volume:
        """The volume."""

    @property
    def takes_mask_prompts(self) -> bool:
        """Whether the model was trained to take logits as a prompt."""

    def pixels(self, plane: SlicePlane) -> NDArray[np.uint8]:
        """A slice as the model sees it, 8 bits [row, column]."""

    def decode(self, plane: SlicePlane, prompts: Sequence[SlicePrompts]) -> list[Candidates]:
        """One answer for each prompt set on the same slice, in their order."""


def overlap(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks of one shape, 0 where both are empty."""
    union = np.count_nonzero(mask | other)
    return np.count_nonzero(mask & other) / union if union else 0.0
