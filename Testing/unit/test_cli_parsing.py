"""Points and boxes as people write them, in voxels and in mm."""

import numpy as np
import pytest

from SAMSegmentLib.cli.parsing import WrittenPoint, parse_box, parse_point, parse_range, to_boxes, to_point
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation, apply_transform, slice_axis
from SAMSegmentLib.prompts import Box, Point
from Testing.generated import affine_for, rotation, volume_of


@pytest.fixture
def oblique():
    affine = affine_for((0, 1, 2), (-1, -1, 1), (1.0, 1.0, 3.0), (40.0, 40.0, -30.0))
    affine[:3, :3] = rotation((6, -9, 14)) @ affine[:3, :3]
    return volume_of(np.zeros((20, 80, 80), dtype=np.uint8), affine, name="head")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2,3", WrittenPoint((1, 2, 3), True)),
        ("1,2,3,+", WrittenPoint((1, 2, 3), True)),
        ("1, 2, 3, -", WrittenPoint((1, 2, 3), False)),
        ("-1.5,2e1,3,-", WrittenPoint((-1.5, 20, 3), False)),
    ],
)
def test_points_have_three_numbers_and_maybe_a_sign(text, expected):
    assert parse_point(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3:9", (3, 9)), ("3:", (3, None)), (":9", (None, 9)), (":", (None, None)), (None, (None, None))],
)
def test_ranges_may_be_open(text, expected):
    assert parse_range(text) == expected


def test_a_point_in_mm_is_the_voxel_around_it(oblique):
    near = apply_transform(oblique.ijk_to_ras, (20.3, 30.4, 6.2))
    assert to_point(oblique, WrittenPoint(tuple(near), False), ras=True) == Point((20, 30, 6), False)


@pytest.mark.parametrize(
    ("text", "orientation"),
    [("9,9,5,20,20,5", "axial"), ("9,9,5,9,20,8", "sagittal"), ("9,9,5,20,9,8", "coronal"), ("9,9,5,9,9,5", "axial")],
)
def test_a_box_in_voxels_lies_in_the_slice_it_is_flat_in(oblique, text, orientation):
    found, boxes = to_boxes(oblique, [parse_box(text)], None, ras=False)
    assert found is Orientation(orientation)
    values = [int(value) for value in text.split(",")]
    assert boxes == [Box(tuple(values[:3]), tuple(values[3:]))]


def test_boxes_that_are_flat_in_different_slices_need_an_orientation(oblique):
    written = [parse_box("9,9,5,20,20,5"), parse_box("9,9,5,9,20,8")]
    with pytest.raises(InputError, match="spans several axial slices"):
        to_boxes(oblique, written, None, ras=False)


@pytest.mark.parametrize("orientation", Orientation)
def test_a_box_in_mm_lies_in_one_slice_of_an_oblique_volume_and_covers_its_corners(oblique, orientation):
    middle = apply_transform(oblique.ijk_to_ras, (40, 40, 10))
    extent = np.array([14.0, 14.0, 14.0])
    extent[{Orientation.SAGITTAL: 0, Orientation.CORONAL: 1, Orientation.AXIAL: 2}[orientation]] = 0
    text = ",".join(str(value) for value in (*(middle - extent / 2), *(middle + extent / 2)))
    found, (box,) = to_boxes(oblique, [parse_box(text)], None, ras=True)
    assert found is orientation
    axis = slice_axis(oblique, orientation)
    assert box.ijk_min[axis] == box.ijk_max[axis] == (40, 40, 10)[axis]
    in_plane = [other for other in range(3) if other != axis]
    for corner in (middle - extent / 2, middle + extent / 2):
        voxel = apply_transform(oblique.ras_to_ijk, corner)
        assert all(box.ijk_min[other] - 0.5 <= voxel[other] <= box.ijk_max[other] + 0.5 for other in in_plane)


def test_a_box_in_mm_that_leaves_the_volume_is_refused_in_mm(oblique):
    with pytest.raises(InputError, match=r"box -30,-30,0 to 300,30,0 mm|outside of head"):
        to_boxes(oblique, [parse_box("-30,-30,0,300,30,0")], None, ras=True)
