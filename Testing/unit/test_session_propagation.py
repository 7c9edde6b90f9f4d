"""Key slices, accepted slices and what lies between them: only what is affected is made again, and it is the same."""

from concurrent.futures import CancelledError
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.sessionfile import replay, saved_segment_from_json, session_to_json
from Testing.sessions import (
    click,
    in_square,
    long_session,
    mask_of,
    propagate,
    propagated_session,
    slices_of,
)

AXIAL, CORONAL = Orientation.AXIAL, Orientation.CORONAL


def same_work_afresh(session):
    """Another session with the same prompts and accepted slices, and nothing propagated yet."""
    again = long_session()
    again.remove_segment("ball")
    (data,) = session_to_json(session)["segments"]
    replay(saved_segment_from_json({**data, "propagate": []}), again)
    return again


@pytest.fixture
def session():
    return propagated_session()


def test_moving_one_of_three_key_slices_makes_only_its_two_intervals_again(session):
    before = session.state("ball").masks
    session.clear_slice("ball", (AXIAL, 12))
    click(session, 11)
    propagate(session)
    assert session.engine.requests[-1].intervals == ((4, 11), (11, 20))
    assert set(session.engine.reached[-1]) == {*range(5, 11), *range(12, 20)}
    untouched = [(AXIAL, index) for index in (*range(1, 5), *range(20, 24)) if (AXIAL, index) in before]
    assert len(untouched) >= 6
    assert all(session.state("ball").masks[key] is before[key] for key in untouched)


def test_a_changed_key_slice_outdates_only_its_own_intervals_until_they_are_made_again(session):
    whole = slices_of(session)
    session.add_point("ball", (10, 8, 4), AXIAL, positive=False).result()
    assert slices_of(session) == whole
    assert set(session.state("ball").outdated(AXIAL)) == whole & {1, 2, 3, *range(5, 12)}
    propagate(session)
    assert session.engine.requests[-1].intervals == ((None, 4), (4, 12))
    assert session.state("ball").outdated(AXIAL) == []


def test_asked_again_with_nothing_changed_nothing_is_done(session):
    before = session.state("ball")
    propagate(session)
    assert len(session.engine.requests) == 1
    assert session.state("ball") is before


def test_an_interval_in_which_nothing_was_reached_is_not_asked_for_again():
    session = long_session()
    session.set_mask("ball", AXIAL, 4, np.zeros((16, 20), dtype=bool))
    click(session, 12)
    propagate(session)
    click(session, 14)
    propagate(session)
    assert (None, 4) in session.engine.requests[0].intervals
    assert session.engine.requests[1].intervals == ((12, 14), (14, None))


@pytest.mark.parametrize(
    "members",
    [
        {"first": 3},
        {"last": 22},
        {"stops": (8,)},
        {"farthest_mm": 2.0},
        {"smooth": True},
        {"connected": True},
        {"fill_holes": True},
    ],
    ids=str,
)
def test_other_settings_make_everything_again(session, members):
    propagate(session, **members)
    assert session.engine.requests[-1].intervals == ((None, 4), (4, 12), (12, 20), (20, None))
    again = same_work_afresh(session)
    propagate(again, **members)
    assert np.array_equal(mask_of(session), mask_of(again))


def test_with_a_second_pass_a_changed_key_slice_makes_everything_again(session):
    propagate(session, smooth=True)
    whole = slices_of(session)
    click(session, 16)
    assert set(session.state("ball").outdated(AXIAL)) == whole - {4, 12, 16, 20}
    propagate(session, smooth=True)
    assert session.engine.requests[-1].intervals == ((None, 4), (4, 12), (12, 16), (16, 20), (20, None))
    propagate(session, smooth=True)
    assert len(session.engine.requests) == 3


def test_a_second_pass_over_some_intervals_is_no_part_of_one_over_all(session):
    propagate(session, smooth=True, intervals=((4, 12),))
    others = slices_of(session) - {*range(4, 13), 20}
    assert set(session.state("ball").outdated(AXIAL)) == others
    propagate(session, smooth=True)
    assert session.engine.requests[-1].intervals == ((None, 4), (4, 12), (12, 20), (20, None))
    assert session.state("ball").outdated(AXIAL) == []
    propagate(session, smooth=True, intervals=((4, 12),))
    assert set(session.state("ball").outdated(AXIAL)) == slices_of(session) - {*range(4, 13), 20}


def test_stops_and_distance_limit_what_is_reached():
    session = long_session()
    click(session, 12)
    propagate(session, stops=(15, 8))
    assert slices_of(session) == set(range(9, 15))
    propagate(session, farthest_mm=2.0)  # slices are 1 mm apart
    assert slices_of(session) == set(range(10, 15))


def test_clearing_a_slice_without_prompts_changes_nothing(session):
    before = session.states
    session.clear_slice("ball", (AXIAL, 8))
    assert session.states is before


def stopping_after(count):
    reached = []

    def stop(item):
        reached.append(item.plane.index)
        if len(reached) == count:
            raise CancelledError

    return stop


def test_a_cancelled_propagation_goes_on_with_the_intervals_that_are_missing(session):
    expected, first = mask_of(session), session.engine.reached[0]
    again = same_work_afresh(session)
    below = sum(index < 4 for index in first)
    assert again.propagate("ball", Propagation(AXIAL), stopping_after(below + 2)).cancelled()
    assert slices_of(again) == {4, 12, 20, *first[: below + 2]}
    propagate(again)
    assert again.engine.requests[-1].intervals == ((4, 12), (12, 20), (20, None))
    assert np.array_equal(mask_of(again), expected)
    again.undo()
    assert slices_of(again) == {4, 12, 20, *first[: below + 2]}
    again.undo()
    assert slices_of(again) == {4, 12, 20}


def test_a_propagation_cancelled_before_its_first_slice_leaves_nothing_to_save():
    session = long_session()
    click(session, 12)

    def cancelled(*_):
        raise CancelledError

    session.engine._on_volume.pixels = cancelled
    assert session.propagate("ball", Propagation(AXIAL)).cancelled()
    assert session_to_json(session)["segments"][0]["propagate"] == []


def test_a_propagation_cancelled_before_its_first_slice_leaves_what_it_was_to_replace(session):
    before, saved = mask_of(session), session_to_json(session)

    def cancelled(*_):
        raise CancelledError

    session.engine._on_volume.pixels = cancelled
    assert session.propagate("ball", Propagation(AXIAL, smooth=True)).cancelled()
    assert np.array_equal(mask_of(session), before)
    assert session_to_json(session) == saved


def test_a_file_that_names_no_intervals_is_done_again_as_far_as_it_says(session):
    count = len(session.engine.reached[0])
    again = same_work_afresh(session)
    propagate(again, only=tuple(session.engine.reached[0][: count // 2]))
    assert again.engine.reached[0] == session.engine.reached[0][: count // 2]
    propagate(again)
    assert (None, 4) not in again.engine.requests[-1].intervals
    assert np.array_equal(mask_of(again), mask_of(session))


def test_key_slices_outside_of_the_range_take_nothing_with_them():
    session = long_session()
    click(session, 12)
    propagate(session, first=8, last=16)
    reached = slices_of(session)
    click(session, 20)
    assert slices_of(session) == reached | {20}
    propagate(session, first=8, last=16)
    assert len(session.engine.requests) == 1


def test_other_segments_keep_every_voxel(session):
    session.add_segment("other")
    session.set_mask("other", AXIAL, 8, in_square(9))
    before = mask_of(session, "other")
    session.add_point("ball", (9, 8, 8), AXIAL).result()
    propagate(session, smooth=True)
    assert np.array_equal(mask_of(session, "other"), before)


def test_doubtful_slices_are_the_propagated_ones_least_confident_first(session):
    session.accept_slice("ball", (AXIAL, 22))
    session.add_point("ball", (9, 8, 12), CORONAL).result()
    session.propagate("ball", Propagation(CORONAL)).result()
    propagate(session)
    doubtful = session.doubtful_slices("ball")
    confidences = [score.confidence for score in doubtful]
    assert confidences == sorted(confidences)
    assert len(set(confidences)) > 3
    axial = session.doubtful_slices("ball", AXIAL)
    assert {score.index for score in axial} == slices_between(session) - {4, 12, 20, 22}
    assert [score for score in doubtful if score.orientation is AXIAL] == axial
    assert {score.orientation for score in doubtful} == {AXIAL, CORONAL}


def slices_between(session):
    return {index for orientation, index in session.state("ball").masks if orientation is AXIAL}


def test_scores_tell_prompted_propagated_and_accepted_slices_apart(session):
    session.set_mask("ball", AXIAL, 22, in_square())
    scores = {score.index: score for score in session.scores("ball")}
    assert scores[4].confidence is None
    assert 0 < scores[8].confidence < 1
    assert scores[8].stability == pytest.approx(0.9)
    assert (scores[22].predicted_iou, scores[22].is_accepted, scores[8].is_accepted) == (None, True, False)


# --- whatever was done before, the masks are those of the prompts, accepted slices and settings as they are

indices = st.integers(2, 22)
edits = st.one_of(
    st.tuples(st.just("click"), indices, st.integers(6, 12)),
    st.tuples(st.sampled_from(["clear", "accept", "release", "give"]), indices),
    st.tuples(st.sampled_from(["undo", "redo"])),
    st.tuples(st.just("propagate"), st.none() | st.integers(1, 9)),
)


def edit(session, kind, *details):
    key = (AXIAL, details[0]) if details else None
    if kind in ("undo", "redo"):
        getattr(session, kind)()
    elif kind == "propagate":
        session.propagate("ball", Propagation(AXIAL, 1, 22), stopping_after(details[0]))
    elif kind == "click":
        session.add_point("ball", (details[1], 8, details[0]), AXIAL).result()
    elif kind == "clear":
        session.clear_slice("ball", key)
    elif kind == "accept":
        session.accept_slice("ball", key)
    elif kind == "release":
        session.release_slice("ball", key)
    else:
        session.set_mask("ball", *key, in_square())


def edited(steps):
    session = long_session()
    click(session, 12)
    for step in steps:
        with suppress(InputError):  # such as a click on an accepted slice: refused, and nothing is changed
            edit(session, *step)
    if not session.segment_names:
        session.add_segment("ball")
    return session


@given(st.lists(edits, max_size=8))
@settings(max_examples=20, deadline=None)
def test_any_order_of_edits_gives_the_masks_of_a_fresh_session_with_the_same_key_slices(steps):
    session = edited(steps)
    again = same_work_afresh(session)
    for one in (session, again):
        if one.state("ball").key_masks(AXIAL):
            propagate(one, first=1, last=22)
    assert np.array_equal(mask_of(session), mask_of(again))


def test_a_stop_on_a_key_slice_is_refused(session):
    with pytest.raises(InputError, match="stop at axial slice 12"):
        session.propagate("ball", Propagation(AXIAL, stops=(12,)))
