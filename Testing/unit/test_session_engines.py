"""A session with engines that answer late, hand over slice by slice, or fail: nothing is lost or misplaced."""

from concurrent.futures import CancelledError, Future
from itertools import islice

import numpy as np
import pytest

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import EngineError, InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Point, PromptSet
from SAMSegmentLib.propagation import propagate
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.sessions import LONG_BALL, assert_replays, ball_session, click, in_square, mask_of, slices_of

AXIAL = Orientation.AXIAL


def test_prompts_survive_a_failing_engine(session, model):
    model.fails = True
    with pytest.raises(EngineError):
        session.add_point("ball", (9, 8, 6), AXIAL).result()
    assert session.prompts("ball", (AXIAL, 6)).points == (Point((9, 8, 6)),)
    assert not mask_of(session).any()


def test_after_the_engine_was_mended_the_masks_that_are_missing_can_be_asked_for(session, model, ball_mask):
    session.add_point("ball", (9, 8, 5), AXIAL)
    model.fails = True
    session.add_point("ball", (9, 8, 6), AXIAL)
    model.fails = False
    (future,) = session.ask_again()
    assert future.result().plane.index == 6
    assert np.array_equal(mask_of(session)[5:7], ball_mask[5:7])


def test_a_model_that_fails_is_told_as_an_engine_error(ball_mask, model, monkeypatch):
    def out_of_memory(*_):
        raise RuntimeError("CUDA out of memory.\nTried to allocate 20 GiB")

    monkeypatch.setattr(model, "encode", out_of_memory)
    session = ball_session(ball_mask, model)
    with pytest.raises(EngineError, match=r"threshold failed on this slice .CUDA out of memory.*--device cpu"):
        session.add_point("ball", (9, 8, 6), AXIAL).result()
    assert EngineError.exit_code == 4


class LateEngine(InProcessEngine):
    """Answers when told to, as a worker process does."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.waiting = []
        self.slots = []

    def predict(self, prompts, *, slot=None):
        future = Future()
        self.waiting.append((future, prompts))
        self.slots.append(slot)
        return future

    def answer_all(self):
        for future, prompts in self.waiting:
            future.set_result(super().predict(prompts).result())
        self.waiting.clear()


@pytest.fixture
def late_session(ball_mask, model):
    return ball_session(ball_mask, model, LateEngine)


def test_an_answer_to_prompts_that_have_changed_is_dropped(late_session):
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    late_session.add_point("ball", (10, 8, 6), AXIAL, positive=False)
    (first, prompts), second = late_session.engine.waiting
    late_session.engine.waiting[:] = [second, (first, prompts)]  # the older answer comes last
    late_session.engine.answer_all()
    assert not mask_of(late_session)[6, 8, 10]


def test_an_undone_prompt_gets_no_late_mask_and_redoing_asks_again(late_session, ball_mask):
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    late_session.undo()
    late_session.engine.answer_all()
    assert not mask_of(late_session).any()
    late_session.redo()
    late_session.engine.answer_all()
    assert np.array_equal(mask_of(late_session)[6], ball_mask[6])


def test_a_segment_renamed_while_its_answer_is_awaited_gets_its_mask(late_session, ball_mask):
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    late_session.rename_segment("ball", "spleen")
    late_session.engine.answer_all()
    assert np.array_equal(mask_of(late_session, "spleen")[6], ball_mask[6])


def test_an_accepted_slice_stays_so_when_an_answer_comes_twice(late_session):
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    late_session.undo()
    late_session.redo()  # asks once more
    engine = late_session.engine
    once, engine.waiting[:] = engine.waiting[1:], engine.waiting[:1]
    engine.answer_all()
    late_session.accept_slice("ball", (AXIAL, 6))
    engine.waiting[:] = once
    engine.answer_all()
    late_session.release_slice("ball", (AXIAL, 6))


def test_only_requests_of_one_segment_and_slice_overtake_each_other(late_session):
    late_session.add_segment("other")
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    late_session.add_point("ball", (10, 8, 6), AXIAL)
    late_session.add_point("ball", (9, 8, 7), AXIAL)
    late_session.add_point("other", (9, 8, 6), AXIAL)
    first, second, other_slice, other_segment = late_session.engine.slots
    assert first == second
    assert len({first, other_slice, other_segment}) == 3


def test_a_preview_changes_nothing_and_overtakes_only_previews(late_session):
    prompts = PromptSet(AXIAL, 6, (Point((9, 8, 6)),))
    late_session.preview(prompts)
    previewed = late_session.preview(prompts.with_point(Point((10, 8, 6))))
    late_session.engine.answer_all()
    assert previewed.result().candidates.masks[0].any()
    assert not mask_of(late_session).any()
    assert not late_session.prompts("ball", (AXIAL, 6))
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    one, two, click = late_session.engine.slots
    assert one == two != click


def test_listeners_hear_of_each_change_and_of_each_answer(late_session):
    heard = []
    late_session.add_listener(lambda: heard.append(mask_of(late_session).any()))
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    assert heard == [False]
    late_session.engine.answer_all()
    assert heard == [False, True]
    late_session.undo()
    assert heard == [False, True, False]


class StreamingEngine(InProcessEngine):
    """Hands propagated slices over one by one when told to, as a worker process does."""

    def propagate(self, request, on_slice):
        self.request, self.future, self.on_slice = request, Future(), on_slice
        self.made = iter(propagate(self._on_volume, request))
        return self.future

    def hand_over(self, count):
        try:
            for result in islice(self.made, count):
                self.on_slice(result)
        except CancelledError:
            self.end()

    def end(self):
        self.future.cancel()


@pytest.fixture
def streaming(ball_mask, model):
    session = ball_session(ball_mask, model, StreamingEngine)
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL))
    session.engine.hand_over(2)
    return session


def test_propagation_undone_while_it_runs_and_redone_is_what_was_made(streaming):
    streaming.undo()
    streaming.engine.hand_over(1)
    streaming.redo()
    assert sorted(set(np.argwhere(mask_of(streaming))[:, 0])) == [4, 5, 6]
    assert_replays(streaming)


def test_slices_that_arrive_after_another_step_survive_its_undoing(streaming):
    streaming.add_segment("other")
    streaming.engine.hand_over(1)
    streaming.undo()
    streaming.engine.end()
    assert sorted(set(np.argwhere(mask_of(streaming))[:, 0])) == [3, 4, 5, 6]
    assert_replays(streaming)


def test_propagation_that_fails_halfway_keeps_and_remembers_what_it_made(streaming):
    streaming.engine.future.set_exception(EngineError("The worker died."))
    assert sorted(set(np.argwhere(mask_of(streaming))[:, 0])) == [4, 5, 6]
    assert_replays(streaming)


def test_a_key_slice_changed_on_the_way_keeps_what_was_made_elsewhere_and_ends_the_rest():
    session = ball_session(LONG_BALL, ThresholdModel(), StreamingEngine)
    for index in (12, 20):
        click(session, index)
    session.propagate("ball", Propagation(AXIAL))
    session.engine.hand_over(13)
    assert slices_of(session) == {*range(2, 13), 17, 18, 19, 20}
    click(session, 16)
    session.engine.hand_over(1)
    assert session.engine.future.cancelled()
    assert session.state("ball").outdated(AXIAL) == [17, 18, 19]
    assert slices_of(session) == {*range(2, 13), *range(16, 21)}
    assert_replays(session)
    session.propagate("ball", Propagation(AXIAL))
    assert session.engine.request.intervals == ((12, 16), (16, 20), (20, None))


@pytest.mark.parametrize("end", ["cancelled", "failed", "other key slice"])
def test_what_a_propagation_that_ended_early_had_not_come_to_stays_outdated(end):
    session = ball_session(LONG_BALL, ThresholdModel(), StreamingEngine)
    click(session, 12)
    session.propagate("ball", Propagation(AXIAL))
    session.engine.hand_over(100)
    session.engine.end()
    whole = slices_of(session)
    session.set_mask("ball", AXIAL, 12, in_square(3))
    session.propagate("ball", Propagation(AXIAL))
    session.engine.hand_over(2)
    if end == "cancelled":
        session.engine.future.cancel()
    elif end == "failed":
        session.engine.future.set_exception(EngineError("The worker died."))
    else:
        click(session, 16)
        session.engine.hand_over(1)
    made = {12, 16} if end == "other key slice" else {10, 11, 12}
    assert slices_of(session) == whole
    assert {10, 11, *session.state("ball").outdated(AXIAL)} == whole - made | {10, 11}
    assert_replays(session)


def test_propagation_waits_for_the_mask_that_it_starts_from(late_session):
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    with pytest.raises(InputError, match="not there yet"):
        late_session.propagate("ball", Propagation(AXIAL))
