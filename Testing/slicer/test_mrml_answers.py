"""Answers come when they come, and count in the order in which the user asked."""

from concurrent.futures import CancelledError

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import EngineError
from Testing.slicer.mrml_late import late_loop
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import AXIAL, BALL


@pytest.fixture
def world():
    with MRMLScene() as world:
        yield world


@pytest.fixture
def late(world):
    """A session whose answer to a click is on its way."""
    loop = late_loop(world)
    yield loop
    loop.scene_session.close()


def test_of_several_clicks_the_newest_answer_counts(late):
    late.click((10, 8, 6), positive=False)
    late.engine.answer_all()
    expected = BALL[6].copy()
    expected[8, 10] = False
    assert np.array_equal(late.mask()[6], expected)


def test_a_click_that_is_undone_before_its_answer_leaves_nothing(late):
    late.scene_session.undo()
    late.engine.answer_all()
    assert not late.mask().any()
    late.scene_session.redo()
    late.engine.answer_all()
    assert np.array_equal(late.mask()[6], BALL[6])


def test_answers_in_another_order_are_undone_in_the_users_order(late):
    late.click((9, 8, 7))
    late.engine.waiting.reverse()
    late.engine.answer_all()
    late.scene_session.undo()
    late.engine.answer_all()
    assert np.array_equal(late.mask()[6], BALL[6])
    assert not late.mask()[7].any()
    late.scene_session.redo()
    late.engine.answer_all()
    assert np.array_equal(late.mask()[[6, 7]], BALL[[6, 7]])


def test_a_failed_answer_is_told_and_can_be_asked_again(late):
    _slot, future, _prompts = late.engine.waiting.pop()
    future.set_running_or_notify_cancel()
    future.set_exception(EngineError("The worker ran out of memory."))
    assert late.told == ["The worker ran out of memory."]
    late.scene_session.ask_again()
    late.engine.answer_all()
    assert np.array_equal(late.mask()[6], BALL[6])


def test_a_cancelled_answer_is_no_failure(late):
    _slot, future, _prompts = late.engine.waiting.pop()
    future.cancel()
    with pytest.raises(CancelledError):
        future.result()
    assert late.told == []


@pytest.mark.parametrize("with_history", [False, True], ids=["own records", "editor's history"])
def test_a_click_undone_while_slices_stream_in_leaves_the_slices(world, with_history):
    loop = late_loop(world, with_history=with_history)
    loop.engine.answer_all()
    loop.scene_session.propagate("ball", Propagation(AXIAL))
    loop.engine.hand_over(2)
    loop.click((9, 8, 6), segment_id="other")
    loop.engine.answer_all()
    loop.engine.hand_over(2)
    loop.scene_session.undo()
    assert not loop.mask("other").any()
    assert np.count_nonzero(loop.mask().any(axis=(1, 2))) == 5
    assert np.array_equal(loop.mask(), loop.scene_session.session.segments()[0].mask)
    loop.engine.hand_over(1)
    assert np.array_equal(loop.mask(), loop.scene_session.session.segments()[0].mask)
    loop.scene_session.undo()
    assert np.count_nonzero(loop.mask().any(axis=(1, 2))) == 1
    with pytest.raises(CancelledError):
        loop.engine.hand_over(1)
    loop.scene_session.close()


@pytest.mark.parametrize("with_history", [False, True], ids=["own records", "editor's history"])
def test_of_a_dragged_point_the_newest_place_counts_and_it_is_one_step(world, with_history):
    loop = late_loop(world, with_history=with_history)
    loop.click((8, 6, 6), positive=False)
    loop.engine.answer_all()
    before = loop.masks()
    negative = world.scene.GetFirstNodeByName("ball negative points")
    negative.InvokeCustomModifiedEvent(negative.PointStartInteractionEvent)
    for column in (9, 10, 11):
        negative.SetNthControlPointPosition(0, column, 8, 6)
    assert [future.cancelled() for _slot, future, _prompts in loop.engine.waiting] == [True, True, False]
    loop.engine.answer_all()
    assert np.argwhere(BALL[6] & ~loop.mask()[6]).tolist() == [[8, 11]]
    negative.SetNthControlPointPosition(0, 12, 8, 6)
    negative.InvokeCustomModifiedEvent(negative.PointEndInteractionEvent)
    assert np.argwhere(BALL[6] & ~loop.mask()[6]).tolist() == [[8, 11]]  # until the answer comes
    loop.engine.answer_all()
    assert np.argwhere(BALL[6] & ~loop.mask()[6]).tolist() == [[8, 12]]
    loop.scene_session.undo()
    loop.engine.answer_all()
    assert all(np.array_equal(loop.mask(name), mask) for name, mask in before.items())
    assert loop.scene_session.prompts()[1].ijk == (8, 6, 6)
    loop.scene_session.close()


def test_a_point_dragged_away_and_back_changes_nothing(late):
    late.engine.answer_all()
    before, node = late.mask(), late.world.scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.InvokeCustomModifiedEvent(node.PointStartInteractionEvent)
    node.SetNthControlPointPosition(0, 2, 2, 6)
    late.engine.answer_all()
    assert late.mask()[6, 2, 2]
    node.SetNthControlPointPosition(0, 9.2, 8, 6)
    node.InvokeCustomModifiedEvent(node.PointEndInteractionEvent)
    late.engine.answer_all()
    assert np.array_equal(late.mask(), before)
    late.scene_session.undo()
    assert late.scene_session.prompts() == []
