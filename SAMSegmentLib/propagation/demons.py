"""Registration of two small pictures by demons with symmetric forces.

Vercauteren et al., "Diffeomorphic demons: efficient non-parametric image registration", NeuroImage 45 (2009), with the
update of its section 2.3 added and the displacements smoothed, not composed. Numbers are those of ITK's
``FastSymmetricForcesDemonsRegistrationFilter`` with its defaults (a test compares them). That filter is not called
because propagation registers each slice, and a call's fixed costs alone are two thirds of a millisecond, a sixteenth of
what the decoder takes; on pictures of 24 to 48 pixels a side all of this takes less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.float32]
    Field = NDArray[np.float32]

# A step is at most half a pixel long.
_LONGEST_STEP = 0.5
# Grey values that differ by less are alike: nothing is to be moved there, and nothing tells how far.
_SMALLEST_DIFFERENCE = 0.001
# The discrete Gaussian of variance 1 (Lindeberg, 1990: modified Bessel functions), of which two neighbours on each side
# hold 98 %.
_SMOOTHING = np.array([0.0499, 0.2079, 0.4658, 0.2079, 0.0499]) / 0.9814


def demons(before: Picture, now: Picture, start: Field, iterations: int) -> Field:
    """Where each pixel of ``now`` was in ``before``, better than ``start`` says.

    :param before: float32 [row, column].
    :param now: of the same shape. What lies outside of a picture is like its edge.
    :param start: float32 (2, rows, columns), displacements in pixels, along rows first.
    :returns: displacements as ``start`` has them.
    """
    here = np.indices(now.shape, dtype=np.float32)
    twice_now = _twice_gradient(now)
    field = start
    for _ in range(iterations):
        moved = ndimage.map_coordinates(before, here + field, order=1, mode="nearest", output=np.float32)
        difference = now - moved
        # The mean of both gradients is the symmetric force.
        slope = 0.5 * (_twice_gradient(moved) + twice_now)
        force = slope[0] ** 2 + slope[1] ** 2 + (difference / _LONGEST_STEP) ** 2
        force[np.abs(difference) < _SMALLEST_DIFFERENCE] = np.inf
        field = _smoothed(field + slope * (2 * difference / force))
    return field


def _twice_gradient(picture: Picture) -> Field:
    """Differences of the neighbours on either side; 0 at edges, across them."""
    found = np.zeros((2, *picture.shape), dtype=np.float32)
    np.subtract(picture[2:], picture[:-2], out=found[0, 1:-1])
    np.subtract(picture[:, 2:], picture[:, :-2], out=found[1, :, 1:-1])
    return found


def _smoothed(field: Field) -> Field:
    for axis in (1, 2):
        field = ndimage.correlate1d(field, _SMOOTHING, axis=axis, mode="nearest")
    return field
