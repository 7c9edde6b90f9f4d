"""Sheared grids made rectangular: everything stays where it was in the patient."""

import numpy as np
import pytest

from SAMSegmentLib.geometry import apply_transform, is_sheared
from SAMSegmentLib.io.regrid import make_rectangular, rectangular_grid
from Testing.generated import affine_for, rotation

# Shear as the upper right triangle (i-j, i-k, j-k) in mm per mm.
SHEARS = {
    "gantry tilt": (0, 0, 0.33),
    "tilt the other way": (0, 0, -0.4),
    "i and k": (0, 0.3, 0),
    "all": (0.2, -0.3, 0.25),
}


def sheared_affine(shear, signs=(1, 1, 1), turned=True) -> np.ndarray:
    affine = affine_for((0, 1, 2), signs, (0.8, 1.1, 3.0))
    matrix = np.eye(3)
    matrix[0, 1], matrix[0, 2], matrix[1, 2] = shear
    turn = rotation((10, -20, 30)) if turned else np.eye(3)
    affine[:3, :3] = turn @ matrix @ affine[:3, :3]
    return affine


def positions(shape_kji, affine) -> np.ndarray:
    return apply_transform(affine, np.stack(np.indices(shape_kji)[::-1], axis=-1))


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)], ids=str)
@pytest.mark.parametrize("shear", SHEARS.values(), ids=SHEARS.keys())
def test_ball_keeps_its_place_and_size(shear, signs) -> None:
    affine = sheared_affine(shear, signs)
    where = positions((20, 40, 44), affine)
    centre = where.mean(axis=(0, 1, 2))
    ball = (1000 * np.clip(11 - np.linalg.norm(where - centre, axis=-1), 0, 1)).astype(np.int16)
    result, geometry = make_rectangular(ball, affine)
    assert not is_sheared(geometry)
    assert result.dtype == np.int16
    found = np.average(positions(result.shape, geometry).reshape(-1, 3), axis=0, weights=result.ravel())
    offset = np.linalg.inv(geometry[:3, :3]) @ (found - centre)
    assert np.abs(offset).max() < 0.1
    before, after = (abs(np.linalg.det(m[:3, :3])) * a.sum() for m, a in ((affine, ball), (geometry, result)))
    assert after == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize("tilt", [-0.4, 0.1, 0.33])
def test_slices_of_a_tilted_gantry_are_not_mixed(tilt) -> None:
    slices = np.repeat([10, 500, -20, 900, 30], 12 * 9).reshape(5, 12, 9).astype(np.int16)
    slices[0, 0, 0] = -1000
    result, _ = make_rectangular(slices, sheared_affine((0, 0, tilt)))
    assert result.shape[0] == 5
    for stored, resampled in zip(slices, result, strict=True):
        inside = resampled[(resampled > -900) & (resampled != 0)]
        assert np.median(inside) == stored[5, 5]
        assert resampled.max() <= stored.max()


def test_right_angles_are_left_alone() -> None:
    voxels = np.random.default_rng(0).integers(-100, 100, (4, 5, 6)).astype(np.int16)
    affine = sheared_affine((0, 0, 0))
    result, geometry = make_rectangular(voxels, affine)
    np.testing.assert_array_equal(result, voxels)
    np.testing.assert_allclose(geometry, affine, atol=1e-9)


@pytest.mark.parametrize("shear", SHEARS.values(), ids=SHEARS.keys())
def test_planned_grid_is_the_one_that_is_made(shear) -> None:
    affine = sheared_affine(shear)
    result, geometry = make_rectangular(np.zeros((7, 8, 9), np.uint8), affine)
    shape, planned = rectangular_grid((9, 8, 7), affine)
    assert shape == result.shape[::-1]
    np.testing.assert_array_equal(planned, geometry)
