"""From one slice to the next: the mask is moved with the tissue, the model is asked, and both are weighed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..prompts import SlicePrompts
from .appearance import Greys
from .motion import carried
from .request import overlap
from .shape import FARTHEST, Part, box_of, connected_with, logits_in_part, mask_prompt, signed_distance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ..geometry import SlicePlane
    from ..models.interface import Candidates
    from .request import SliceSource

# Weight of the moved mask's signed distance (pixels, at most 4) beside the model's logits.
_SHAPE_WEIGHT, _SHAPE_LIMIT = 1.5, 4.0
# One slice of no overlap at all counts like this one: the logarithm of 0 would never be made good again.
_SMALLEST_AGREEMENT = 0.05
# A way of so little agreement counts for nothing; further down, exponentials would leave the numbers' range.
_LOWEST_AGREEMENT = -20.0


@dataclass(frozen=True, eq=False)
class Reached:
    """One slice as it was reached from a key slice.

    :param part: where in the slice ``score`` lies; outside of it nothing is reached.
    :param score: float32 [row, column] of the part, above 0 in the mask.
    :param mask: bool [row, column] of the whole slice, not empty.
    :param agreement: sum over the way so far of the logarithms of the IoU of the model's mask and the moved one.
    :param greys: of this mask.
    :param distance_mm: from the key slice.
    """

    plane: SlicePlane
    part: Part
    score: NDArray[np.float32]
    mask: NDArray[np.bool_]
    predicted_iou: float
    stability: float
    agreement: float
    greys: Greys
    distance_mm: float


def follow(
    source: SliceSource, key: SlicePlane, mask: NDArray[np.bool_], indices: Iterable[int], side: int | None
) -> Iterator[Reached]:
    """Yield slice after slice as reached from a key slice; ends with the indices or where nothing is left.

    :param mask: of the key slice, bool [row, column].
    :param indices: of the slices, beginning next to the key slice.
    :param side: of the model's logits; None where it takes no mask prompt.
    """
    if not mask.any():
        return
    thickness = source.volume.spacing[key.slice_axis]
    pixels, agreement = source.pixels(key), 0.0
    part, distance = _around(mask)
    for index in indices:
        plane = replace(key, index=index)
        before, pixels = pixels, source.pixels(plane)
        moved = carried(distance, part.cut(before), part.cut(pixels))
        moved_mask = part.placed(moved > 0, plane.shape, False)
        if not moved_mask.any():
            return
        answer, best = _ask(source, plane, moved_mask, part.placed(moved, plane.shape, -FARTHEST), side)
        score = logits_in_part(answer.logits[best], plane, part) + _SHAPE_WEIGHT * np.clip(
            moved, -_SHAPE_LIMIT, _SHAPE_LIMIT
        )
        mask = part.placed(connected_with(score > 0, part.cut(moved_mask)), plane.shape, False)
        if not mask.any():
            return
        agreed = math.log(max(_SMALLEST_AGREEMENT, overlap(answer.masks[best], moved_mask)))
        agreement = max(_LOWEST_AGREEMENT, agreement + agreed)
        part_after, distance = _around(mask)
        yield Reached(
            plane=plane,
            part=part,
            score=score,
            mask=mask,
            predicted_iou=float(answer.predicted_iou[best]),
            stability=float(answer.stability[best]),
            agreement=agreement,
            greys=Greys.of(part_after.cut(pixels), distance),
            distance_mm=abs(index - key.index) * thickness,
        )
        part = part_after


def _around(mask: NDArray[np.bool_]) -> tuple[Part, NDArray[np.float32]]:
    part = Part.around(mask)
    return part, signed_distance(part.cut(mask))


def _ask(
    source: SliceSource,
    plane: SlicePlane,
    mask: NDArray[np.bool_],
    distance: NDArray[np.float32],
    side: int | None,
) -> tuple[Candidates, int]:
    logits = None if side is None else mask_prompt(distance, plane, side)
    (answer,) = source.decode(plane, [SlicePrompts(box=box_of(mask), logits=logits)])
    return answer, answer.best
