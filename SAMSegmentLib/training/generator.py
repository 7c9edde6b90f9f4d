"""Synthetic slices: everything the built-in model learns from. No real image takes part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .anatomy import draw_anatomy
from .appearance import acquire, choose_modality, display, paint

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SyntheticSlice:
    """An 8-bit slice [row, column] and its label maps [level, row, column] (see :mod:`.anatomy`)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def generate_slice(rng: Generator) -> SyntheticSlice:
    """One random slice of 256 x 256 pixels; the same generator state gives the same slice."""
    anatomy = draw_anatomy(rng)
    modality = choose_modality(rng)
    image, labels = acquire(rng, paint(rng, anatomy, modality), anatomy.labels, modality)
    return SyntheticSlice(display(rng, image, modality), labels)
