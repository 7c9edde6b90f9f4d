"""Slices that the user has accepted, or given a mask from elsewhere: they stay, and others start from them."""

import numpy as np
import pytest

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.prompts import Point, PromptSet
from SAMSegmentLib.sessionfile import replay, saved_segment_from_json, session_to_json
from Testing.sessions import (
    LONG_BALL,
    assert_replays,
    click,
    in_square,
    long_session,
    mask_of,
    propagate,
    propagated_session,
    slices_of,
)

AXIAL, CORONAL = Orientation.AXIAL, Orientation.CORONAL


@pytest.fixture
def session():
    return propagated_session()


def test_an_accepted_slice_keeps_its_mask_and_is_a_key_slice(session):
    odd = in_square()
    session.set_mask("ball", AXIAL, 8, odd)
    propagate(session)
    assert np.array_equal(slice_plane(session.volume, AXIAL, 8).extract(mask_of(session)), odd)
    assert session.engine.requests[-1].intervals == ((4, 8), (8, 12))
    assert np.array_equal(session.engine.requests[-1].key_masks[8], odd)
    before = session.state("ball").masks[AXIAL, 8]
    propagate(session, smooth=True)
    assert session.state("ball").masks[AXIAL, 8] is before


def test_accepting_a_propagated_slice_changes_no_voxel_and_outdates_what_was_around_it(session):
    whole = mask_of(session)
    session.accept_slice("ball", (AXIAL, 8))
    assert np.array_equal(mask_of(session), whole)
    assert session.state("ball").outdated(AXIAL) == [5, 6, 7, 9, 10, 11]
    assert_replays(session)
    session.undo()
    assert session.state("ball").outdated(AXIAL) == []


def test_an_outdated_slice_can_be_accepted_like_any_other(session):
    session.accept_slice("ball", (AXIAL, 8))
    session.accept_slice("ball", (AXIAL, 7))
    assert session.state("ball").outdated(AXIAL) == [5, 6, 9, 10, 11]
    assert_replays(session)


def test_accepting_and_releasing_a_prompted_slice_changes_no_mask(session):
    before = mask_of(session)
    session.accept_slice("ball", (AXIAL, 12))
    session.accept_slice("ball", (AXIAL, 12))  # once more: no step of its own
    propagate(session)
    assert len(session.engine.requests) == 1
    session.release_slice("ball", (AXIAL, 12))
    assert np.array_equal(mask_of(session), before)
    session.undo()
    session.undo()
    assert session.prompts("ball", (AXIAL, 12))
    click(session, 12)  # it is not locked any more


def test_a_released_slice_without_prompts_is_outdated_with_what_was_made_from_it(session):
    whole = mask_of(session)
    session.accept_slice("ball", (AXIAL, 8))
    propagate(session)
    accepted = mask_of(session)
    session.release_slice("ball", (AXIAL, 8))
    assert np.array_equal(mask_of(session), accepted)
    assert session.state("ball").outdated(AXIAL) == [5, 6, 7, 8, 9, 10, 11]
    propagate(session)
    assert np.array_equal(mask_of(session), whole)


def test_a_segment_can_start_from_a_mask_that_is_there_already():
    session = long_session()
    session.set_mask("ball", AXIAL, 12, slice_plane(session.volume, AXIAL, 12).extract(LONG_BALL))
    propagate(session)
    assert slices_of(session) >= set(range(3, 22))
    assert not (mask_of(session) & ~LONG_BALL).any()


def test_a_given_mask_takes_the_place_of_prompts(session):
    session.set_mask("ball", AXIAL, 12, in_square())
    assert not session.prompts("ball", (AXIAL, 12))
    session.undo()
    assert session.prompts("ball", (AXIAL, 12)).points == (Point((9, 8, 12)),)


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (lambda s: s.add_point("ball", (9, 8, 4), AXIAL), "Axial slice 4 of 'ball' is accepted; release it"),
        (lambda s: s.clear_slice("ball", (AXIAL, 4)), "release it"),
        (lambda s: s.remove_point("ball", (AXIAL, 4), 0), "release it"),
        (lambda s: s.choose_candidate("ball", (AXIAL, 4), 1), "release it"),
        (lambda s: s.accept_slice("ball", (AXIAL, 0)), "Axial slice 0 of 'ball' has no mask yet"),
        (lambda s: s.accept_slice("ball", (CORONAL, 8)), "has no mask yet"),
        (lambda s: s.release_slice("ball", (AXIAL, 12)), "is not accepted"),
        (lambda s: s.set_mask("ball", AXIAL, 5, np.zeros((3, 4), bool)), "16x20 truth values, not of 3x4 bool"),
        (lambda s: s.set_mask("ball", AXIAL, 5, np.zeros((16, 20))), "not of 16x20 float64"),
        (lambda s: s.set_mask("ball", AXIAL, 24, in_square()), "slices 0 to 23, not 24"),
        (lambda s: s.set_mask("heart", AXIAL, 4, in_square()), "no segment named 'heart'"),
        (lambda s: s.propagate("ball", Propagation(AXIAL, stops=(24,))), "slices 0 to 23, not 24"),
        (lambda s: s.propagate("ball", Propagation(AXIAL, only=(-1,))), "slices 0 to 23, not -1"),
        (lambda s: s.propagate("ball", Propagation(AXIAL, farthest_mm=0)), "above 0 and at most 1000000 mm, not 0"),
        (lambda s: s.propagate("ball", Propagation(AXIAL, farthest_mm=float("nan"))), "not nan"),
        (
            lambda s: s.propagate("ball", Propagation(AXIAL, intervals=((4, 9),))),
            r"no axial interval \[4, 9\].*4, 12, 20",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(session, action, sentence):
    session.accept_slice("ball", (AXIAL, 4))
    before = session.states
    with pytest.raises(InputError, match=sentence):
        action(session)
    assert session.states is before


def test_a_slice_whose_answer_is_not_there_yet_cannot_be_accepted(session):
    session.engine._model.fails = True
    session.add_point("ball", (10, 8, 12), AXIAL, positive=False)
    with pytest.raises(InputError, match="no mask yet"):
        session.accept_slice("ball", (AXIAL, 12))


def test_an_accepted_mask_is_restored_also_where_the_prompts_are_answered_otherwise(session):
    session.accept_slice("ball", (AXIAL, 12))
    (data,) = session_to_json(session)["segments"]
    (saved,) = data["accepted"]
    elsewhere = [saved["runs"][0] - 1, *saved["runs"][1:-1], saved["runs"][-1] + 1]
    again = long_session()
    again.remove_segment("ball")
    replay(saved_segment_from_json({**data, "accepted": [{**saved, "runs": elsewhere}]}), again)
    (restored,) = session_to_json(again)["segments"][0]["accepted"]
    assert restored["runs"] == elsewhere
    assert again.prompts("ball", (AXIAL, 12)) == PromptSet(AXIAL, 12)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [({"shape": [20, 16]}, "20x16 pixels, the slice 16x20"), ({"index": 24}, "slices 0 to 23, not 24")],
)
def test_an_accepted_mask_of_another_image_is_refused(session, members, sentence):
    session.accept_slice("ball", (AXIAL, 12))
    (data,) = session_to_json(session)["segments"]
    saved = saved_segment_from_json({**data, "accepted": [{**data["accepted"][0], **members}]})
    again = long_session()
    again.remove_segment("ball")
    with pytest.raises(InputError, match=sentence):
        replay(saved, again)


def test_an_accepted_slice_is_what_it_is_in_the_volume_whatever_other_orientations_add():
    session = propagated_session()
    session.accept_slice("ball", (AXIAL, 12))
    accepted = mask_of(session)[12].copy()
    everywhere = np.ones(session.volume.array.shape, dtype=bool)
    session.set_mask("ball", Orientation.SAGITTAL, 3, everywhere[:, :, 3])
    session.release_slice("ball", (Orientation.SAGITTAL, 3))
    session.add_point("ball", (3, 3, 12), Orientation.CORONAL)
    assert np.array_equal(mask_of(session)[12], accepted)
