"""What propagation is made of: moved masks, grey values, masks as prompts, and the body of all slices."""

import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from SAMSegmentLib.geometry import Orientation, slice_count, slice_plane
from SAMSegmentLib.propagation import second_pass
from SAMSegmentLib.propagation.appearance import Greys
from SAMSegmentLib.propagation.demons import demons
from SAMSegmentLib.propagation.ending import Ending
from SAMSegmentLib.propagation.motion import carried
from SAMSegmentLib.propagation.request import overlap
from SAMSegmentLib.propagation.shape import (
    Part,
    connected_with,
    logits_in_part,
    mask_prompt,
    signed_distance,
)
from SAMSegmentLib.propagation.solid import Solid
from SAMSegmentLib.quality import Evidence
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, ball, volume_of

EVERYWHERE = Part(slice(0, 60), slice(0, 90))


def disc(shape: tuple[int, int], row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


@pytest.mark.parametrize("iterations", [1, 2, 8])
def test_demons_displace_as_those_of_itk(iterations):
    rows, columns = 30, 36
    # Even at the borders, where ITK's filter stands still and ours goes on with what is at the edge.
    before, now = (
        ndimage.gaussian_filter(np.where(item, 180, 60).astype(np.float32), 1.0)
        for item in (disc((rows, columns), 15, 17, 6), disc((rows, columns), 16, 19, 7))
    )
    itk = SimpleITK.FastSymmetricForcesDemonsRegistrationFilter()
    itk.SetNumberOfIterations(iterations)
    itk.SetStandardDeviations(1.0)
    across, down = np.moveaxis(
        SimpleITK.GetArrayFromImage(itk.Execute(*map(SimpleITK.GetImageFromArray, (now, before)))), -1, 0
    )
    found = demons(before, now, np.zeros((2, rows, columns), np.float32), iterations)
    assert np.abs(down).max() > 0.2
    assert np.abs(found - [down, across]).max() < 0.01


@pytest.mark.parametrize(("down", "across", "growth"), [(0, 0, 0), (2, -3, 0), (0, 0, 2), (1, 2, -2), (4, 4, 0)])
@pytest.mark.parametrize("shape", [(40, 44), (120, 90)])
def test_a_mask_moves_with_the_tissue_under_it(shape, down, across, growth):
    row, column, radius = shape[0] / 2, shape[1] / 2, shape[1] / 4
    mask, expected = disc(shape, row, column, radius), disc(shape, row + down, column + across, radius + growth)
    noise = np.random.default_rng(1).integers(0, 12, shape)
    before, now = ((np.where(item, 180, 60) + noise).astype(np.uint8) for item in (mask, expected))
    moved = carried(signed_distance(mask), before, now) > 0
    assert overlap(moved, expected) >= 0.8


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (3, 3), (4, 4)])
def test_a_part_of_few_pixels_is_carried_without_an_error(shape):
    pixels = np.zeros(shape, np.uint8)
    values = np.ones(shape, np.float32)
    assert np.array_equal(carried(values, pixels, pixels), values)


def test_masks_that_look_like_the_key_slices_are_told_from_those_that_look_like_their_surroundings():
    mask = disc((40, 40), 20, 20, 9)
    noise = np.random.default_rng(2).integers(0, 20, mask.shape)
    pixels = (np.where(mask, 170, 70) + noise).astype(np.uint8)

    def greys(row: int, column: int, radius: int) -> Greys:
        return Greys.of(pixels, signed_distance(disc((40, 40), row, column, radius)))

    key = greys(20, 20, 9)
    assert key.likeness(greys(22, 20, 6)) > 1
    assert key.likeness(greys(5, 5, 4)) < -1
    assert key.contrast > 0.8 > Greys.of((70 + noise).astype(np.uint8), signed_distance(mask)).contrast


def test_the_signed_distance_is_half_a_pixel_on_both_sides_of_the_outline():
    distance = signed_distance(np.array([[False, False, True, True, False]]))
    assert distance.tolist() == [[-1.5, -0.5, 0.5, 0.5, -0.5]]
    # Of an empty and of a full mask, too, it is finite.
    assert (signed_distance(np.zeros((3, 3), dtype=bool)) < 0).all()
    assert (signed_distance(np.ones((3, 3), dtype=bool)) > 0).all()


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 1.5, 5)])
def test_a_mask_comes_back_from_its_logits_at_the_same_place(spacing):
    volume = volume_of(np.zeros((4, 60, 90)), np.diag([*spacing, 1.0]))
    plane = slice_plane(volume, Orientation.AXIAL, 1)
    mask = disc(plane.shape, 22, 60, 14)
    logits = mask_prompt(signed_distance(mask), plane, 128)
    assert overlap(logits_in_part(logits, plane, EVERYWHERE) > 0, mask) > 0.93
    part = Part(slice(5, 41), slice(43, 80))
    inner = np.s_[2:-2, 2:-2]  # what lies on the part's edge has no neighbours beyond it to be interpolated with
    whole = part.cut(logits_in_part(logits, plane, EVERYWHERE))
    assert np.allclose(logits_in_part(logits, plane, part)[inner], whole[inner], atol=1e-3)


def test_pieces_that_the_moved_mask_does_not_touch_are_left_out():
    mask = disc((40, 40), 10, 10, 5) | disc((40, 40), 30, 30, 5)
    assert np.array_equal(connected_with(mask, disc((40, 40), 9, 9, 2)), disc((40, 40), 10, 10, 5))
    assert np.array_equal(connected_with(mask, np.zeros((40, 40), dtype=bool)), mask)


def test_a_part_keeps_to_the_slice_and_has_room_around_the_mask():
    mask = np.zeros((50, 60), dtype=bool)
    mask[2:12, 30:50] = True
    part = Part.around(mask)
    assert (part.rows, part.columns) == (slice(0, 22), slice(17, 60))
    assert np.array_equal(part.placed(part.cut(mask), (50, 60), False), mask)


@pytest.mark.parametrize("case", AXIS_ORDERS, ids=axis_order_name)
def test_a_body_has_the_masks_it_was_made_of_in_all_orientations(case):
    voxels = ball((11, 13, 17), (9, 5, 6), 4) | ball((11, 13, 17), (11, 8, 4), 3)
    volume = volume_of(voxels.astype(np.int16), affine_for(*case, (1.0, 2.0, 3.0)))
    for built in Orientation:
        planes = [slice_plane(volume, built, index) for index in range(slice_count(volume, built))]
        solid = Solid.of(volume, built, {plane.index: plane.extract(voxels) for plane in planes})
        assert solid is not None
        for seen in Orientation:
            for index in range(slice_count(volume, seen)):
                plane = slice_plane(volume, seen, index)
                expected = plane.extract(voxels)
                assert (index in solid.indices(seen)) == expected.any()
                if expected.any():
                    assert np.array_equal(solid.mask(plane), expected)


def test_a_body_loses_what_no_key_slice_is_connected_with():
    voxels = ball((24, 24, 40), (9, 12, 12), 6) | ball((24, 24, 40), (30, 12, 12), 5)
    volume = volume_of(voxels.astype(np.int16))
    planes = [slice_plane(volume, Orientation.AXIAL, index) for index in range(24)]
    solid = Solid.of(volume, Orientation.AXIAL, {plane.index: plane.extract(voxels) for plane in planes})
    key = planes[12].extract(ball((24, 24, 40), (9, 12, 12), 6))
    kept = solid.connected_with({12: key}, Orientation.AXIAL)
    assert np.count_nonzero(kept.voxels) == np.count_nonzero(ball((24, 24, 40), (9, 12, 12), 6))


def test_there_is_no_body_of_empty_masks():
    volume = volume_of(np.zeros((4, 5, 6)))
    assert Solid.of(volume, Orientation.AXIAL, {1: np.zeros((5, 6), dtype=bool)}) is None


@pytest.mark.parametrize(
    ("worse", "measure"),
    [
        ({"likeness": -2.0}, "presence"),
        ({"agreement": -2.0}, "presence"),
        ({"agreement": -2.0}, "confidence"),
        ({"contrast": 0.1}, "confidence"),
        ({"key_iou": 0.5}, "confidence"),
    ],
)
def test_less_evidence_is_less_presence_and_confidence(worse, measure):
    good = {"likeness": 2.0, "contrast": 0.8, "agreement": -0.1, "key_iou": 0.9}
    better, poorer = getattr(Evidence(**good), measure), getattr(Evidence(**{**good, **worse}), measure)
    assert 0 < poorer < better < 1


@pytest.mark.parametrize(
    ("key", "areas", "reached"),
    [
        (100, [90, 60, 40, 20, 5], 5),
        (100, [120, 300, 280, 300], 4),
        (800, [850, 300, 365, 700], 2),  # two balls, one on top of the other
        (100, [60, 55, 70, 90], 4),  # no waist: never below half
    ],
)
def test_what_grows_again_behind_a_waist_is_another_structure(key, areas, reached):
    sure = Evidence(likeness=3.0, contrast=0.9, agreement=-0.05, key_iou=0.9)
    ending = Ending(key)
    ends = [ending.is_reached(sure, area) for area in areas]
    assert (ends.index(True) if True in ends else len(ends)) == reached


def test_a_slice_that_speaks_against_the_segment_is_its_end():
    assert Ending(100).is_reached(Evidence(likeness=-3.0, contrast=0.2, agreement=-1.0, key_iou=0.9), 100)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 2.5), (2.0, 1.0, 0.8)])
def test_a_body_measured_slab_by_slab_is_measured_as_a_whole(spacing):
    body = ball((70, 60, 66), (33, 30, 34), 27.0, spacing) & ~ball((70, 60, 66), (33, 30, 40), 9.0, spacing)
    solid = Solid(volume_of(body, np.diag([*spacing, 1.0])), (0, 0, 0), body)
    sampling = np.array(spacing[::-1]) / min(spacing)
    inside, outside = (ndimage.distance_transform_edt(item, sampling=sampling) for item in (body, ~body))
    parts = second_pass._distance(solid)
    assert sum(1 for _ in parts) >= 4
    assert np.allclose(finished(second_pass._distance(solid)), np.clip(inside - outside, -4, 4))


def finished(work):
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value
