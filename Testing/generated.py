"""Generated volumes whose truth is known exactly."""

from itertools import permutations, product

import numpy as np

from SAMSegmentLib.volume import Volume

# All ways of storing the same anatomy: which anatomical axis each voxel axis runs along, and in which direction.
AXIS_ORDERS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def axis_order_name(case: tuple[tuple[int, int, int], tuple[int, int, int]]) -> str:
    """Such as ``LPS``, for a test's name."""
    order, signs = case
    return "".join("RAS"[axis] if sign > 0 else "LPI"[axis] for axis, sign in zip(order, signs, strict=True))


def affine_for(
    order: tuple[int, int, int],
    signs: tuple[int, int, int],
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float] = (11.5, -23.25, 7.0),
) -> np.ndarray:
    """4x4 IJK to RAS: voxel axis n runs along RAS axis ``order[n]`` with ``signs[n]`` and ``spacing[n]`` mm."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis in range(3):
        affine[order[axis], axis] = signs[axis] * spacing[axis]
    affine[:3, 3] = origin
    return affine


def rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    """3x3 rotation about R, then A, then S."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[second, first], turn[first, second] = np.sin(angle), -np.sin(angle)
        matrix = turn @ matrix
    return matrix


def volume_of(array: np.ndarray, affine: np.ndarray | None = None, **members: object) -> Volume:
    """A volume around an array [k, j, i]."""
    return Volume(array=array, ijk_to_ras=np.eye(4) if affine is None else affine, **members)


def ball(shape_kji: tuple[int, int, int], center_ijk: tuple[float, float, float], radius_mm: float, spacing=(1, 1, 1)):
    """A filled ball as bool [k, j, i]; spacing along i, j, k in mm."""
    k, j, i = np.indices(shape_kji)
    offsets = ((axis - center) * step for axis, center, step in zip((i, j, k), center_ijk, spacing, strict=True))
    return sum(offset**2 for offset in offsets) <= radius_mm**2
