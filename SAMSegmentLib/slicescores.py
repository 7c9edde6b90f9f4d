"""What is known of how good each slice of a segment is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .geometry import Orientation
    from .segmentstate import SegmentState


# A propagated slice of less confidence is worth a look.
DOUBTFUL_BELOW = 0.7


@dataclass(frozen=True)
class SliceScore:
    """One slice of a segment.

    :param predicted_iou: the model's own estimate, 0..1; None for a mask that no model made.
    :param stability: 0..1; None likewise.
    :param candidate: which of the model's candidates it is.
    :param confidence: how likely a propagated mask is to show the segment, 0..1; None for the others.
    :param is_accepted: whether the user has locked it.
    """

    orientation: Orientation
    index: int
    predicted_iou: float | None
    stability: float | None
    candidate: int
    confidence: float | None = None
    is_accepted: bool = False


def slice_scores(state: SegmentState) -> list[SliceScore]:
    """All slices of a segment, in slice order."""
    masks = sorted(state.masks.items(), key=lambda item: (item[0][0].value, item[0][1]))
    return [
        SliceScore(
            orientation=orientation,
            index=index,
            predicted_iou=mask.predicted_iou,
            stability=mask.stability,
            candidate=mask.candidate,
            confidence=mask.confidence,
            is_accepted=mask.is_accepted,
        )
        for (orientation, index), mask in masks
    ]


def doubtful_slices(state: SegmentState, orientation: Orientation | None) -> list[SliceScore]:
    """The propagated slices that nobody has accepted, the least confident first."""
    scores = (
        score
        for score in slice_scores(state)
        if orientation in (None, score.orientation) and state.masks[score.orientation, score.index].is_propagated
    )
    return sorted(scores, key=lambda score: score.confidence or 0.0)
