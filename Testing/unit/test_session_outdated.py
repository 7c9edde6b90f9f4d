"""Slices that were propagated from key slices that are others now: when they go, and when they are current again."""

import numpy as np
import pytest

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.savedmask import SavedMask
from SAMSegmentLib.sessionfile import session_to_json
from Testing.fakes import ThresholdModel
from Testing.sessions import (
    LONG_BALL,
    assert_replays,
    ball_session,
    click,
    in_square,
    mask_of,
    propagate,
    propagated_session,
    slices_of,
)
from Testing.unit.test_session_engines import StreamingEngine

AXIAL = Orientation.AXIAL


def outdated(session):
    return session.state("ball").outdated(AXIAL)


def test_a_range_ends_the_segment_when_it_is_propagated_to_the_end():
    session = propagated_session()
    propagate(session, first=10, last=14)
    assert slices_of(session) == {4, 20, *range(10, 15)}
    assert outdated(session) == []


def test_slices_out_of_the_intervals_that_were_asked_for_stay():
    session = propagated_session()
    whole = slices_of(session)
    session.set_mask("ball", AXIAL, 12, in_square())
    propagate(session, intervals=((4, 12),))
    assert slices_of(session) == whole
    assert outdated(session) == list(range(13, 20))
    assert_replays(session)
    propagate(session)
    assert outdated(session) == []


def test_an_outdated_slice_that_propagation_does_not_reach_goes_with_the_next_one():
    session = propagated_session()
    propagate(session, first=10, last=14)
    session.set_mask("ball", AXIAL, 1, in_square())
    session.release_slice("ball", (AXIAL, 1))
    assert outdated(session) == [1]
    propagate(session, first=10, last=14)
    assert outdated(session) == []
    assert 1 not in slices_of(session)
    session.undo()
    assert outdated(session) == [1]


def test_nothing_is_outdated_in_a_segment_that_could_not_be_propagated_again():
    session = propagated_session()
    session.add_segment("other")
    session.put_outdated("other", [SavedMask.of(AXIAL, 5, in_square())])
    assert not mask_of(session, "other").any()


def changed_key(session):
    session.add_point("ball", (10, 8, 4), AXIAL, positive=False).result()


def cleared_key(session):
    session.clear_slice("ball", (AXIAL, 4))


def new_key(session):
    click(session, 8)


def accepted_and_released(session):
    session.set_mask("ball", AXIAL, 8, in_square())
    session.release_slice("ball", (AXIAL, 8))


def accepted(session):
    session.accept_slice("ball", (AXIAL, 8))


@pytest.mark.parametrize("change", [changed_key, cleared_key, new_key, accepted, accepted_and_released])
@pytest.mark.parametrize("end", ["cancelled", "undone"])
def test_a_key_slice_beyond_the_range_that_was_changed_meanwhile_keeps_its_change(change, end):
    session = ball_session(LONG_BALL, ThresholdModel(), StreamingEngine)
    for index in (4, 12, 20):
        click(session, index)
    session.propagate("ball", Propagation(AXIAL))
    session.engine.hand_over(100)
    session.engine.future.set_result(None)
    whole = mask_of(session)
    session.propagate("ball", Propagation(AXIAL, 15, 23))
    change(session)
    if end == "undone":
        session.undo()
    session.engine.end()
    assert_replays(session)
    assert slices_of(session) >= {*range(5, 8), *range(9, 24)} & set(np.flatnonzero(whole.any(axis=(1, 2))).tolist())
    if not session.propagate("ball", Propagation(AXIAL)).done():  # else everything is there
        session.engine.hand_over(100)
        session.engine.future.set_result(None)
    assert outdated(session) == []
    while session.can_undo:
        session.undo()
    assert session_to_json(session)["segments"] == []
