"""A second look at the segment from the other two sides.

Slice by slice the surface is smooth within a slice and may step from one to the next. So every slice of the other two
orientations that the segment crosses is asked about, too, prompted by the segment's cross-section, and the three
answers are fused voxel by voxel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..geometry import Orientation, slice_plane
from ..prompts import SlicePrompts
from .shape import FARTHEST, box_of, logits_in_part, mask_prompt, signed_distance
from .solid import Solid

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from numpy.typing import NDArray

    from ..geometry import SlicePlane
    from .request import PropagatedSlice, PropagationRequest, SliceSource

# Fewer pixels say too little of a cross-section.
_SMALLEST_SECTION = 12
# Logits beyond this count as this, and the first pass's signed distance (in the finest voxel side) beyond that as that.
_SUREST, _SHAPE_LIMIT = 8.0, 4.0
_SLAB = 16  # slices of a body that are worked on in one go
# Across slices much thicker than their pixels the other two sides show steps, not outlines.
_LARGEST_ANISOTROPY = 3.0


def second_pass(
    source: SliceSource, request: PropagationRequest, first_pass: Mapping[int, PropagatedSlice], side: int | None
) -> Iterator[PropagatedSlice | None]:
    """Yield None after each slice that was looked at and other pieces of work, then the slices whose mask has changed.

    Key slices keep their masks, and no slice is added. Nothing changes where slices are much thicker than pixels.

    :param first_pass: the slices that propagation has reached, by their index.
    :param side: of the model's logits; None where it takes no mask prompt.
    """
    masks = {index: reached.mask for index, reached in first_pass.items()} | dict(request.key_masks)
    solid = Solid.of(source.volume, request.orientation, masks)
    spacing = source.volume.spacing
    if solid is None or not first_pass or max(spacing) > _LARGEST_ANISOTROPY * min(spacing):
        return
    votes = _Votes.none(solid)
    for orientation in Orientation:
        if orientation is not request.orientation:
            for index in solid.indices(orientation):
                _vote(source, solid, slice_plane(source.volume, orientation, index), votes, side)
                yield None
    distance = yield from _distance(solid)
    seen_again = solid.with_voxels(np.where(votes.count > 0, votes.score + distance > 0, solid.voxels))
    yield None
    seen_again = seen_again.connected_with(request.key_masks, request.orientation)
    if request.fill_holes:
        seen_again = seen_again.without_holes()
    for _, reached in sorted(first_pass.items()):
        mask = seen_again.mask(reached.plane)
        if mask.any() and not np.array_equal(mask, reached.mask):
            yield replace(reached, mask=mask)


@dataclass(frozen=True, eq=False)
class _Votes:
    """For each voxel [k, j, i] of a body's box: the sum of the logits that it got, and from how many slices."""

    score: NDArray[np.float32]
    count: NDArray[np.uint8]

    @classmethod
    def none(cls, solid: Solid) -> _Votes:
        return cls(np.zeros(solid.voxels.shape, np.float32), np.zeros(solid.voxels.shape, np.uint8))


def _vote(source: SliceSource, solid: Solid, plane: SlicePlane, votes: _Votes, side: int | None) -> None:
    mask = solid.mask(plane)
    if np.count_nonzero(mask) < _SMALLEST_SECTION:
        return
    part = solid.part(plane)
    distance = part.placed(signed_distance(part.cut(mask)), plane.shape, -FARTHEST)
    logits = None if side is None else mask_prompt(distance, plane, side)
    (answer,) = source.decode(plane, [SlicePrompts(box=box_of(mask), logits=logits)])
    score = logits_in_part(answer.logits[answer.best], plane, part)
    solid.cut(plane, votes.score)[...] += np.clip(score, -_SUREST, _SUREST)
    solid.cut(plane, votes.count)[...] += 1


def _distance(solid: Solid) -> Generator[None, None, NDArray[np.float32]]:
    """The body's own vote: signed distance to its surface, in the finest voxel side; yields between its parts.

    It is cut off, so that a slab of slices with as many around it tells the same as the whole body.
    """
    sampling = np.array(solid.volume.spacing[::-1]) / min(solid.volume.spacing)
    around = int(np.ceil(_SHAPE_LIMIT / sampling[0])) + 1
    distance = np.empty(solid.voxels.shape, np.float32)
    count = len(distance)
    for first in range(0, count, _SLAB):
        low, last = max(0, first - around), min(count, first + _SLAB)
        slab = _signed_distance(solid.voxels[low : min(count, last + around)], sampling)
        distance[first:last] = slab[first - low : last - low]
        yield
    return distance


def _signed_distance(voxels: NDArray[np.bool_], sampling: NDArray[np.float64]) -> NDArray[np.float32]:
    if voxels.all() or not voxels.any():  # there is no surface that a distance could be measured to
        return np.full(voxels.shape, _SHAPE_LIMIT if voxels.all() else -_SHAPE_LIMIT, np.float32)
    inside = ndimage.distance_transform_edt(voxels, sampling=sampling)
    outside = ndimage.distance_transform_edt(~voxels, sampling=sampling)
    clipped: NDArray[np.float32] = np.clip(inside - outside, -_SHAPE_LIMIT, _SHAPE_LIMIT).astype(np.float32)
    return clipped
