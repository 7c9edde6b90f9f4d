"""Generated volumes for propagation: one object of known shape and ends, in textured, noisy surroundings.

Objects are described in mm around the middle of a field of view of about 78 x 78 x 75 mm, with z across the slices, so
that the same object can be had in isotropic voxels and in thick slices. Flat ends lie between two slices at 1 and at
5 mm, so that it is certain which slice is the last one. Voxels at its edge hold both tissues in
proportion (partial volume); the reference mask is the voxels of which at least half lie in the object.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.volume import Volume

# Where a point (x, y, z) in mm from the middle lies inside; arrays that broadcast to [z, y, x].
Shape = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

FIELD_MM = (78.0, 78.0, 75.0)
ISOTROPIC = (1.0, 1.0, 1.0)
THICK_SLICES = (0.7, 0.7, 5.0)
FLAT_END = 27.5

# Grey values as of an 8-bit image.
BACKGROUND, OBJECT = 80.0, 160.0
NOISE = 0.06 * (OBJECT - BACKGROUND)
TEXTURE = 0.08 * (OBJECT - BACKGROUND)
TEXTURE_MM = 2.5

# A voxel's share is counted on points that are at most this far apart, at least 3 along each axis.
_FINEST_MM = 1.0


@dataclass(frozen=True, eq=False)
class Phantom:
    """A volume with one object to be segmented.

    :param mask: the object, bool [k, j, i].
    :param key: the slice that a user would begin with: the middle of the object's extent unless it says otherwise.
    :param neighbour: another object of the same grey value that touches it, bool [k, j, i], or None.
    """

    name: str
    volume: Volume
    mask: NDArray[np.bool_]
    orientation: Orientation
    key: int
    neighbour: NDArray[np.bool_] | None = None

    @property
    def extent(self) -> range:
        """The slices that the object covers."""
        covered = np.flatnonzero(self.mask.any(axis=(1, 2)))
        return range(int(covered[0]), int(covered[-1]) + 1)


def ellipsoid(spacing: tuple[float, float, float]) -> Phantom:
    """Semi-axes of 14, 18 and 25 mm."""
    return make("ellipsoid", spacing, lambda x, y, z: (x / 14) ** 2 + (y / 18) ** 2 + (z / 25) ** 2 <= 1)


def bent_tube(spacing: tuple[float, float, float]) -> Phantom:
    """14 mm thick and 55 mm long; it swerves by 15 mm and back, by up to 0.8 mm in a mm."""
    return make(
        "bent tube",
        spacing,
        lambda x, y, z: ((x + 10 * np.cos(np.pi * z / 40)) ** 2 + y**2 <= 7**2) & (np.abs(z) <= FLAT_END),
    )


def branching_tube(spacing: tuple[float, float, float]) -> Phantom:
    """A trunk 16 mm thick that becomes two branches 14 mm thick, 30 mm apart at their ends; the key is in the trunk."""

    def inside(x, y, z):
        trunk = (x**2 + y**2 <= 8**2) & (z >= -FLAT_END) & (z < -2)
        branches = ((np.abs(x) - (z + 2) / 2) ** 2 + y**2 <= 7**2) & (z >= -2) & (z <= FLAT_END)
        return trunk | branches

    return make("branching tube", spacing, inside, key_mm=-13)


def balls_above_each_other(spacing: tuple[float, float, float]) -> Phantom:
    """Radii of 13 and 11 mm; the second one touches the first one's last slice."""
    return make("touching balls, above", spacing, ball(0, 0, -11, 13), ball(0, 0, 13, 11))


def balls_at_a_slant(spacing: tuple[float, float, float]) -> Phantom:
    """Radii of 13 and 11 mm; there are slices that show both, and they touch in one of them."""
    return make("touching balls, at a slant", spacing, ball(-9, 0, -8, 13), ball(8, 0, 9, 11))


def cone(spacing: tuple[float, float, float]) -> Phantom:
    """36 mm across at its base and 55 mm high."""

    def inside(x, y, z):
        return (x**2 + y**2 <= (18 * (FLAT_END - z) / (2 * FLAT_END)) ** 2) & (np.abs(z) <= FLAT_END)

    return make("cone", spacing, inside)


def leaving(spacing: tuple[float, float, float]) -> Phantom:
    """An ellipsoid that goes on beyond the last slice."""
    return make("leaving", spacing, lambda x, y, z: (x / 16) ** 2 + (y / 14) ** 2 + ((z - 25) / 30) ** 2 <= 1)


PHANTOMS = (ellipsoid, bent_tube, branching_tube, balls_above_each_other, balls_at_a_slant, cone, leaving)


def straight_tube(slices: int) -> Phantom:
    """20 mm thick, through all of so many slices of 1 mm: what a cost grows with."""
    return make("straight tube", ISOTROPIC, lambda x, y, z: x**2 + y**2 + 0 * z <= 10**2, slices=slices)


def ball(x0: float, y0: float, z0: float, radius: float) -> Shape:
    """A ball by its centre and radius in mm."""
    return lambda x, y, z: (x - x0) ** 2 + (y - y0) ** 2 + (z - z0) ** 2 <= radius**2


def make(
    name: str,
    spacing: tuple[float, float, float],
    inside: Shape,
    neighbour: Shape | None = None,
    *,
    key_mm: float | None = None,
    slices: int | None = None,
) -> Phantom:
    """A phantom of a shape, and perhaps one that touches it; the same arguments give the same voxels.

    :param spacing: along i, j and k in mm.
    :param key_mm: z of the key slice; None for the middle of the object's extent.
    :param slices: their number; None for the field of view's.
    """
    columns, rows, layers = (round(size / step) for size, step in zip(FIELD_MM, spacing, strict=True))
    shape = (slices or layers, rows, columns)
    own = occupancy(inside, shape, spacing)
    other = occupancy(neighbour, shape, spacing) if neighbour else np.zeros(shape)
    mask = own >= 0.5
    covered = np.flatnonzero(mask.any(axis=(1, 2)))
    middle = covered[len(covered) // 2] if key_mm is None else round(key_mm / spacing[2] + (shape[0] - 1) / 2)
    return Phantom(
        name=name,
        volume=Volume(_picture(np.minimum(own + other, 1), spacing, name), np.diag([*spacing, 1.0]), name=name),
        mask=mask,
        orientation=Orientation.AXIAL,
        key=int(middle),
        neighbour=(other >= 0.5) & ~mask if neighbour else None,
    )


def occupancy(inside: Shape, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """The part of each voxel [k, j, i] that lies in a shape, 0..1."""
    finer = [max(3, round(step / _FINEST_MM)) for step in spacing[::-1]]
    z, y, x = np.ogrid[tuple(slice(count * parts) for count, parts in zip(shape, finer, strict=True))]
    places = [
        ((points + 0.5) / parts - count / 2) * step
        for points, parts, count, step in zip((z, y, x), finer, shape, spacing[::-1], strict=True)
    ]
    points = inside(places[2], places[1], places[0])
    blocks = [size for count, parts in zip(shape, finer, strict=True) for size in (count, parts)]
    part: NDArray[np.float64] = points.reshape(blocks).mean(axis=(1, 3, 5))
    return part


def _picture(part: NDArray[np.float64], spacing: tuple[float, float, float], name: str) -> NDArray[np.uint8]:
    """Grey values: both tissues in their proportion, a smooth texture over all, and noise."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    texture = ndimage.gaussian_filter(random.normal(size=part.shape), [TEXTURE_MM / step for step in spacing[::-1]])
    grey = BACKGROUND + (OBJECT - BACKGROUND) * part + texture * (TEXTURE / texture.std())
    return np.clip(grey + random.normal(0, NOISE, part.shape), 0, 255).round().astype(np.uint8)
