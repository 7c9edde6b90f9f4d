"""What the segment looks like in its key slices, and whether a mask elsewhere looks like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_BINS = 16
# As if a quarter of a pixel of each grey value had been seen: an empty bin is unlikely, not impossible.
_UNSEEN = 0.25
# Signed distances, in pixels, of what is well within a mask, and of the ring around it: the pixels next to the outline
# may be of either side.
_CORE, _NEAR, _FAR = 0.75, 1.0, 3.0


@dataclass(frozen=True, eq=False)
class Greys:
    """How often grey values occur, (16,) each, sum 1: within a mask, and in a ring around it."""

    inside: NDArray[np.float64]
    around: NDArray[np.float64]

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], distance: NDArray[np.float32]) -> Greys:
        """Those of one slice's mask.

        :param pixels: [row, column], 8 bits, of the part of the slice around the mask.
        :param distance: of the same part: signed distance to the mask's outline, positive somewhere (see
            :func:`.shape.signed_distance`). The mask's outermost pixels are left out where it has others.
        """
        core, ring = distance >= _CORE, (distance <= -_NEAR) & (distance >= -_FAR)
        return cls(
            _frequencies(pixels[core if core.any() else distance > 0]),
            _frequencies(pixels[ring] if ring.any() else pixels.ravel()),
        )

    @classmethod
    def mean(cls, several: Iterable[Greys]) -> Greys:
        """The mean of several slices, each counted alike."""
        greys = list(several)
        return cls(
            np.mean([item.inside for item in greys], axis=0),
            np.mean([item.around for item in greys], axis=0),
        )

    def likeness(self, other: Greys) -> float:
        """The mean log-likelihood ratio of another mask's pixels to come from within this mask or from around it.

        Positive where they look like the inside, about 0 where inside and surroundings look alike.
        """
        return float(other.inside @ (np.log(self.inside) - np.log(self.around)))

    @property
    def contrast(self) -> float:
        """How different inside and surroundings are: their Hellinger distance, 0..1."""
        return float(np.sqrt(max(0.0, 1 - np.sqrt(self.inside * self.around).sum())))


def _frequencies(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    counts = np.bincount(values >> 4, minlength=_BINS) + _UNSEEN
    frequencies: NDArray[np.float64] = counts / counts.sum()
    return frequencies
