"""A user's work: prompts change one slice of one segment, and every step can be taken back."""

from concurrent.futures import CancelledError

import numpy as np
import pytest

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Box, Point, PromptSet
from SAMSegmentLib.session import SegmentationSession
from Testing.sessions import mask_of

AXIAL, CORONAL = Orientation.AXIAL, Orientation.CORONAL


def test_a_click_segments_its_slice_and_no_other(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    mask = mask_of(session)
    assert np.array_equal(mask[6], ball_mask[6])
    assert not np.delete(mask, 6, axis=0).any()


def test_clicks_in_two_orientations_are_united(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.add_point("ball", (9, 8, 6), CORONAL).result()
    mask = mask_of(session)
    assert np.array_equal(mask[6], ball_mask[6])
    assert np.array_equal(mask[:, 8], ball_mask[:, 8])


def test_a_negative_click_corrects_the_slice_it_is_in(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    before = mask_of(session)
    session.add_point("ball", (10, 8, 6), AXIAL, positive=False).result()
    assert np.argwhere(before != mask_of(session)).tolist() == [[6, 8, 10]]


def test_other_segments_stay_as_they_are(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.add_segment("other")
    before = mask_of(session)
    session.add_box("other", Box((7, 6, 6), (10, 9, 6)), AXIAL).result()
    assert np.array_equal(mask_of(session), before)
    assert mask_of(session, "other").any()


def test_undo_and_redo_are_bit_equal_at_every_step(session):
    steps = [mask_of(session)]
    for voxel in ((9, 8, 6), (9, 8, 7), (8, 8, 7)):
        session.add_point("ball", voxel, AXIAL, positive=voxel != (8, 8, 7)).result()
        steps.append(mask_of(session))
    for expected in reversed(steps[:-1]):
        session.undo()
        assert np.array_equal(mask_of(session), expected)
    for expected in steps[1:]:
        session.redo()
        assert np.array_equal(mask_of(session), expected)
    assert not session.can_redo


def test_undo_takes_back_adding_and_removing_segments(session):
    session.remove_segment("ball")
    assert session.segment_names == ()
    session.undo()
    assert session.segment_names == ("ball",)
    session.undo()
    assert session.segment_names == ()
    session.undo()  # nothing more to undo: nothing happens
    assert not session.can_undo


def test_clearing_a_slice_removes_its_mask_and_keeps_the_others(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.add_point("ball", (9, 8, 7), AXIAL).result()
    session.clear_slice("ball", (AXIAL, 6))
    mask = mask_of(session)
    assert not mask[6].any()
    assert np.array_equal(mask[7], ball_mask[7])


def test_any_single_prompt_of_a_slice_can_be_removed(session, model):
    for column in (8, 9, 10):
        session.add_point("ball", (column, 8, 6), AXIAL)
    session.add_box("ball", Box((4, 3, 6), (14, 13, 6)), AXIAL)
    key = (AXIAL, 6)
    session.remove_point("ball", key, 1)
    assert [point.ijk for point in session.prompts("ball", key).points] == [(8, 8, 6), (10, 8, 6)]
    assert len(model.decoded[-1].points) == 2
    session.remove_box("ball", key, 0)
    assert session.prompts("ball", key).boxes == ()
    session.remove_point("ball", key, 0)
    assert session.remove_point("ball", key, 0) is None
    assert not mask_of(session).any()
    for _ in range(4):
        session.undo()
    assert len(session.prompts("ball", key).points) == 3
    assert mask_of(session).any()


def test_another_candidate_can_be_chosen_and_a_new_click_returns_to_the_best(session, ball_mask):
    session.add_box("ball", Box((5, 5, 6), (12, 12, 6)), AXIAL).result()
    session.choose_candidate("ball", (AXIAL, 6), 1).result()
    assert mask_of(session)[6].sum() > ball_mask[6].sum()
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    assert session.scores("ball")[0].candidate == 0


def test_a_slice_is_encoded_once_however_many_clicks_it_gets(session, model):
    for column in (8, 9, 10):
        session.add_point("ball", (column, 8, 6), AXIAL).result()
    assert len(model.encoded) == 1
    assert len(model.decoded) == 3


def test_propagation_segments_the_whole_ball_and_is_one_undo_step(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    clicked = mask_of(session)
    session.propagate("ball", Propagation(AXIAL)).result()
    # The last slices at the poles shrink by more than half at once: the overlap test ends there.
    mask = mask_of(session)
    assert not (mask & ~ball_mask).any()
    assert mask.sum() > 0.9 * ball_mask.sum()
    session.undo()
    assert np.array_equal(mask_of(session), clicked)


def test_propagation_keeps_to_its_range(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL, 5, 8)).result()
    assert sorted(set(np.argwhere(mask_of(session))[:, 0])) == [5, 6, 7, 8]


def test_propagation_does_not_change_prompted_slices(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.add_point("ball", (9, 8, 7), AXIAL).result()
    session.add_point("ball", (10, 8, 7), AXIAL, positive=False).result()
    corrected = mask_of(session)[7].copy()
    session.propagate("ball", Propagation(AXIAL)).result()
    assert np.array_equal(mask_of(session)[7], corrected)


def test_key_slices_are_never_reached_and_only_slices_between_them_twice(session):
    session.add_point("ball", (9, 8, 3), AXIAL).result()
    session.add_point("ball", (9, 8, 8), AXIAL).result()
    reached = []
    session.propagate("ball", Propagation(AXIAL), lambda item: reached.append(item.plane.index)).result()
    assert {index for index in reached if reached.count(index) > 1} <= {4, 5, 6, 7}
    assert not {3, 8} & set(reached)


def test_propagating_again_replaces_what_was_propagated_before(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL)).result()
    session.propagate("ball", Propagation(AXIAL, 6, 7)).result()
    assert sorted(set(np.argwhere(mask_of(session))[:, 0])) == [6, 7]


def test_cancelled_propagation_keeps_the_slices_it_made(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    reached = []

    def stop_after_two(item):
        reached.append(item.plane.index)
        if len(reached) == 2:
            raise CancelledError

    assert session.propagate("ball", Propagation(AXIAL), stop_after_two).cancelled()
    assert sorted({6, *reached}) == sorted(set(np.argwhere(mask_of(session))[:, 0]))
    assert len(reached) == 2


def test_propagation_that_is_undone_halfway_stops_and_leaves_nothing(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    clicked = mask_of(session)
    future = session.propagate("ball", Propagation(AXIAL), lambda _: session.undo())
    assert future.cancelled()
    assert np.array_equal(mask_of(session), clicked)


def test_propagation_of_a_segment_that_is_removed_halfway_stops(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    assert session.propagate("ball", Propagation(AXIAL), lambda _: session.remove_segment("ball")).cancelled()
    assert session.segment_names == ()


def test_a_slice_prompted_while_propagation_runs_keeps_its_own_mask(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()

    def correct(item):
        if item.plane.index == 7:
            session.add_point("ball", (9, 8, 8), AXIAL, positive=False).result()

    assert session.propagate("ball", Propagation(AXIAL), correct).cancelled()
    assert not mask_of(session)[8, 8, 9]


def test_propagated_slices_stay_as_outdated_ones_when_the_prompts_they_came_from_change(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL)).result()
    whole = mask_of(session)
    others = [index for index in np.flatnonzero(whole.any(axis=(1, 2))) if index != 6]
    assert session.state("ball").outdated(AXIAL) == []
    session.add_point("ball", (9, 8, 6), AXIAL, positive=False).result()
    assert session.state("ball").outdated(AXIAL) == others
    assert np.array_equal(mask_of(session)[others], whole[others])
    session.undo()
    assert session.state("ball").outdated(AXIAL) == []
    assert np.array_equal(mask_of(session), whole)


def test_without_a_slice_to_go_from_nothing_propagated_stays(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL)).result()
    session.clear_slice("ball", (AXIAL, 6))
    assert not mask_of(session).any()


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (lambda s: s.add_point("heart", (9, 8, 6), AXIAL), "no segment named 'heart'; there are: ball"),
        (lambda s: s.add_point("ball", (20, 8, 6), AXIAL), "lies outside of ball"),
        (lambda s: s.add_box("ball", Box((1, 1, 5), (4, 4, 6)), AXIAL), "not in axial slice 5"),
        (lambda s: s.add_box("ball", Box((1, 1, 5), (40, 4, 5)), AXIAL), "outside of the volume"),
        (lambda s: s.set_prompts("ball", PromptSet(AXIAL, 3)), "at least one point or box"),
        (lambda s: s.set_prompts("ball", PromptSet(AXIAL, 12, (Point((1, 1, 12)),))), "slices 0 to 11, not 12"),
        (lambda s: s.add_segment("ball"), "choose another name"),
        (lambda s: s.add_segment("  "), "needs a name"),
        (lambda s: s.add_segment("a\ud800"), "needs a name"),
        (lambda s: s.propagate("ball", Propagation(AXIAL)), "no prompted axial slice"),
        (lambda s: s.propagate("ball", Propagation(AXIAL, 4, 40)), "must lie within 0:11"),
        (lambda s: s.choose_candidate("ball", (AXIAL, 6), 3), "numbered 0 to 2"),
        (lambda s: s.choose_candidate("ball", (AXIAL, 6), 1), "at least one point or box"),
        (lambda s: s.remove_point("ball", (AXIAL, 6), 0), "no point 0 on this slice; it has 0"),
        (lambda s: s.remove_box("ball", (AXIAL, 6), -1), "no box -1 on this slice"),
        (lambda s: s.preview(PromptSet(AXIAL, 6)), "at least one point or box"),
        (lambda s: s.preview(PromptSet(AXIAL, 6, (Point((40, 1, 6)),))), "outside of the volume"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_and_changes_nothing(session, action, sentence):
    with pytest.raises(InputError, match=sentence):
        action(session)
    assert session.segment_names == ("ball",)
    assert not mask_of(session).any()
    assert session.state("ball").prompts == {}


def test_a_renamed_segment_has_its_new_name_after_undo_too(session):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    before = mask_of(session)
    assert session.rename_segment("ball", " spleen ") == "spleen"
    assert session.segment_names == ("spleen",)
    assert np.array_equal(mask_of(session, "spleen"), before)
    session.undo()
    assert session.segment_names == ("spleen",)
    session.redo()
    assert np.array_equal(mask_of(session, "spleen"), before)


def test_a_new_name_must_be_free_for_as_long_as_undo_reaches(session):
    session.add_segment("other")
    session.remove_segment("other")
    for name in ("other", " "):
        with pytest.raises(InputError, match=r"another name|needs a name"):
            session.rename_segment("ball", name)
    assert session.segment_names == ("ball",)


def test_a_session_goes_on_from_segments_that_it_is_given(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    again = SegmentationSession(session.volume, session.engine, states=session.states)
    assert np.array_equal(mask_of(again), mask_of(session))
    assert not again.can_undo
    again.add_point("ball", (10, 8, 6), AXIAL, positive=False).result()
    assert not mask_of(again)[6, 8, 10]
