"""How well a mask agrees with the reference mask of the same slice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, spatial, stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FOUR_NEIGHBOURS = ndimage.generate_binary_structure(2, 1)


@dataclass(frozen=True)
class Overlap:
    """Pixel counts of a mask, of the reference, and of both together."""

    mask: int
    reference: int
    common: int

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|); 1 where both are empty (Dice, 1945)."""
        both = self.mask + self.reference
        return 2 * self.common / both if both else 1.0

    @property
    def iou(self) -> float:
        """|A and B| / |A or B|; 1 where both are empty (Jaccard, 1912)."""
        union = self.mask + self.reference - self.common
        return self.common / union if union else 1.0

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.mask + other.mask, self.reference + other.reference, self.common + other.common)


def overlap(mask: NDArray[np.bool_], reference: NDArray[np.bool_]) -> Overlap:
    """Count the pixels of two masks of the same shape."""
    return Overlap(
        int(np.count_nonzero(mask)), int(np.count_nonzero(reference)), int(np.count_nonzero(mask & reference))
    )


def hausdorff95(mask: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: tuple[float, float]) -> float:
    """95 % Hausdorff distance in mm between the outlines of two masks [row, column] of the same slice.

    Of the distances from each outline pixel to the nearest one of the other outline the 95th percentile is taken, in
    both directions, and the larger of the two (Maier-Hein et al., Metrics reloaded, Nature Methods 2024). An outline
    pixel has a 4-neighbour outside of the mask. Where one mask is empty the answer is the slice's diagonal, the worst
    that any two masks in it can reach; where both are, 0.

    :param spacing: (row, column) distance in mm.
    """
    if not mask.any() or not reference.any():
        is_same = mask.any() == reference.any()
        return 0.0 if is_same else math.hypot(*(n * step for n, step in zip(mask.shape, spacing, strict=True)))
    ours, theirs = (_outline(item) * np.asarray(spacing) for item in (mask, reference))
    there, _ = spatial.KDTree(theirs).query(ours)
    back, _ = spatial.KDTree(ours).query(theirs)
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation of two lists; NaN where one of them is constant or there are fewer than three."""
    if len(first) < 3 or len(set(first)) < 2 or len(set(second)) < 2:
        return math.nan
    return float(stats.spearmanr(first, second).statistic)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(n, 2) rows and columns of the outline's pixels."""
    inner = ndimage.binary_erosion(mask, _FOUR_NEIGHBOURS)
    return np.argwhere(mask & ~inner)
