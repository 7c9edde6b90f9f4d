"""What the worker process does first, gives up and leaves alone, with a model that the test can hold."""

import numpy as np
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.propagation import PropagationRequest
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.sessions import WINDOW
from Testing.worker_engines import click, numbered_volume, worker_on

AXIAL = Orientation.AXIAL


@pytest.fixture(scope="module")
def volume():
    return numbered_volume(250)


@pytest.fixture(scope="module")
def shared(volume):
    # So small that no slice of an earlier test is remembered.
    with worker_on(volume, "gated", cache_bytes=4 * 12 * 12) as bench:
        yield bench


@pytest.fixture
def bench(shared):
    """The shared worker, idle, with nothing remembered and nothing noted."""
    engine = shared.engine
    for index in range(240, 245):
        engine.wait(engine.predict(click(index)))
    shared.forget_calls()
    return shared


def idle(bench):
    """Until the worker has done all that it was asked for."""
    bench.engine.wait(bench.engine.predict(click(249)))


def test_a_click_comes_before_the_rest_of_encoding_all(bench):
    with bench.held("encode"):
        background = bench.engine.embed_all(AXIAL, 0, 99)
        bench.wait_for(lambda: bench.encoded() == [0])
        clicked = bench.engine.predict(click(50))
    bench.engine.wait(clicked)
    assert bench.encoded()[:2] == [0, 50]
    background.cancel()
    idle(bench)


def test_scrolling_40_slices_encodes_the_last_next_and_no_stale_one(bench):
    with bench.held("encode"):
        bench.engine.focus(AXIAL, 100)
        bench.wait_for(lambda: bench.encoded() == [100])
        for index in range(101, 141):
            bench.engine.focus(AXIAL, index)
        probe = bench.engine.predict(click(200))  # read after all of them
    bench.engine.wait(probe)
    bench.wait_for(lambda: len(bench.encoded()) >= 4)
    order = [index for index in bench.encoded() if index != 200]
    assert order[:3] == [100, 140, 141]
    idle(bench)


@pytest.mark.parametrize("index", [-1, 250, np.int64(120)])
def test_a_view_scrolled_anywhere_does_the_process_no_harm(bench, index):
    bench.engine.focus(AXIAL, index)
    idle(bench)
    assert bench.told == []


@pytest.mark.parametrize(("first", "last"), [(-1, 5), (0, 250), (7, 6)])
def test_encoding_slices_that_are_not_there_is_refused(bench, first, last):
    with pytest.raises(InputError, match=f"Axial slices {first}:{last} must lie within 0:249"):
        bench.engine.embed_all(AXIAL, first, last)
    assert not bench.engine.is_busy


def test_a_newer_request_in_a_slot_cancels_the_older_and_its_work(bench):
    with bench.held("decode"):
        first = bench.engine.predict(click(1), slot="drag")
        bench.wait_for(lambda: bench.calls("decode"))
        others = [bench.engine.predict(click(index), slot="drag") for index in range(2, 30)]
        elsewhere = bench.engine.predict(click(30), slot="hover")
    newest = bench.engine.wait(others[-1])
    bench.engine.wait(elsewhere)
    assert newest.plane.index == 29
    assert first.cancelled()
    assert all(future.cancelled() for future in others[:-1])
    assert sorted(bench.encoded()) == [1, 29, 30]


def test_what_is_cancelled_before_its_turn_is_never_done(bench):
    with bench.held("encode"):
        under_way = bench.engine.predict(click(1))
        bench.wait_for(lambda: bench.encoded() == [1])
        waiting = bench.engine.predict(click(2))
        sweep = bench.engine.embed_all(AXIAL, 60, 90)
        assert waiting.cancel()
        assert sweep.cancel()
    bench.engine.wait(under_way)
    idle(bench)
    assert bench.encoded() == [1, 249]


def test_an_answer_that_comes_after_its_cancelling_goes_nowhere(bench):
    with bench.held("decode"):
        future = bench.engine.predict(click(1))
        bench.wait_for(lambda: bench.calls("decode"))
        future.cancel()
    idle(bench)
    assert future.cancelled()
    assert not bench.engine.is_busy


def test_a_propagation_is_streamed_and_a_click_comes_between_its_slices(bench, volume):
    # Slices from 128 on are bright everywhere: the box of one is found in the next.
    key = ThresholdModel()
    answer = InProcessEngine(key, volume, WINDOW).predict(click(150)).result()
    request = PropagationRequest(AXIAL, {150: answer.candidates.masks[0]}, 140, 170)
    reached = []
    with bench.held("decode"):
        future = bench.engine.propagate(request, lambda item: reached.append(item.plane.index))
        bench.wait_for(lambda: bench.encoded() == [150])
        clicked = bench.engine.predict(click(5))
    bench.engine.wait(clicked)
    assert bench.encoded()[:2] == [150, 5]
    bench.engine.wait(future)
    assert reached == [*range(149, 139, -1), *range(151, 171)]


def test_a_propagation_cancelled_halfway_leaves_the_rest_undone(bench, volume):
    answer = InProcessEngine(ThresholdModel(), volume, WINDOW).predict(click(150)).result()
    request = PropagationRequest(AXIAL, {150: answer.candidates.masks[0]}, 140, 248)
    with bench.held("decode"):
        future = bench.engine.propagate(request, lambda _item: None)
        bench.wait_for(lambda: bench.encoded() == [150])
        future.cancel()
    idle(bench)
    assert bench.encoded() == [150, 249]


def test_a_pause_stops_encoding_all_but_no_click_and_resuming_ends_it(bench):
    seen = []
    bench.engine.pause()
    background = bench.engine.embed_all(AXIAL, 0, 9, seen.append)
    idle(bench)
    assert bench.encoded() == [249]
    bench.engine.resume()
    bench.engine.wait(background)
    assert sorted(bench.encoded()) == [*range(10), 249]
    assert [item.done for item in seen][-1] == 10


def test_a_pause_outlives_the_opening_of_another_volume(bench, volume):
    bench.engine.pause()
    bench.engine.open_volume(volume, WINDOW)
    background = bench.engine.embed_all(AXIAL, 0, 9)
    idle(bench)
    assert bench.encoded() == [249]
    bench.engine.resume()
    bench.engine.wait(background)


def test_requests_without_a_slot_are_all_answered(bench):
    futures = [bench.engine.predict(click(7, column)) for column in range(10)]
    answers = [bench.engine.wait(future) for future in futures]
    for column, answer in enumerate(answers):
        ((row, pixel),) = np.argwhere(answer.candidates.masks[0])
        assert answer.plane.pixel_to_ijk(pixel, row) == (column, 4, 7)


def test_callbacks_run_while_the_host_polls_and_may_ask_for_more(bench):
    chain = []

    def ask_on(future):
        chain.append(future.result().plane.index)
        if len(chain) < 5:
            bench.engine.predict(click(len(chain))).add_done_callback(ask_on)

    bench.engine.predict(click(0)).add_done_callback(ask_on)
    assert chain == []
    bench.wait_for(lambda: len(chain) == 5)
    assert chain == [0, 1, 2, 3, 4]
