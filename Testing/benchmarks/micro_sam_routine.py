"""micro-sam's way through a volume, the named baseline of propagation: same model, same key slices, same prompts.

Written from a description of ``segment_mask_in_volume`` in micro_sam.multi_dimensional_segmentation (Archit et al.,
Segment Anything for Microscopy, Nature Methods 2025); no code of it is used. From the outermost key slices outward, and
between two key slices from both to the middle, the previous slice's mask is projected to the next slice's prompts. A
run stops where mask and previous mask overlap by an IoU below 0.5. The middle slice is asked for with the masks of both
its neighbours together; beyond it there is a hard seam.
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

from SAMSegmentLib.geometry import slice_plane
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.propagation import PropagatedSlice, PropagationRequest, SliceSource, overlap
from SAMSegmentLib.slicegrid import SliceGrid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from SAMSegmentLib.geometry import SlicePlane

SMALLEST_OVERLAP = 0.5
# Logits of a binary mask: those of 0.999 and 0.001.
SURE_LOGIT = 6.9


class Projection(str, Enum):
    """How a mask becomes the next slice's prompts.

    BOX: its box. MASK: its box and its logits. POINTS: its deepest interior point. POINTS_AND_MASK: point and logits.
    """

    BOX = "box"
    MASK = "mask"
    POINTS = "points"
    POINTS_AND_MASK = "points_and_mask"


def propagate_as_micro_sam(
    source: SliceSource, request: PropagationRequest, projection: Projection = Projection.BOX
) -> Iterator[PropagatedSlice]:
    """Yield the slices that the routine reaches; the model's predicted IoU stands for their confidence.

    Of the request, orientation, key masks, ``first`` and ``last`` count; the routine knows nothing of the rest.
    """
    routine = _Routine(source, request, projection)
    keys = sorted(request.key_masks)
    yield from routine.run(keys[0], range(keys[0] - 1, request.first - 1, -1))
    yield from routine.run(keys[-1], range(keys[-1] + 1, request.last + 1))
    for low, high in pairwise(keys):
        if high - low < 2:
            continue
        middle = (low + high) // 2
        yield from routine.run(low, range(low + 1, middle))
        yield from routine.run(high, range(high - 1, middle, -1))
        yield from routine.meet(middle)


class _Routine:
    def __init__(self, source: SliceSource, request: PropagationRequest, projection: Projection) -> None:
        self._source = source
        self._orientation = request.orientation
        self._projection = projection
        self._masks = dict(request.key_masks)
        self._logits_side = _logits_side(source, request) if "mask" in projection.value else 0

    def run(self, key: int, indices: Iterable[int]) -> Iterator[PropagatedSlice]:
        previous = self._masks[key]
        for index in indices:
            if not previous.any():
                return
            reached = self._ask(index, previous)
            if overlap(reached.mask, previous) < SMALLEST_OVERLAP:
                return
            previous = self._masks[index] = reached.mask
            yield reached

    def meet(self, middle: int) -> Iterator[PropagatedSlice]:
        neighbours = [self._masks[index] for index in (middle - 1, middle + 1) if index in self._masks]
        together = np.logical_or.reduce(neighbours) if neighbours else np.zeros(1, dtype=bool)
        if together.any():
            reached = self._ask(middle, together)
            self._masks[middle] = reached.mask
            yield reached

    def _ask(self, index: int, mask: NDArray[np.bool_]) -> PropagatedSlice:
        plane = slice_plane(self._source.volume, self._orientation, index)
        (answer,) = self._source.decode(plane, [self._prompts(plane, mask)])
        predicted_iou, stability = (float(item[answer.best]) for item in (answer.predicted_iou, answer.stability))
        return PropagatedSlice(plane, answer.masks[answer.best], predicted_iou, stability, confidence=predicted_iou)

    def _prompts(self, plane: SlicePlane, mask: NDArray[np.bool_]) -> SlicePrompts:
        logits = mask_logits(mask, plane.spacing, self._logits_side) if self._logits_side else None
        if self._projection in {Projection.BOX, Projection.MASK}:
            return SlicePrompts(box=box_around(mask), logits=logits)
        return SlicePrompts(points=np.array([deepest_point(mask)]), positive=np.array([True]), logits=logits)


def box_around(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Inclusive pixel corners (column0, row0, column1, row1)."""
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def deepest_point(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """(column, row) of the pixel farthest from the outside; the slice's border is outside."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return float(column), float(row)


def mask_logits(mask: NDArray[np.bool_], spacing: tuple[float, float], side: int) -> NDArray[np.float32]:
    """A binary mask as low-resolution logits, +6.9 inside and -6.9 outside, between them where a logit covers both."""
    rows, columns = SliceGrid.fit(mask.shape, spacing, side).model_shape
    image = Image.fromarray(mask.astype(np.float32)).resize((columns, rows), Image.Resampling.BILINEAR)
    part = np.clip(np.asarray(image), 1e-3, 1 - 1e-3)
    logits = np.full((side, side), -SURE_LOGIT, dtype=np.float32)
    logits[:rows, :columns] = np.log(part / (1 - part))
    return logits


def _logits_side(source: SliceSource, request: PropagationRequest) -> int:
    """How many logits a side the model takes: as many as it answers with."""
    index, mask = next(item for item in sorted(request.key_masks.items()) if item[1].any())
    plane = slice_plane(source.volume, request.orientation, index)
    (answer,) = source.decode(plane, [SlicePrompts(box=box_around(mask))])
    return int(answer.logits.shape[-1])
