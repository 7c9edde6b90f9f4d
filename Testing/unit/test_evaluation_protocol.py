"""Simulated users click and draw where a careful person would, and the same way each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.evaluation.modes import MODES, BoxJitter, Start, find_modes
from SAMSegmentLib.evaluation.protocol import (
    SimulatedUser,
    centre_point,
    corrective_click,
    jittered_box,
    starting_prompts,
    tight_box,
)
from SAMSegmentLib.models.interface import Candidates

SPACING = (1.0, 1.0)
MASKS = arrays(bool, (12, 15))


def rectangle(shape=(30, 40), rows=(5, 20), columns=(8, 33)):
    mask = np.zeros(shape, dtype=bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


def answer(mask, predicted_iou=0.5):
    """A model's answer with one mask shown first and two empty ones behind it."""
    masks = np.stack([mask, np.zeros_like(mask), np.zeros_like(mask)])
    logits = np.full((3, 4, 4), 1.5, dtype=np.float32)
    return Candidates(masks, np.full(3, predicted_iou, np.float32), np.ones(3, np.float32), logits)


def user(reference, start=Start(point=True), corrections=0, until_goal=False):  # noqa: B008 - frozen
    prompts = starting_prompts(start, reference, SPACING, (1, 1), np.random.default_rng(0))
    return SimulatedUser(prompts, reference, SPACING, corrections=corrections, until_goal=until_goal)


def test_the_centre_of_a_rectangle_is_as_far_from_its_edges_as_can_be():
    column, row = centre_point(rectangle())
    assert row == 12
    assert 8 + 7 <= column <= 32 - 7


def test_the_centre_of_a_ring_lies_on_the_ring():
    rows, columns = np.mgrid[:41, :41]
    radius = np.hypot(rows - 20, columns - 20)
    column, row = centre_point((radius > 10) & (radius < 18))
    assert 12 < np.hypot(column - 20, row - 20) < 16


def test_the_centre_is_measured_in_millimetres():
    mask = np.zeros((40, 40), dtype=bool)
    mask[2:8, 2:30] = True  # 6 rows high
    mask[12:38, 34:37] = True  # 3 columns wide
    assert centre_point(mask, spacing=(1, 1))[1] < 8
    assert centre_point(mask, spacing=(1, 9))[1] >= 12


def test_the_slices_border_counts_as_an_edge():
    mask = np.zeros((20, 20), dtype=bool)
    mask[:, :9] = True
    assert centre_point(mask)[0] == 4


@given(mask=MASKS, reference=MASKS)
def test_a_corrective_click_always_lies_in_the_error_with_the_right_sign(mask, reference):
    click = corrective_click(mask, reference)
    if (mask == reference).all():
        assert click is None
        return
    (column, row), positive = click
    assert reference[row, column] == positive
    assert mask[row, column] != positive


@pytest.mark.parametrize(("hole", "positive"), [((6, 12), True), ((22, 28), False)])
def test_a_corrective_click_goes_to_the_deepest_error(hole, positive):
    reference = rectangle()
    mask = reference.copy()
    mask[slice(*hole), 10:16] ^= True  # the large error: a hole, or a blot outside
    mask[17, 30] ^= True  # a small one
    mask[25, 38] ^= True
    (column, row), sign = corrective_click(mask, reference)
    assert sign is positive
    assert hole[0] <= row < hole[1]
    assert 10 <= column < 16


def test_a_tight_box_has_its_corner_pixels_inside():
    assert tight_box(rectangle(rows=(5, 20), columns=(8, 33))) == (8, 5, 32, 19)


@pytest.mark.parametrize(
    ("jitter", "across", "down"),
    [(BoxJitter(relative=0.1), 2.5, 1.5), (BoxJitter(pixels=5), 2.5, 1.25), (BoxJitter(), 0, 0)],
    ids=["10 % of 25 x 15 pixels", "5 px at a scale of 2 x 4", "tight"],
)
def test_a_jittered_edge_moves_as_far_as_it_may_and_no_further(jitter, across, down):
    box = tight_box(rectangle())
    random = np.random.default_rng(1)
    moved = [np.subtract(jittered_box(box, jitter, (30, 40), (2, 4), random), box) for _ in range(400)]
    furthest = np.abs(moved).max(axis=0)
    assert np.all(furthest <= np.array([across, down, across, down]) + 1e-9)
    assert furthest == pytest.approx([across, down, across, down], rel=0.05)
    assert np.mean(moved, axis=0) == pytest.approx([0, 0, 0, 0], abs=0.15 * max(across, 0.01))


@given(
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.integers(0, 2**32),
)
def test_a_jittered_box_stays_a_box_within_its_slice(first, second, seed):
    low, high = np.minimum(first, second), np.maximum(first, second)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    random = np.random.default_rng(seed)
    column0, row0, column1, row1 = jittered_box(box, BoxJitter(0.3, 6), (10, 10), (1, 1), random)
    assert 0 <= column0 <= column1 <= 9
    assert 0 <= row0 <= row1 <= 9


def test_jitter_is_repeated_with_its_seed_and_changes_with_another():
    start = Start(box=BoxJitter(relative=0.1))

    def draw(seed):
        return starting_prompts(start, rectangle(), SPACING, (1, 1), np.random.default_rng(seed)).box

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_a_start_gives_what_it_says():
    both = user(rectangle(), Start(point=True, box=BoxJitter())).prompts
    assert both.box == (8, 5, 32, 19)
    assert both.positive.tolist() == [True]
    assert user(rectangle(), Start(box=BoxJitter())).prompts.points.shape == (0, 2)
    assert user(rectangle()).prompts.box is None


def test_a_user_corrects_as_often_as_asked_and_returns_the_logits():
    someone = user(rectangle(), corrections=2)
    bad = rectangle(rows=(5, 12))
    rounds = 0
    while not someone.is_content:
        assert (someone.prompts.logits is None) == (rounds == 0)
        someone.see(answer(bad))
        rounds += 1
    assert rounds == 3
    assert someone.prompts.logits.tolist() == np.full((4, 4), 1.5).tolist()
    assert [step.clicks for step in someone.steps] == [1, 2, 3]
    assert someone.step_after(1).clicks == 2


def test_a_user_stops_at_a_mask_without_an_error():
    someone = user(rectangle(), corrections=4)
    someone.see(answer(rectangle()))
    assert someone.is_content
    assert someone.step_after(4).dice == 1


def test_a_user_with_a_goal_stops_when_it_is_reached():
    someone = user(rectangle(), until_goal=True)
    for bottom in (8, 12, 19):
        assert not someone.is_content
        someone.see(answer(rectangle(rows=(5, bottom))))
    assert someone.is_content
    assert (someone.goal_step().clicks, someone.goal_step().dice > 0.85) == (3, True)


def test_a_user_with_a_goal_gives_up_after_ten_clicks():
    someone = user(rectangle(), until_goal=True)
    while not someone.is_content:
        someone.see(answer(rectangle(rows=(5, 8))))
    assert someone.goal_step().clicks == 10


def test_a_step_knows_the_best_candidate_and_whether_a_negative_click_emptied_it():
    someone = user(rectangle(), corrections=1)
    too_much = rectangle(rows=(0, 30))
    shown_empty = answer(too_much)
    someone.see(shown_empty)
    assert not someone.prompts.positive[-1]
    nothing = np.zeros_like(too_much)
    candidates = answer(nothing)
    candidates.masks[2] = rectangle()
    someone.see(candidates)
    last = someone.steps[-1]
    assert (last.dice, last.best_dice, last.last_was_negative) == (0, 1, True)


def test_modes_are_found_by_name_in_their_order():
    assert [mode.name for mode in find_modes(("box", "point"))] == ["point", "box"]
    assert find_modes(()) == MODES
    assert len({mode.name for mode in MODES}) == len(MODES)
    with pytest.raises(InputError, match=r"no mode 'boxes'; choose from point, .*box"):
        find_modes(("boxes",))


def test_a_model_that_takes_boxes_only_is_asked_with_boxes_only():
    assert [mode.name for mode in find_modes((), ("box",))] == ["box", "box-5pc", "box-10pc", "box-5px"]
    assert find_modes((), ("point", "box", "mask")) == MODES
