"""A picture of how sure propagation is of each slice: bars as SVG paths, one path for each colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from SAMSegmentLib.slicescores import DOUBTFUL_BELOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from SAMSegmentLib.slicescores import SliceScore

# The picture is as wide as there are slices, and this high; the page stretches it.
HEIGHT = 100


@dataclass(frozen=True)
class ConfidencePlot:
    """Bars over the slice numbers, as the ``d`` of SVG paths; "" without bars of that kind.

    :param key: slices with prompts, or accepted: they reach the top, since the user made them what they are.
    :param sure: propagated slices.
    :param doubtful: propagated slices that are worth a look.
    """

    key: str
    sure: str
    doubtful: str

    @classmethod
    def of(cls, scores: Iterable[SliceScore]) -> ConfidencePlot:
        """The bars of one orientation's slices."""
        scores = list(scores)
        key = [score for score in scores if score.confidence is None or score.is_accepted]
        propagated = [score for score in scores if score not in key]
        doubtful = [score for score in propagated if is_doubtful(score)]
        return cls(
            _path((score.index, 1.0) for score in key),
            _path((score.index, score.confidence or 0.0) for score in propagated if score not in doubtful),
            _path((score.index, score.confidence or 0.0) for score in doubtful),
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is no bar."""
        return not (self.key or self.sure or self.doubtful)


def is_doubtful(score: SliceScore) -> bool:
    """Whether a propagated slice is worth a look: nobody has accepted it, and it is not likely to be right."""
    return score.confidence is not None and not score.is_accepted and score.confidence < DOUBTFUL_BELOW


def _path(bars: Iterable[tuple[int, float]]) -> str:
    """Bars from the bottom up, one slice wide; the lowest ones can still be seen."""
    tops = ((index, round(HEIGHT * (1 - max(0.04, min(height, 1.0))))) for index, height in bars)
    return "".join(f"M{index} {HEIGHT}V{top}h1V{HEIGHT}z" for index, top in tops)
