"""Phantoms are what their descriptions say: sizes, ends, edges, noise."""

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from Testing import phantoms
from Testing.phantoms import ISOTROPIC, PHANTOMS, THICK_SLICES

SPACINGS = {"isotropic": ISOTROPIC, "thick slices": THICK_SLICES}


@pytest.fixture(params=SPACINGS.values(), ids=SPACINGS)
def spacing(request):
    return request.param


# Several tests look at the same ones.
made = cache(lambda build, spacing: build(spacing))


def volume_mm3(phantom):
    return phantom.mask.sum() * np.prod(phantom.volume.spacing)


@pytest.mark.parametrize(
    ("build", "expected_mm3"),
    [
        (phantoms.ellipsoid, 4 / 3 * np.pi * 14 * 18 * 25),
        (phantoms.bent_tube, np.pi * 7**2 * 55),
        (phantoms.balls_above_each_other, 4 / 3 * np.pi * 13**3),
        (phantoms.cone, np.pi * 18**2 * 55 / 3),
    ],
)
def test_a_reference_has_the_volume_of_its_shape(build, expected_mm3, spacing):
    assert volume_mm3(made(build, spacing)) == pytest.approx(expected_mm3, rel=0.02)


@pytest.mark.parametrize(
    ("build", "low_mm", "high_mm"),
    [
        (phantoms.ellipsoid, -25, 25),
        (phantoms.bent_tube, -27.5, 27.5),
        (phantoms.branching_tube, -27.5, 27.5),
        (phantoms.balls_at_a_slant, -21, 5),
        (phantoms.leaving, -5, 37.5),
    ],
)
def test_a_reference_ends_where_its_shape_ends(build, low_mm, high_mm, spacing):
    phantom = made(build, spacing)
    middle = (len(phantom.mask) - 1) / 2
    ends = [
        (place - middle + side) * spacing[2] for place, side in ((phantom.extent[0], -0.5), (phantom.extent[-1], 0.5))
    ]
    # Half of a voxel has to lie inside: a round end is cut off by a slice at most.
    assert ends == pytest.approx([low_mm, high_mm], abs=spacing[2])


@pytest.mark.parametrize("build", PHANTOMS)
def test_the_key_slice_shows_one_piece_of_the_object(build, spacing):
    phantom = made(build, spacing)
    in_key = phantom.mask[phantom.key]
    assert in_key.sum() >= 100
    assert ndimage.label(in_key)[1] == 1


@pytest.mark.parametrize("build", PHANTOMS)
def test_grey_values_are_8_bit_with_noise_of_6_percent_and_partial_volume_at_edges(build, spacing):
    phantom = made(build, spacing)
    grey = phantom.volume.array.astype(float)
    assert phantom.volume.array.dtype == np.uint8
    everything = phantom.mask if phantom.neighbour is None else phantom.mask | phantom.neighbour
    inside, outside = ndimage.binary_erosion(everything), ~ndimage.binary_dilation(everything)
    contrast = grey[inside].mean() - grey[outside].mean()
    assert contrast == pytest.approx(80, abs=4)
    # The difference of neighbours in a slice has the noise twice, and hardly any texture.
    steps = np.diff(grey, axis=2)[outside[:, :, 1:] & outside[:, :, :-1]]
    assert steps.std() / np.sqrt(2) / contrast == pytest.approx(0.06, abs=0.02)
    assert grey[outside].std() > 1.2 * phantoms.NOISE  # texture beside the noise
    edge = ndimage.binary_dilation(everything) & ~ndimage.binary_erosion(everything)
    between = np.abs(grey[edge] - 120) < 20
    assert between.mean() > 0.1


@pytest.mark.parametrize("build", [phantoms.balls_above_each_other, phantoms.balls_at_a_slant])
def test_touching_balls_touch_and_do_not_overlap(build, spacing):
    phantom = made(build, spacing)
    assert not (phantom.mask & phantom.neighbour).any()
    assert (ndimage.binary_dilation(phantom.mask, iterations=2) & phantom.neighbour).any()
    ball = phantom.volume.array[ndimage.binary_erosion(phantom.mask)].mean()
    assert phantom.volume.array[ndimage.binary_erosion(phantom.neighbour)].mean() == pytest.approx(ball, abs=6)


def test_the_tube_has_one_trunk_and_two_branches():
    phantom = phantoms.branching_tube(ISOTROPIC)
    pieces = [ndimage.label(phantom.mask[index])[1] for index in phantom.extent]
    assert pieces[0] == 1
    assert pieces[-1] == 2
    assert ndimage.label(phantom.mask)[1] == 1


def test_what_leaves_the_volume_is_cut_by_its_last_slice(spacing):
    phantom = phantoms.leaving(spacing)
    assert phantom.mask[-1].sum() * spacing[0] * spacing[1] > 300
    assert not phantom.mask[0].any()


def test_a_phantom_is_the_same_each_time():
    first, second = phantoms.cone(THICK_SLICES), phantoms.cone(THICK_SLICES)
    assert np.array_equal(first.volume.array, second.volume.array)
    assert not np.array_equal(first.volume.array, phantoms.ellipsoid(THICK_SLICES).volume.array)


def test_a_straight_tube_goes_through_every_slice():
    phantom = phantoms.straight_tube(40)
    assert phantom.extent == range(40)
    assert (phantom.mask == phantom.mask[0]).all()
