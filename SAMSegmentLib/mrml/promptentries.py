"""Prompts as a panel lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .promptnodes import BOX, NEGATIVE, POSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..geometry import IJK
    from ..prompts import Box
    from ..segmentstate import SegmentState, SliceKey


@dataclass(frozen=True)
class PromptEntry:
    """A prompt as a panel lists it.

    :param kind: positive, negative or box.
    :param number: among the points, or the boxes, of its slice.
    :param ijk: the voxel; of a box its first corner.
    :param box: None for a point.
    """

    segment_id: str
    key: SliceKey
    kind: str
    number: int
    ijk: IJK
    box: Box | None = None


def entries_of(segment_id: str, state: SegmentState) -> Iterator[PromptEntry]:
    """A segment's prompts, slice by slice."""
    for key, prompts in state.prompts.items():
        for number, point in enumerate(prompts.points):
            yield PromptEntry(segment_id, key, POSITIVE if point.positive else NEGATIVE, number, point.ijk)
        for number, box in enumerate(prompts.boxes):
            yield PromptEntry(segment_id, key, BOX, number, box.ijk_min, box)
