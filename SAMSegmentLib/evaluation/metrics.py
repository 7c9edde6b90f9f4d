"""How well a mask agrees with the reference mask of the same slice or volume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, spatial, stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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


def hausdorff95(mask: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: Sequence[float]) -> float:
    """95 % Hausdorff distance in mm between the outlines of two masks of one slice, or the surfaces of two in 3D.

    Of the distances from each outline pixel to the nearest one of the other outline the 95th percentile is taken, in
    both directions, and the larger of the two (Maier-Hein et al., Metrics reloaded, Nature Methods 2024). An outline
    pixel has a 4-neighbour (in 3D a 6-neighbour) outside of the mask. Where one mask is empty the answer is the
    diagonal of the slice or volume, the worst that any two masks in it can reach; where both are, 0.

    :param mask: [row, column] or [k, j, i]; the reference has the same shape.
    :param spacing: distance in mm along each axis of the masks, in the same order.
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
    """(n, dimensions) indices of the outline's pixels, or the surface's voxels."""
    # Eroding a whole volume for a small structure would take most of the time.
    box = _bounding_box(mask)
    inside = mask[box]
    inner = ndimage.binary_erosion(inside, ndimage.generate_binary_structure(mask.ndim, 1))
    outline: NDArray[np.intp] = np.argwhere(inside & ~inner) + [along.start for along in box]
    return outline


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box around a mask that is not empty."""
    box: tuple[slice, ...] = ndimage.find_objects(mask.view(np.uint8))[0]
    return box
