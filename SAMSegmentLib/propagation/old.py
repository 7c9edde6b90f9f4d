"""Carry a mask from one slice to its neighbours: the box of the last mask is the next slice's prompt.

This is the simplest routine that works: it follows each key slice outward in both directions, half of the way to the
next key slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from .geometry import slice_plane
from .prompts import Box, PromptSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from .geometry import Orientation, SlicePlane
    from .models.interface import Candidates
    from .volume import Volume

# Two neighbouring slices of one object overlap; below this IoU the mask has jumped to something else.
_SMALLEST_OVERLAP = 0.5


@dataclass(frozen=True, eq=False)
class PropagationRequest:
    """Carry the masks of key slices to the slices between and around them.

    :param key_masks: slice index to mask, bool [row, column] in the pixels of that slice; at least one.
    :param first: lowest slice index that may be reached.
    :param last: highest slice index that may be reached, inclusive.
    :param only: the slices that a propagation reached before it was cancelled, when it is done again; None for all.
    """

    orientation: Orientation
    key_masks: Mapping[int, NDArray[np.bool_]]
    first: int
    last: int
    only: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class PropagatedSlice:
    """One slice that propagation reached.

    :param mask: bool [row, column] in the pixels of ``plane``.
    :param predicted_iou: the model's own estimate, 0..1.
    """

    plane: SlicePlane
    mask: NDArray[np.bool_]
    predicted_iou: float


def propagate(
    volume: Volume, request: PropagationRequest, predict: Callable[[PromptSet], Candidates]
) -> Iterator[PropagatedSlice]:
    """Yield slices outward from each key slice, first towards higher indices, then towards lower ones.

    Each direction ends at the range's end, half-way to the next key slice, at an empty mask, and where the mask
    overlaps the previous slice's by an IoU of less than 0.5. Key slices themselves are not yielded.

    :param predict: answers a prompt set with candidates.
    """
    slices = (
        reached
        for key, indices in _outward(request)
        for reached in _follow(volume, request.orientation, request.key_masks[key], indices, predict)
    )
    if request.only is None:
        yield from slices
    else:
        # They are the first ones that it made: slices come in the same order each time.
        yield from islice(slices, len(request.only))


def _outward(request: PropagationRequest) -> Iterator[tuple[int, range]]:
    keys = sorted(request.key_masks)
    borders = [(below + above) // 2 for below, above in pairwise(keys)]
    lowest = [request.first, *(border + 1 for border in borders)]
    highest = [*borders, request.last]
    for key, low, high in zip(keys, lowest, highest, strict=True):
        yield key, range(key + 1, high + 1)
        yield key, range(key - 1, low - 1, -1)


def _follow(
    volume: Volume,
    orientation: Orientation,
    previous: NDArray[np.bool_],
    indices: range,
    predict: Callable[[PromptSet], Candidates],
) -> Iterator[PropagatedSlice]:
    for index in indices:
        if not previous.any():
            return
        plane = slice_plane(volume, orientation, index)
        prompts = PromptSet(orientation, index, boxes=(_box_around(previous, plane),))
        candidates = predict(prompts)
        mask = candidates.masks[candidates.best]
        if overlap(mask, previous) < _SMALLEST_OVERLAP:
            return
        yield PropagatedSlice(plane, mask, float(candidates.predicted_iou[candidates.best]))
        previous = mask


def _box_around(mask: NDArray[np.bool_], plane: SlicePlane) -> Box:
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(
        plane.pixel_to_ijk(int(columns[0]), int(rows[0])),
        plane.pixel_to_ijk(int(columns[-1]), int(rows[-1])),
    )


def overlap(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks of one shape, 0 where both are empty."""
    union = np.count_nonzero(mask | other)
    return np.count_nonzero(mask & other) / union if union else 0.0
