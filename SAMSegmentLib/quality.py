"""How likely a slice's mask is to be right, told without a reference.

The numbers are logistic regressions on slices of labelled volumes; docs/benchmarks.md ("Propagation") has the figures
on volumes that were left out of the fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

# A few pixels of a grey value that the key slices do not have must not outweigh everything else.
_LARGEST_LIKENESS = 3.0


@dataclass(frozen=True)
class Evidence:
    """What speaks for a slice's mask.

    :param likeness: mean log-likelihood ratio of its pixels to look like the key slices' inside, not like what is
        around it.
    :param contrast: Hellinger distance of the grey values within it and around it, 0..1.
    :param agreement: 0 where the model's and the moved mask were one on the whole way from the key slice, else below.
    :param key_iou: the model's own estimate of its masks in the key slices, 0..1.
    :param is_fused: whether the slice was reached from two key slices.
    """

    likeness: float
    contrast: float
    agreement: float
    key_iou: float
    is_fused: bool = False

    @property
    def presence(self) -> float:
        """How likely it is that the segment is in the slice at all, 0..1."""
        likeness = max(-_LARGEST_LIKENESS, min(self.likeness, _LARGEST_LIKENESS))
        return _logistic(0.97 + 0.86 * likeness + 1.57 * self.agreement)

    @property
    def confidence(self) -> float:
        """How likely it is that the mask shows the segment, if roughly (Dice above 0.2), 0..1.

        Slices that failed altogether are what a user must find: an estimate of Dice itself found fewer of them.
        """
        return _logistic(
            -0.52 + 2.96 * self.key_iou + 1.25 * self.contrast + 2.34 * self.agreement + 1.45 * self.is_fused
        )

    def fused_with(self, other: Evidence, share: float) -> Evidence:
        """The evidence of two sides together.

        :param share: what this side counts, 0..1; the other counts the rest.
        """
        return replace(
            self,
            likeness=share * self.likeness + (1 - share) * other.likeness,
            contrast=share * self.contrast + (1 - share) * other.contrast,
            agreement=share * self.agreement + (1 - share) * other.agreement,
            is_fused=True,
        )


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
