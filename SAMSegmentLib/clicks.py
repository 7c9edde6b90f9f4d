"""The prompts that a click in a slice makes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .geometry import slice_plane
from .prompts import Box, PromptSet

if TYPE_CHECKING:
    from .prompts import Point
    from .segmentstate import SegmentState, SliceKey, SliceMask
    from .volume import Volume


def with_click(volume: Volume, state: SegmentState, key: SliceKey, point: Point) -> PromptSet:
    """The prompts of a slice with one click more.

    The first click in a propagated slice corrects what is there: the box around its mask comes along as a prompt of its
    own, wide enough for the click if that is inside. The click alone would make the model look for any structure there.
    """
    prompts = state.prompts.get(key)
    if prompts is None:
        prompts = PromptSet(*key)
        mask = state.masks.get(key)
        if mask is not None and mask.is_propagated:
            prompts = replace(prompts, boxes=_boxes(volume, key, mask, point))
    return prompts.with_point(point)


def _boxes(volume: Volume, key: SliceKey, mask: SliceMask, point: Point) -> tuple[Box, ...]:
    """The box around a mask, none around an empty one."""
    plane = slice_plane(volume, *key)
    rows, columns = np.nonzero(mask.unpack())
    if not rows.size:
        return ()
    pixels = [(int(columns.min()), int(rows.min())), (int(columns.max()), int(rows.max()))]
    if point.positive:
        pixels.append(plane.ijk_to_pixel(point.ijk))
    (left, top), (right, bottom) = np.min(pixels, axis=0).tolist(), np.max(pixels, axis=0).tolist()
    return (Box(plane.pixel_to_ijk(left, top), plane.pixel_to_ijk(right, bottom)),)
