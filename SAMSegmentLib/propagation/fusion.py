"""A slice that was reached from two key slices: both views of it, weighed by their distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .request import PropagatedSlice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..quality import Evidence
    from .follow import Reached
    from .shape import Part

# Scores are kept as small whole numbers: 1/16 is fine enough, and 8 is sure.
_STEPS, _SURE = 16, 127 / 16


@dataclass(frozen=True, eq=False)
class Side:
    """What is kept of a slice as one side sees it: a byte for each pixel around the segment, and a few numbers.

    :param score: int8 [row, column] of ``part``, in 1/16, above 0 in the mask.
    """

    part: Part
    score: NDArray[np.int8]
    predicted_iou: float
    stability: float
    evidence: Evidence
    distance_mm: float

    @classmethod
    def of(cls, reached: Reached, evidence: Evidence) -> Side:
        """Of a slice as it was reached."""
        # What is not connected with the segment is in the score, but not in the mask.
        score = np.where(reached.part.cut(reached.mask), reached.score, np.minimum(reached.score, 0))
        return cls(
            part=reached.part,
            score=np.round(np.clip(score, -_SURE, _SURE) * _STEPS).astype(np.int8),
            predicted_iou=reached.predicted_iou,
            stability=reached.stability,
            evidence=evidence,
            distance_mm=reached.distance_mm,
        )

    def in_slice(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """The scores of the whole slice [row, column]."""
        return self.part.placed(self.score.astype(np.float32) / _STEPS, shape, -_SURE)


def fused(reached: Reached, evidence: Evidence, other: Side) -> PropagatedSlice:
    """Both sides' scores in one: each counts by its nearness to its key slice and by the agreement on its way.

    At a key slice its own side alone counts, so that there is no seam.
    """
    own = Side.of(reached, evidence)
    share = _share(own, other)

    def mean(ours: float, theirs: float) -> float:
        return share * ours + (1 - share) * theirs

    scores = own.in_slice(reached.plane.shape), other.in_slice(reached.plane.shape)
    mask = share * scores[0] + (1 - share) * scores[1] > 0
    if not mask.any():
        # Two sides that see it in different places: the likelier one.
        mask = scores[0 if share >= 0.5 else 1] > 0
    return PropagatedSlice(
        plane=reached.plane,
        mask=mask,
        predicted_iou=mean(own.predicted_iou, other.predicted_iou),
        stability=mean(own.stability, other.stability),
        confidence=own.evidence.fused_with(other.evidence, share).confidence,
    )


def _share(own: Side, other: Side) -> float:
    """What the own side counts, 0..1."""
    near = math.exp(own.evidence.agreement) * other.distance_mm
    far = math.exp(other.evidence.agreement) * own.distance_mm
    return near / (near + far)
