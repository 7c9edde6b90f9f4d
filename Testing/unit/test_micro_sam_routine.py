"""The baseline of propagation does what its description says."""

import numpy as np
import pytest

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.models.interface import Candidates
from SAMSegmentLib.propagation import PropagationRequest
from Testing.benchmarks.micro_sam_routine import Projection, box_around, mask_logits, propagate_as_micro_sam
from Testing.generated import volume_of

SHAPE = (32, 32)


def square(row, column, side=8):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row : row + side, column : column + side] = True
    return mask


class ScriptedSource:
    """Answers each slice with a mask that is known beforehand, and remembers what it was asked."""

    takes_mask_prompts = True

    def __init__(self, masks):
        self.volume = volume_of(np.zeros((len(masks), *SHAPE), dtype=np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0]))
        self.masks = masks
        self.asked = []

    def pixels(self, plane):
        return plane.extract(self.volume.array)

    def decode(self, plane, prompts):
        self.asked += [(plane.index, item) for item in prompts]
        masks = np.stack([~self.masks[plane.index], self.masks[plane.index], ~self.masks[plane.index]])
        scores = np.array([0.2, 0.8, 0.1], dtype=np.float32)
        return [Candidates(masks, scores, scores, np.zeros((3, 16, 16), np.float32), best=1) for _ in prompts]


def run(source, keys, projection=Projection.BOX, *, first=0, last=None):
    masks = {index: source.masks[index] for index in keys}
    last = len(source.masks) - 1 if last is None else last
    request = PropagationRequest(Orientation.AXIAL, masks, first, last)
    return list(propagate_as_micro_sam(source, request, projection))


def indices(reached):
    return [item.plane.index for item in reached]


def test_from_one_key_slice_it_goes_to_both_ends_with_the_best_candidate():
    source = ScriptedSource([square(10, 10)] * 7)
    reached = run(source, [3])
    assert indices(reached) == [2, 1, 0, 4, 5, 6]
    assert all(np.array_equal(item.mask, square(10, 10)) for item in reached)
    assert [item.confidence for item in reached] == pytest.approx([0.8] * 6)


def test_the_range_is_kept():
    source = ScriptedSource([square(10, 10)] * 7)
    assert indices(run(source, [3], first=2, last=5)) == [2, 4, 5]


@pytest.mark.parametrize(("rows", "goes_on"), [(2, True), (3, False)])
def test_it_stops_where_a_mask_overlaps_the_one_before_by_less_than_half(rows, goes_on):
    # Moved by 2 of 8 rows the IoU is 6/10, by 3 it is 5/11.
    source = ScriptedSource([square(10, 10), square(10 + rows, 10), square(10 + rows, 10)])
    assert bool(run(source, [0])) == goes_on


def test_it_stops_at_an_empty_mask():
    source = ScriptedSource([square(10, 10), square(10, 10, side=0), square(10, 10)])
    assert run(source, [0]) == []


def test_between_key_slices_both_go_to_the_middle_which_is_asked_for_with_both_masks():
    left, right = square(10, 4), square(10, 18)
    source = ScriptedSource([left, left, left, left | right, right, right, right])
    reached = run(source, [0, 6])
    assert indices(reached) == [1, 2, 5, 4, 3]
    index, prompts = source.asked[-1]
    assert (index, prompts.box) == (3, (4, 10, 25, 17))
    boxes = {index: prompts.box for index, prompts in source.asked}
    assert boxes[2] == box_around(left)  # no knowledge of the other side: a hard seam
    assert boxes[4] == box_around(right)


@pytest.mark.parametrize(
    ("gap", "expected"), [(1, []), (2, [1]), (3, [2, 1]), (4, [1, 3, 2])], ids=["none", "one", "two", "three"]
)
def test_every_slice_between_key_slices_is_asked_for_once(gap, expected):
    source = ScriptedSource([square(10, 10)] * (gap + 1))
    assert indices(run(source, [0, gap])) == expected


@pytest.mark.parametrize(
    ("projection", "has_box", "points", "has_logits"),
    [
        (Projection.BOX, True, [], False),
        (Projection.MASK, True, [], True),
        (Projection.POINTS, False, [(15, 11)], False),
        (Projection.POINTS_AND_MASK, False, [(15, 11)], True),
    ],
)
def test_a_projection_gives_the_prompts_of_its_name(projection, has_box, points, has_logits):
    mask = square(9, 13, side=5)
    mask[11, 18:28] = True  # an arm: the deepest point is not the box's middle
    source = ScriptedSource([mask, mask])
    assert indices(run(source, [0], projection)) == [1]
    _, prompts = source.asked[-1]
    assert (prompts.box is not None) == has_box
    assert prompts.points.tolist() == [list(point) for point in points]
    assert (prompts.logits is not None) == has_logits
    if has_logits:
        assert prompts.logits.shape == (16, 16)


def test_logits_of_a_mask_are_sure_inside_and_outside_and_cover_the_slice_alone():
    mask = np.zeros((20, 40), dtype=bool)
    mask[4:16, 8:32] = True
    logits = mask_logits(mask, (1.0, 1.0), 20)
    assert logits.shape == (20, 20)
    assert logits[5, 10] == pytest.approx(6.9, abs=0.01)
    assert logits[0, 0] == pytest.approx(-6.9, abs=0.01)
    assert (logits > 0).sum() == 6 * 12
    assert (logits[10:] < 0).all()  # a slice twice as wide as high fills half of the square
