"""What the last propagation has left, in words: until it is undone, or its key slices are changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.segmentstate import SegmentState, SliceMask


KEYS_CHANGED = "Stopped, since a slice that it went from was changed; propagate again."


@dataclass(frozen=True)
class _Result:
    """:param key_masks: of the slices that it went from. :param made: the slices that were there because of it."""

    text: str
    key_masks: Mapping[int, SliceMask | None]
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
        self._results[segment_id, orientation] = _Result(text, state.key_masks(orientation), made)

    def text(self, segment_id: str, state: SegmentState, orientation: Orientation) -> str:
        """What there is of it now, "" when nothing has been made, or all of it was undone."""
        result = self._results.get((segment_id, orientation))
        if result is None:
            return ""
        key_masks = state.key_masks(orientation)
        lost = len(result.made - _propagated(state, orientation) - set(key_masks))
        if not lost:
            return result.text
        if key_masks == result.key_masks:
            return ""
        return f"{lost} slice{'s are' if lost != 1 else ' is'} to be made anew: propagate again."


def have_changed(before: Mapping[int, SliceMask | None], now: Mapping[int, SliceMask | None]) -> bool:
    """Whether slices to propagate from have come, gone, or other masks than when it began.

    :param before: by index; None where the answer had not come yet.
    """
    return before.keys() != now.keys() or any(_is_another(mask, now[index]) for index, mask in before.items())


def _is_another(before: SliceMask | None, now: SliceMask | None) -> bool:
    return before is not None and (now is None or not before.has_pixels_of(now))


def _propagated(state: SegmentState, orientation: Orientation) -> set[int]:
    return {key[1] for key, mask in state.masks.items() if key[0] is orientation and mask.is_propagated}
