"""Agreement of masks, against values worked out by hand."""

import math

import numpy as np
import pytest

from SAMSegmentLib.evaluation.metrics import Overlap, hausdorff95, overlap, rank_correlation


def square(row, column, side=4, shape=(20, 20)):
    mask = np.zeros(shape, dtype=bool)
    mask[row : row + side, column : column + side] = True
    return mask


EMPTY = np.zeros((20, 20), dtype=bool)


@pytest.mark.parametrize(
    ("mask", "reference", "dice", "iou"),
    [
        (square(3, 3), square(3, 3), 1, 1),
        (square(3, 3), square(3, 5), 0.5, 8 / 24),
        (square(3, 3), square(3, 3, side=2), 8 / 20, 4 / 16),
        (square(3, 3), square(12, 12), 0, 0),
        (EMPTY, square(3, 3), 0, 0),
        (EMPTY, EMPTY, 1, 1),
    ],
    ids=["same", "half", "inside", "apart", "empty", "both empty"],
)
def test_dice_and_iou_are_as_worked_out_by_hand(mask, reference, dice, iou):
    counts = overlap(mask, reference)
    assert counts.dice == pytest.approx(dice)
    assert counts.iou == pytest.approx(iou)


def test_overlaps_of_slices_add_up_to_that_of_the_volume():
    both = overlap(square(3, 3), square(3, 5)) + overlap(square(3, 3), square(3, 3))
    assert both == Overlap(mask=32, reference=32, common=24)
    assert both.dice == 0.75


@pytest.mark.parametrize(("rows", "columns", "distance"), [(0, 1, 0.5), (1, 0, 3.0), (2, 0, 6.0)])
def test_a_shifted_outline_is_as_many_millimetres_away_as_it_was_shifted(rows, columns, distance):
    shifted = square(3 + rows, 3 + columns)
    assert hausdorff95(shifted, square(3, 3), spacing=(3.0, 0.5)) == pytest.approx(distance)


def test_one_stray_pixel_does_not_decide_the_distance_but_many_do():
    reference = square(2, 2, side=12)
    stray = reference.copy()
    stray[19, 19] = True
    assert hausdorff95(stray, reference, (1, 1)) == 0
    blob = reference | square(16, 16, side=4)
    assert hausdorff95(blob, reference, (1, 1)) > 5


@pytest.mark.parametrize(("moved", "distance"), [((1, 0, 0), 5.0), ((0, 2, 0), 1.4), ((0, 0, 3), 2.1)])
def test_a_shifted_surface_is_as_many_millimetres_away_as_it_was_shifted(moved, distance):
    block = np.zeros((20, 30, 30), dtype=bool)
    block[4:16, 5:25, 5:25] = True
    shifted = np.roll(block, moved, axis=(0, 1, 2))
    assert hausdorff95(shifted, block, spacing=(5.0, 0.7, 0.7)) == pytest.approx(distance)


def test_an_empty_volume_is_as_far_as_the_diagonal_and_the_same_volume_is_not_far():
    block = np.zeros((6, 8, 10), dtype=bool)
    block[0, 3:6, 4:8] = True  # at the volume's border
    assert hausdorff95(np.zeros_like(block), block, (5.0, 1.0, 1.0)) == pytest.approx(math.hypot(30, 8, 10))
    assert hausdorff95(block, block, (5.0, 1.0, 1.0)) == 0


def test_a_distance_is_the_same_in_both_directions():
    small, large = square(3, 3, side=2), square(3, 3, side=9)
    assert hausdorff95(small, large, (1, 2)) == hausdorff95(large, small, (1, 2)) > 0


def test_an_empty_mask_is_as_far_away_as_the_slice_is_long():
    assert hausdorff95(EMPTY, square(3, 3), (3, 4)) == pytest.approx(100)
    assert hausdorff95(EMPTY, EMPTY, (3, 4)) == 0


def test_rank_correlation_asks_for_the_order_only():
    assert rank_correlation([0.1, 0.2, 0.9], [1, 50, 51]) == pytest.approx(1)
    assert rank_correlation([0.1, 0.2, 0.9], [3, 2, 1]) == pytest.approx(-1)
    assert math.isnan(rank_correlation([0.5, 0.5, 0.5], [1, 2, 3]))
    assert math.isnan(rank_correlation([], []))
