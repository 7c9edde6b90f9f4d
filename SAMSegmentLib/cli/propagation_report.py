"""What ``samsegment segment`` says of propagated slices: which to look at, and whether an end was reached."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..geometry import slice_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..geometry import Orientation
    from ..segmentstate import SegmentState
    from ..session import SegmentationSession

_NAMED, _LISTED = 3, 5


def doubtful_sentence(session: SegmentationSession, name: str) -> str | None:
    """The slices of a segment to look at first, None where propagation reached none."""
    scores = session.doubtful_slices(name)[:_NAMED]
    if not scores:
        return None
    slices = [f"{score.orientation.value} {score.index} ({score.confidence or 0:.2f})" for score in scores]
    if len(slices) == 1:
        return f"Look at slice {slices[0]}: propagation reached no other."
    return f"Look first at slices {', '.join(slices[:-1])} and {slices[-1]}: they have the least confidence (0 to 1)."


def doubtful_rows(session: SegmentationSession, name: str) -> list[dict[str, Any]]:
    """The slices of a segment with the least confidence, for JSON."""
    return [
        {"orientation": score.orientation.value, "index": score.index, "confidence": round(score.confidence or 0.0, 6)}
        for score in session.doubtful_slices(name)[:_LISTED]
    ]


def gap_notes(session: SegmentationSession) -> list[str]:
    """Sentences on slices that were left out between others: stops, distances and ranges can do that."""
    return [
        f"Segment {state.name!r} has nothing in {orientation.value} slices {low + 1} to {high - 1}, between others "
        "that it is in."
        for state in session.states
        for orientation in state.carried
        for low, high in pairwise(_occupied(state, orientation))
        if high - low > 1
    ]


def _occupied(state: SegmentState, orientation: Orientation) -> list[int]:
    return sorted(index for (other, index), mask in state.masks.items() if other is orientation and mask.unpack().any())


def end_notes(session: SegmentationSession) -> list[str]:
    """Sentences on segments that were carried to an end of the volume or of the range."""
    return [
        f"Segment {state.name!r} reached the end of the {what} at {orientation.value} slice {index}: "
        "look whether it goes on there, or ended before."
        for state in session.states
        for orientation in state.carried
        for index, what in _ends_reached(session, state, orientation)
    ]


def _ends_reached(
    session: SegmentationSession, state: SegmentState, orientation: Orientation
) -> Iterator[tuple[int, str]]:
    ends_of_volume = 0, slice_count(session.volume, orientation) - 1
    for index in session.slice_range(state.carried[orientation].settings):
        mask = state.masks.get((orientation, index))
        if mask is not None and mask.is_propagated and mask.unpack().any():
            yield index, "volume" if index in ends_of_volume else "range"
