"""A click lands on the voxel under it and a mask returns to the voxels it was drawn on, however a volume is stored."""

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import (
    Orientation,
    apply_transform,
    axis_codes,
    is_sheared,
    native_orientation,
    obliqueness_degrees,
    ras_to_voxel,
    slice_axis,
    slice_count,
    slice_plane,
    slice_through,
)
from SAMSegmentLib.volume import SourceFrame, Volume
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, rotation, volume_of

SPACINGS = [(0.5, 0.5, 5.0), (1.0, 2.0, 3.0)]
SHAPE_KJI = (4, 5, 7)

every_axis_order = pytest.mark.parametrize("case", AXIS_ORDERS, ids=axis_order_name)
every_spacing = pytest.mark.parametrize("spacing", SPACINGS, ids=str)
every_orientation = pytest.mark.parametrize("orientation", Orientation, ids=lambda item: item.value)


def numbered_volume(case, spacing):
    return volume_of(np.arange(np.prod(SHAPE_KJI)).reshape(SHAPE_KJI), affine_for(*case, spacing))


@every_axis_order
@every_spacing
@every_orientation
def test_every_voxel_clicked_in_a_slice_is_the_voxel_that_gets_the_prompt(case, spacing, orientation):
    volume = numbered_volume(case, spacing)
    seen = set()
    for index in range(slice_count(volume, orientation)):
        plane = slice_plane(volume, orientation, index)
        pixels = plane.extract(volume.array)
        for row, column in np.ndindex(*plane.shape):
            i, j, k = plane.pixel_to_ijk(column, row)
            assert volume.array[k, j, i] == pixels[row, column]
            assert plane.ijk_to_pixel((i, j, k)) == (column, row)
            position = apply_transform(volume.ijk_to_ras, (i, j, k))
            assert ras_to_voxel(volume, position) == (i, j, k)
            assert slice_through(volume, orientation, (i, j, k)) == plane
            seen.add((i, j, k))
    assert len(seen) == volume.array.size


@every_axis_order
@every_spacing
@every_orientation
def test_a_mask_drawn_in_a_slice_is_bit_equal_in_the_volume_and_nowhere_else(case, spacing, orientation):
    volume = numbered_volume(case, spacing)
    drawn_on = slice_plane(volume, orientation, 2)
    drawn = np.random.default_rng(5).random(drawn_on.shape) < 0.5
    mask = np.zeros(SHAPE_KJI, dtype=bool)
    drawn_on.extract(mask)[:] = drawn
    assert np.array_equal(drawn_on.extract(mask), drawn)
    assert mask.sum() == drawn.sum()
    # By an independent way: each drawn pixel's world position lies in a set voxel.
    for row, column in np.argwhere(drawn):
        i, j, k = drawn_on.pixel_to_ijk(int(column), int(row))
        assert mask[k, j, i]


@every_axis_order
@every_orientation
def test_slices_are_shown_as_radiologists_look_at_them(case, orientation):
    volume = numbered_volume(case, SPACINGS[1])
    plane = slice_plane(volume, orientation, 1)
    corner, along, down = (
        apply_transform(volume.ijk_to_ras, plane.pixel_to_ijk(*pixel)) for pixel in ((0, 0), (1, 0), (0, 1))
    )
    right_to_left, anterior_to_posterior, superior_to_inferior = np.diag((-1.0, -1.0, -1.0))
    expected = {
        Orientation.AXIAL: (right_to_left, anterior_to_posterior),
        Orientation.CORONAL: (right_to_left, superior_to_inferior),
        Orientation.SAGITTAL: (anterior_to_posterior, superior_to_inferior),
    }[orientation]
    assert np.allclose((along - corner) / plane.spacing[1], expected[0])
    assert np.allclose((down - corner) / plane.spacing[0], expected[1])


@every_axis_order
def test_axis_codes_are_those_of_nibabel(case):
    affine = affine_for(*case, SPACINGS[0])
    assert axis_codes(affine) == "".join(nibabel.aff2axcodes(affine)) == axis_order_name(case)


def turned(degrees):
    affine = affine_for((0, 1, 2), (-1, -1, 1), (1.0, 2.0, 3.0))
    affine[:3, :3] = rotation(degrees) @ affine[:3, :3]
    return affine


angles = st.floats(-40, 40)
sizes = st.integers(1, 9)


@given(angles, angles, angles, st.tuples(sizes, sizes, sizes), st.data())
@settings(max_examples=200, deadline=None)
def test_oblique_volumes_take_each_voxel_back_to_itself(about_r, about_a, about_s, shape, data):
    volume = volume_of(np.zeros(shape[::-1]), turned((about_r, about_a, about_s)))
    i, j, k = (data.draw(st.integers(0, count - 1)) for count in shape)
    inside = [data.draw(st.floats(-0.49, 0.49)) for _ in range(3)]
    position = apply_transform(volume.ijk_to_ras, np.add((i, j, k), inside))
    assert ras_to_voxel(volume, position) == (i, j, k)
    axes = {slice_axis(volume, orientation) for orientation in Orientation}
    assert axes == {0, 1, 2}
    for orientation in Orientation:
        plane = slice_through(volume, orientation, (i, j, k))
        assert plane.pixel_to_ijk(*plane.ijk_to_pixel((i, j, k))) == (i, j, k)


def test_an_oblique_volume_has_each_anatomical_plane_once_even_at_45_degrees():
    volume = volume_of(np.zeros((3, 4, 5)), turned((45, 45, 45)))
    assert sorted(slice_axis(volume, orientation) for orientation in Orientation) == [0, 1, 2]


def test_obliqueness_is_the_angle_of_the_worst_axis():
    assert obliqueness_degrees(turned((0, 0, 12.5))) == pytest.approx(12.5)
    assert obliqueness_degrees(turned((0, 0, 0))) == pytest.approx(0, abs=1e-5)


def test_shear_is_told_from_rotation():
    assert not is_sheared(turned((10, 20, 30)))
    sheared = turned((0, 0, 0))
    sheared[1, 2] += 0.5
    assert is_sheared(sheared)


def test_half_a_voxel_beyond_the_last_centre_is_outside():
    volume = volume_of(np.zeros((2, 2, 2)))
    assert ras_to_voxel(volume, (1.49, 0, 0)) == (1, 0, 0)
    with pytest.raises(InputError, match="lies outside"):
        ras_to_voxel(volume, (1.51, 0, 0))
    with pytest.raises(InputError, match="three finite numbers"):
        ras_to_voxel(volume, (np.nan, 0, 0))


def test_a_slice_that_is_not_there_is_refused_with_the_range():
    volume = volume_of(np.zeros((2, 3, 4)), name="head")
    with pytest.raises(InputError, match=r"head has axial slices 0 to 1, not 2\."):
        slice_plane(volume, Orientation.AXIAL, 2)
    with pytest.raises(InputError, match="must be 0"):
        slice_plane(volume, Orientation.AXIAL, 0).ijk_to_pixel((0, 0, 1))


def test_a_single_slice_is_worked_on_in_its_own_plane():
    affine = affine_for((0, 1, 2), (1, 1, 1), (1.0, 1.0, 3.0))
    assert native_orientation(volume_of(np.zeros((30, 20, 1)), affine)) is Orientation.SAGITTAL
    assert native_orientation(volume_of(np.zeros((30, 1, 1)), affine)) is Orientation.AXIAL


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        ((1, 1, 5), Orientation.AXIAL),
        ((5, 1, 1), Orientation.SAGITTAL),
        ((1, 5, 1), Orientation.CORONAL),
        ((1, 1, 1), Orientation.AXIAL),
        ((1.02, 1, 1), Orientation.AXIAL),
        ((3.2, 3.2, 1.5), Orientation.AXIAL),
        ((0.6, 0.8, 0.801), Orientation.SAGITTAL),
        ((1, 2, 3), Orientation.AXIAL),
        ((1, 3, 2), Orientation.CORONAL),
    ],
)
def test_slices_were_acquired_across_the_side_that_is_no_pixels_else_across_the_longest(spacing, expected):
    affine = affine_for((0, 1, 2), (1, 1, 1), spacing)
    assert native_orientation(volume_of(np.zeros((3, 3, 3)), affine)) is expected


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3, 1, 1), (1, 1, 0.5)])
def test_dicom_frames_are_the_slices_that_were_acquired(tmp_path, spacing):
    affine = affine_for((1, 2, 0), (1, 1, 1), spacing)  # k runs from right to left
    frame = SourceFrame(tmp_path / "1.dcm", 1, "1.2", (3, 3), np.eye(4))
    volume = Volume(np.zeros((3, 3, 3), np.int16), affine, source_frames=(frame,) * 3)
    assert native_orientation(volume) is Orientation.SAGITTAL
