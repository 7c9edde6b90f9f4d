"""Other ways to ask the model about the next slice, for the table of what was left out of propagation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.propagation.request import overlap
from SAMSegmentLib.propagation.shape import box_of, mask_prompt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from SAMSegmentLib.geometry import SlicePlane
    from SAMSegmentLib.models.interface import Candidates
    from SAMSegmentLib.propagation.request import SliceSource

# Negative clicks lie about this far, in pixels, out of the moved mask, to its four sides.
_RING = 5.0


def ask_with_points(
    source: SliceSource,
    plane: SlicePlane,
    mask: NDArray[np.bool_],
    distance: NDArray[np.float32],
    side: int | None,
    *,
    keeps_box: bool,
) -> tuple[Candidates, int]:
    """With a click at the middle of the moved mask and negative ones around it, beside the box or in its place."""
    points = np.array([_innermost(distance), *_ring(distance, mask)], dtype=np.float64)
    prompts = SlicePrompts(
        points=points,
        positive=np.arange(len(points)) == 0,
        box=box_of(mask) if keeps_box else None,
        logits=None if side is None else mask_prompt(distance, plane, side),
    )
    (answer,) = source.decode(plane, [prompts])
    return answer, answer.best


def ask_and_score(
    source: SliceSource,
    plane: SlicePlane,
    mask: NDArray[np.bool_],
    distance: NDArray[np.float32],
    side: int | None,
) -> tuple[Candidates, int]:
    """With the candidate of the largest product of predicted IoU, stability and IoU with the moved mask."""
    logits = None if side is None else mask_prompt(distance, plane, side)
    (answer,) = source.decode(plane, [SlicePrompts(box=box_of(mask), logits=logits)])
    agreement = np.array([overlap(candidate, mask) for candidate in answer.masks])
    return answer, int(np.argmax(answer.predicted_iou * answer.stability * agreement))


def _innermost(distance: NDArray[np.float32]) -> tuple[int, int]:
    """The middle (column, row) of the pixels that are farthest from the outline."""
    rows, columns = np.nonzero(distance >= distance.max())
    middle = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return int(columns[middle]), int(rows[middle])


def _ring(distance: NDArray[np.float32], mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """One point (column, row) to each side of the mask, where the slice goes on for so long."""
    rows, columns = np.nonzero((distance <= -_RING + 0.75) & (distance > -_RING - 0.75))
    if not rows.size:
        return []
    middle_row, middle_column = (positions.mean() for positions in np.nonzero(mask))
    found = []
    for down, across in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        towards = down * (rows - middle_row) + across * (columns - middle_column)
        aside = np.abs(across * (rows - middle_row)) + np.abs(down * (columns - middle_column))
        best = np.argmax(towards - 2 * aside)
        found.append((int(columns[best]), int(rows[best])))
    return found
