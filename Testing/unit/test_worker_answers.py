"""The built-in model in a process of its own: the same bits as in this process, for every request."""

import numpy as np
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation, slice_count, slice_plane
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import Box, MaskPrompt, Point, PromptSet
from SAMSegmentLib.propagation import PropagationRequest
from SAMSegmentLib.volume import Window
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.generated import affine_for, ball, volume_of
from Testing.worker_engines import wait_for

AXIAL = Orientation.AXIAL
WINDOW = Window(40, 200)
CENTER = (22, 18, 8)


@pytest.fixture(scope="module")
def volume():
    """A ball of 10 mm in noise, stored along the patient's axes in another order, big-endian, with flips."""
    inside = ball((16, 40, 44), CENTER, 10, spacing=(1, 1, 2))
    noise = np.random.default_rng(0).normal(0, 15, inside.shape)
    values = np.where(inside, 90, 0) + noise
    return volume_of(values.astype(">i2"), affine_for((0, 1, 2), (-1, 1, 1), (1, 1, 2)), name="ball")


@pytest.fixture(scope="module")
def engine(volume):
    engine = WorkerEngine(WorkerSettings(disk_cache=False))
    engine.open_volume(volume, WINDOW)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reference(volume):
    return InProcessEngine(load_model(), volume, WINDOW)


def prompts_through(orientation, volume, *, box=False, negative=False):
    plane = slice_plane(volume, orientation, CENTER[{"sagittal": 0, "coronal": 1, "axial": 2}[orientation.value]])
    column, row = plane.ijk_to_pixel(CENTER)
    points = [Point(CENTER)]
    if negative:
        points.append(Point(plane.pixel_to_ijk(1, 1), positive=False))
    corners = [plane.pixel_to_ijk(column + step, row + step) for step in (-4, 4)]
    boxes = (Box(*corners),) if box else ()
    return PromptSet(orientation, plane.index, tuple(points), boxes)


def assert_equal_answers(mine, theirs):
    assert mine.plane == theirs.plane
    assert mine.candidates.best == theirs.candidates.best
    for member in ("masks", "predicted_iou", "stability", "logits"):
        first, second = getattr(mine.candidates, member), getattr(theirs.candidates, member)
        assert first.dtype == second.dtype
        assert np.array_equal(first, second), member


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("extras", [{}, {"box": True}, {"negative": True}, {"box": True, "negative": True}])
def test_answers_are_bit_equal_to_those_of_this_process(engine, reference, volume, orientation, extras):
    prompts = prompts_through(orientation, volume, **extras)
    answer = engine.wait(engine.predict(prompts))
    assert answer.candidates.masks[answer.candidates.best].any()
    assert_equal_answers(answer, reference.predict(prompts).result())


def test_a_correction_of_an_earlier_answer_is_bit_equal(engine, reference, volume):
    prompts = prompts_through(AXIAL, volume)
    first = engine.wait(engine.predict(prompts)).candidates
    corrected = PromptSet(
        AXIAL, prompts.index, (*prompts.points, Point((2, 2, 8), positive=False)), mask=MaskPrompt(first.logits[0])
    )
    answer = engine.wait(engine.predict(corrected))
    assert_equal_answers(answer, reference.predict(corrected).result())


def test_a_slice_is_encoded_once(engine, volume):
    prompts = PromptSet(AXIAL, 2, (Point((22, 18, 2)),))
    first, second = (engine.wait(engine.predict(prompts)) for _ in range(2))
    assert first.timings.encode_ms > 0
    assert second.timings.encode_ms == 0


@pytest.mark.parametrize(
    "prompts",
    [
        PromptSet(AXIAL, 8, (Point((22, 18, 9)),)),
        PromptSet(AXIAL, 99, (Point((22, 18, 99)),)),
        PromptSet(AXIAL, -1, (Point((22, 18, -1)),)),
        PromptSet(AXIAL, 8, (Point((-3, 18, 8)),)),
        PromptSet(AXIAL, 8, (), (Box((0, 0, 8), (400, 5, 8)),)),
        PromptSet(AXIAL, 8),
    ],
)
def test_impossible_prompts_are_refused_in_a_sentence_and_the_process_goes_on(engine, reference, prompts):
    pid = engine.worker_pid
    with pytest.raises(InputError) as refused:
        engine.wait(engine.predict(prompts))
    with pytest.raises(InputError) as expected:
        reference.predict(prompts).result()
    said, wanted = (str(error.value).casefold().replace("the volume", "ball") for error in (refused, expected))
    assert said == wanted
    assert engine.worker_pid == pid


@pytest.fixture
def request_from_the_middle(engine, volume):
    prompts = prompts_through(AXIAL, volume, box=True)
    candidates = engine.wait(engine.predict(prompts)).candidates
    return PropagationRequest(AXIAL, {prompts.index: candidates.masks[candidates.best]}, 1, 14)


def propagated(engine, request):
    reached = []
    future = engine.propagate(request, reached.append)
    if isinstance(engine, WorkerEngine):
        engine.wait(future)
    return reached


def test_propagation_is_bit_equal_slice_by_slice(engine, reference, request_from_the_middle):
    mine, theirs = propagated(engine, request_from_the_middle), propagated(reference, request_from_the_middle)
    assert len(mine) > 3
    assert [item.plane for item in mine] == [item.plane for item in theirs]
    assert [item.predicted_iou for item in mine] == [item.predicted_iou for item in theirs]
    assert all(np.array_equal(a.mask, b.mask) for a, b in zip(mine, theirs, strict=True))


def test_propagation_cancelled_by_its_listener_stops_and_keeps_what_was_handed_over(engine, request_from_the_middle):
    reached = []

    def take(item):
        reached.append(item.plane.index)
        if len(reached) == 2:
            future.cancel()

    future = engine.propagate(request_from_the_middle, take)
    wait_for(future.done, engine.process_events)
    assert future.cancelled()
    engine.wait(engine.predict(PromptSet(AXIAL, 3, (Point((22, 18, 3)),))))  # whatever was under way has come by now
    assert len(reached) == 2
    assert not engine.is_busy


def test_encoding_all_counts_every_slice_once_and_ends(engine, volume):
    counts = []
    orientation = Orientation.SAGITTAL
    engine.wait(engine.predict(prompts_through(orientation, volume)))  # this one is there already
    total = slice_count(volume, orientation)
    engine.wait(engine.embed_all(orientation, 0, total - 1, counts.append))
    last = counts[-1]
    assert (last.done, last.total) == (total, total)
    assert last.encoded == total - 1
    assert last.slices_per_second > 0
    assert last.seconds_left == 0
    done = [progress.done for progress in counts]
    assert done == sorted(done)
    again = []
    engine.wait(engine.embed_all(orientation, 0, total - 1, again.append))
    assert [progress.encoded for progress in again] == [0]


def test_another_volume_takes_the_place_of_the_first(engine, volume):
    other = volume_of(np.ascontiguousarray(volume.array[:, :, ::-1]), volume.ijk_to_ras, name="mirrored")
    waiting = engine.predict(prompts_through(AXIAL, volume))
    engine.open_volume(other, WINDOW)
    assert waiting.cancelled()
    mirrored = Point((43 - CENTER[0], CENTER[1], CENTER[2]))
    prompts = PromptSet(AXIAL, 8, (mirrored,))
    try:
        answer = engine.wait(engine.predict(prompts))
        assert_equal_answers(answer, InProcessEngine(load_model(), other, WINDOW).predict(prompts).result())
    finally:
        engine.open_volume(volume, WINDOW)


def test_the_model_is_known_after_it_is_loaded(engine, reference):
    assert (engine.model_name, engine.weights_sha256) == (reference.model_name, reference.weights_sha256)
