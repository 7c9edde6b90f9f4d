"""What the last propagation has left, in words: until it is undone, or its key slices are changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from SAMSegmentLib.geometry import slice_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.segmentstate import SegmentState, SliceMask
    from SAMSegmentLib.volume import Volume


KEYS_CHANGED = "Stopped, since a slice that it went from was changed; propagate again."


@dataclass(frozen=True)
class _Result:
    """:param made: the slices that were there because of it."""

    text: str
    made: frozenset[int]


class PropagationResults:
    """Of each segment and orientation the last one."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, Orientation], _Result] = {}

    def clear(self) -> None:
        """Another volume was opened."""
        self._results.clear()

    def keep(
        self, segment_id: str, state: SegmentState, orientation: Orientation, text: str, *, has_made: bool = True
    ) -> None:
        """A propagation has ended, and this is what it has made.

        :param has_made: whether it came to any slice; when none of them is there now, it was undone while it ran.
        """
        made = frozenset(_propagated(state, orientation))
        text = "" if has_made and not made else text
        self._results[segment_id, orientation] = _Result(text, made)

    def text(self, segment_id: str, state: SegmentState, orientation: Orientation) -> str:
        """What there is of it now, and what is to be propagated again; "" when there is nothing, or it was undone."""
        count = len(state.outdated(orientation))
        outdated = f"{count} slice{'s are' if count != 1 else ' is'} from before a change: propagate again."
        return " ".join(filter(None, [self._result(segment_id, state, orientation), outdated if count else ""]))

    def _result(self, segment_id: str, state: SegmentState, orientation: Orientation) -> str:
        """What the last propagation has come to; "" when it is not what is there now."""
        result = self._results.get((segment_id, orientation))
        if result is None or result.made - _propagated(state, orientation) - set(state.key_masks(orientation)):
            return ""
        return result.text


def describe_extent(volume: Volume, state: SegmentState, orientation: Orientation) -> str:
    """Where a segment lies now, how large it is, and whether it was carried to an end of the volume; "" if nowhere."""
    masks = {key[1]: mask for key, mask in state.masks.items() if key[0] is orientation}
    pixels = {index: int(np.count_nonzero(mask.unpack())) for index, mask in masks.items()}
    occupied = [index for index, count in pixels.items() if count]
    if not occupied:
        return ""
    millilitres = sum(pixels.values()) * math.prod(volume.spacing) / 1000
    low, high = min(occupied), max(occupied)
    text = f"The segment is in slices {low} to {high}, {millilitres:.3g} ml."
    ends = [index for index in (0, slice_count(volume, orientation) - 1) if index in occupied]
    if any(masks[index].is_propagated for index in ends):
        text += " It came to the end of the volume: look whether it goes on there."
    return text


def have_changed(before: Mapping[int, SliceMask | None], now: Mapping[int, SliceMask | None]) -> bool:
    """Whether slices to propagate from have come, gone, or other masks than when it began.

    :param before: by index; None where the answer had not come yet.
    """
    return before.keys() != now.keys() or any(_is_another(mask, now[index]) for index, mask in before.items())


def _is_another(before: SliceMask | None, now: SliceMask | None) -> bool:
    return before is not None and (now is None or not before.has_pixels_of(now))


def _propagated(state: SegmentState, orientation: Orientation) -> set[int]:
    made = {key[1] for key, mask in state.masks.items() if key[0] is orientation and mask.is_propagated}
    return made.difference(state.outdated(orientation))
