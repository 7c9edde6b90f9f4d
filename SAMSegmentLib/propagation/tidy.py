"""What the slices of one interval make together, put in order: loose pieces dropped, holes filled, in 3D."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .solid import Solid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from .request import PropagatedSlice, PropagationRequest, SliceSource


def is_tidied(request: PropagationRequest) -> bool:
    """Whether anything is to be done."""
    return request.connected or request.fill_holes


def tidied(
    source: SliceSource,
    request: PropagationRequest,
    key_masks: Mapping[int, NDArray[np.bool_]],
    made: Mapping[int, PropagatedSlice],
) -> Iterator[PropagatedSlice]:
    """Yield the slices whose mask changes, ascending; it may be empty then.

    An interval is looked at with its own key slices only, so that it depends on no other, and key slices stay.

    :param key_masks: of the interval, bool [row, column] by slice index.
    :param made: the interval's slices by their index.
    """
    masks = {index: reached.mask for index, reached in made.items()} | dict(key_masks)
    solid = Solid.of(source.volume, request.orientation, masks)
    if solid is None:
        return
    if request.connected:
        solid = solid.connected_with(key_masks, request.orientation)
    if request.fill_holes:
        solid = solid.without_holes()
    for _, reached in sorted(made.items()):
        mask = solid.mask(reached.plane)
        if not np.array_equal(mask, reached.mask):
            yield replace(reached, mask=mask)
