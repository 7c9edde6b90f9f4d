"""A user's work: prompts change one slice of one segment, and every step can be taken back."""

import json
from concurrent.futures import CancelledError, Future
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SAMSegmentLib.errors import EngineError, InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Box, Point, PromptSet
from SAMSegmentLib.propagation import propagate
from SAMSegmentLib.segmentstate import Propagation
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.sessionfile import replay, saved_segment_from_json, session_to_json
from SAMSegmentLib.volume import Window
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of

AXIAL, CORONAL = Orientation.AXIAL, Orientation.CORONAL
WINDOW = Window(127.5, 255)


@pytest.fixture
def ball_mask():
    return ball((12, 16, 20), (9, 8, 6), 4.5)


@pytest.fixture
def model():
    return ThresholdModel()


@pytest.fixture
def session(ball_mask, model):
    volume = volume_of(ball_mask.astype(np.uint8) * 255, name="ball")
    session = SegmentationSession(volume, InProcessEngine(model, volume, WINDOW))
    session.add_segment("ball")
    return session


def mask_of(session, name="ball"):
    return next(segment.mask for segment in session.segments() if segment.name == name)


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


def test_each_slice_is_reached_once_and_from_the_nearer_key_slice(session):
    session.add_point("ball", (9, 8, 3), AXIAL).result()
    session.add_point("ball", (9, 8, 8), AXIAL).result()
    reached = []
    session.propagate("ball", Propagation(AXIAL), lambda item: reached.append(item.plane.index)).result()
    assert len(reached) == len(set(reached))
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


def test_prompts_survive_a_failing_engine(session, model):
    model.fails = True
    with pytest.raises(EngineError):
        session.add_point("ball", (9, 8, 6), AXIAL).result()
    assert session.prompts("ball", (AXIAL, 6)).points == (Point((9, 8, 6)),)
    assert not mask_of(session).any()


def test_a_model_that_fails_is_told_as_an_engine_error(ball_mask, model, monkeypatch):
    volume = volume_of(ball_mask.astype(np.uint8) * 255)

    def out_of_memory(*_):
        raise RuntimeError("CUDA out of memory.\nTried to allocate 20 GiB")

    monkeypatch.setattr(model, "encode", out_of_memory)
    session = SegmentationSession(volume, InProcessEngine(model, volume, WINDOW))
    session.add_segment("ball")
    with pytest.raises(EngineError, match=r"threshold failed on this slice .CUDA out of memory.*--device cpu"):
        session.add_point("ball", (9, 8, 6), AXIAL).result()
    assert EngineError.exit_code == 4


class LateEngine(InProcessEngine):
    """Answers when told to, as a worker process does."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.waiting = []

    def predict(self, prompts):
        future = Future()
        self.waiting.append((future, prompts))
        return future

    def answer_all(self):
        for future, prompts in self.waiting:
            future.set_result(super().predict(prompts).result())
        self.waiting.clear()


@pytest.fixture
def late_session(ball_mask, model):
    volume = volume_of(ball_mask.astype(np.uint8) * 255)
    session = SegmentationSession(volume, LateEngine(model, volume, WINDOW))
    session.add_segment("ball")
    return session


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


def test_propagated_slices_go_when_the_prompts_they_came_from_change(session, ball_mask):
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL)).result()
    whole = mask_of(session)
    session.add_point("ball", (9, 8, 6), AXIAL, positive=False).result()
    assert set(np.argwhere(mask_of(session))[:, 0]) == {6}
    session.undo()
    assert np.array_equal(mask_of(session), whole)


clicks = st.tuples(
    st.just("click"),
    st.tuples(st.integers(4, 14), st.integers(3, 12), st.integers(3, 9)),
    st.sampled_from(Orientation),
    st.booleans(),
)
boxes = st.tuples(st.just("box"), st.integers(3, 9), st.integers(5, 8), st.integers(10, 13))
propagations = st.tuples(st.just("propagate"), st.sampled_from(Orientation), st.none() | st.integers(0, 3))
others = st.tuples(st.sampled_from(["undo", "redo", "clear", "candidate"]))


def perform(session, step):
    kind, *details = step
    keys = list(session.state("ball").prompts) if "ball" in session.segment_names else []
    if kind in ("undo", "redo"):
        getattr(session, kind)()
    elif "ball" not in session.segment_names:
        session.add_segment("ball")
    elif kind == "click":
        voxel, orientation, positive = details
        session.add_point("ball", voxel, orientation, positive=positive).result()
    elif kind == "box":
        k, low, high = details
        session.add_box("ball", Box((low, low, k), (high, high, k)), AXIAL).result()
    elif kind == "clear" and keys:
        session.clear_slice("ball", keys[0])
    elif kind == "candidate" and keys:
        session.choose_candidate("ball", keys[-1], 1).result()
    elif kind == "propagate" and any(orientation is details[0] for orientation, _ in keys):
        orientation, stop_after = details
        reached = []

        def stop(item):
            reached.append(item)
            if len(reached) == stop_after:
                raise CancelledError

        session.propagate("ball", Propagation(orientation), stop)


@given(st.lists(clicks | boxes | propagations | others, max_size=12))
@settings(max_examples=150, deadline=None)
def test_whatever_was_done_the_saved_session_makes_the_same_masks(steps):
    volume = volume_of(ball((12, 16, 20), (9, 8, 6), 4.5).astype(np.uint8) * 255)
    first, second = (SegmentationSession(volume, InProcessEngine(ThresholdModel(), volume, WINDOW)) for _ in range(2))
    first.add_segment("ball")
    for step in steps:
        perform(first, step)
    data = session_to_json(first)
    for segment in data["segments"]:
        replay(saved_segment_from_json(json.loads(json.dumps(segment))), second)
    for mine, again in zip(first.segments(), second.segments(), strict=True):
        assert np.array_equal(mine.mask, again.mask)
    assert session_to_json(second) == data


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
    ],
)
def test_what_cannot_be_done_is_refused_in_words_and_changes_nothing(session, action, sentence):
    with pytest.raises(InputError, match=sentence):
        action(session)
    assert session.segment_names == ("ball",)
    assert not mask_of(session).any()
    assert session.state("ball").prompts == {}


class StreamingEngine(InProcessEngine):
    """Hands propagated slices over one by one when told to, as a worker process does."""

    def propagate(self, request, on_slice):
        self.future, self.on_slice = Future(), on_slice
        self.made = iter(propagate(self._volume, request, self._candidates))
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
    volume = volume_of(ball_mask.astype(np.uint8) * 255)
    session = SegmentationSession(volume, StreamingEngine(model, volume, WINDOW))
    session.add_segment("ball")
    session.add_point("ball", (9, 8, 6), AXIAL).result()
    session.propagate("ball", Propagation(AXIAL))
    session.engine.hand_over(2)
    return session


def assert_replays(session):
    again = SegmentationSession(session.volume, InProcessEngine(ThresholdModel(), session.volume, WINDOW))
    for segment in session_to_json(session)["segments"]:
        replay(saved_segment_from_json(segment), again)
    for mine, theirs in zip(session.segments(), again.segments(), strict=True):
        assert np.array_equal(mine.mask, theirs.mask)


def test_propagation_undone_while_it_runs_and_redone_is_what_was_made(streaming):
    streaming.undo()
    streaming.engine.hand_over(1)
    streaming.redo()
    assert sorted(set(np.argwhere(mask_of(streaming))[:, 0])) == [6, 7, 8]
    assert_replays(streaming)


def test_slices_that_arrive_after_another_step_survive_its_undoing(streaming):
    streaming.add_segment("other")
    streaming.engine.hand_over(1)
    streaming.undo()
    streaming.engine.end()
    assert sorted(set(np.argwhere(mask_of(streaming))[:, 0])) == [6, 7, 8, 9]
    assert_replays(streaming)


def test_propagation_that_fails_halfway_keeps_and_remembers_what_it_made(streaming):
    streaming.engine.future.set_exception(EngineError("The worker died."))
    assert sorted(set(np.argwhere(mask_of(streaming))[:, 0])) == [6, 7, 8]
    assert_replays(streaming)


def test_propagation_waits_for_the_mask_that_it_starts_from(late_session):
    late_session.add_point("ball", (9, 8, 6), AXIAL)
    with pytest.raises(InputError, match="not there yet"):
        late_session.propagate("ball", Propagation(AXIAL))
