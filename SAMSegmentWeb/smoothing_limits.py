"""How far smoothing by hand may look: VTK's filters go through every voxel's neighbourhood, and nothing stops them."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from trame_slicer.app.ui import SmoothingEffectMode

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_MM, MOST_MM = 0.1, 20.0

_LONGEST_S = 5.0
# Measured with VTK's median, opening, closing and Gaussian: 2 to 9 ns of a core for each voxel and neighbour.
_SECONDS_PER_LOOK = 5e-9
_STEP_MM = 0.1


def most_mm(mode: SmoothingEffectMode, shape: Sequence[int], spacing: Sequence[float]) -> float:
    """The largest kernel, or standard deviation, in mm that takes some seconds at the most in a volume.

    :param shape: of the volume in voxels; ``spacing`` in mm, both along the same axes.
    """
    looks = _gaussian_looks if mode is SmoothingEffectMode.GAUSSIAN else _kernel_looks
    affordable = _LONGEST_S * (os.cpu_count() or 1) / (_SECONDS_PER_LOOK * math.prod(shape))
    steps = range(round(MOST_MM / _STEP_MM), 0, -1)
    sizes = (round(step * _STEP_MM, 1) for step in steps)
    return next((size for size in sizes if looks(size, spacing) <= affordable), min(LEAST_MM, *spacing))


def limited_mm(value: object, most: float) -> float:
    """A size within the limits; the least for what is no number."""
    number = float(value) if isinstance(value, (int, float)) and math.isfinite(value) else LEAST_MM
    return min(max(number, LEAST_MM), most)  # which is less than the least in microscopic voxels


def _kernel_looks(size: float, spacing: Sequence[float]) -> float:
    """Voxels in a box of this size, of an odd number along each axis, as trame-slicer rounds it."""
    return math.prod(max(1, round((size / length + 1) / 2) * 2 - 1) for length in spacing)


def _gaussian_looks(deviation: float, spacing: Sequence[float]) -> float:
    """Voxels within four standard deviations along each axis: its three passes are one after the other."""
    return sum(2 * math.ceil(4 * deviation / length) + 1 for length in spacing)
