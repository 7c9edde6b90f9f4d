"""The worker process dies or hangs, with real signals: what was asked for is answered all the same."""

import gc
import logging
import os
import secrets
import signal
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import MaskPrompt
from SAMSegmentLib.propagation import PropagationRequest
from SAMSegmentLib.worker import launch, voxelfile
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.sessions import WINDOW
from Testing.worker_engines import (
    PATIENCE_S,
    click,
    is_running,
    numbered_volume,
    wait_for,
    worker_on,
    worker_processes,
)

AXIAL = Orientation.AXIAL


@pytest.fixture(scope="module")
def volume():
    return numbered_volume(250)


@pytest.fixture(scope="module")
def shared(volume):
    with worker_on(volume, "gated") as bench:
        yield bench


@pytest.fixture
def bench(shared):
    """The shared worker, idle, with nothing noted."""
    shared.engine.wait(shared.engine.predict(click(200)))
    shared.forget_calls()
    shared.told.clear()
    return shared


@pytest.fixture
def expected(volume):
    engine = InProcessEngine(ThresholdModel(), volume, WINDOW)
    return lambda prompts: engine.predict(prompts).result().candidates


def assert_answered(bench, expected, prompts, future):
    answer = bench.engine.wait(future)
    assert np.array_equal(answer.candidates.masks, expected(prompts).masks)
    assert np.array_equal(answer.candidates.logits, expected(prompts).logits)


def test_killed_while_idle_the_next_click_is_answered(bench, expected):
    killed = bench.kill()
    assert_answered(bench, expected, click(3), bench.engine.predict(click(3)))
    assert bench.engine.worker_pid != killed
    (told,) = bench.told
    assert told == "The model's process failed (it was ended by signal 9) and was started again; nothing was lost."


def test_killed_while_a_volume_is_written_to_it_no_voxels_stay_behind(bench, expected, volume, monkeypatch, tmp_path):
    may_write = threading.Event()

    def write(descriptor, data):
        may_write.wait(PATIENCE_S)
        while data:
            data = data[os.write(descriptor, data) :]

    monkeypatch.setattr(voxelfile, "_write_all", write)
    monkeypatch.setattr(launch, "candidate_paths", lambda: [tmp_path / f"voxels-{secrets.token_hex(4)}"])
    bench.engine.open_volume(volume, WINDOW)
    bench.wait_for(lambda: list(tmp_path.iterdir()))
    bench.kill()
    may_write.set()
    assert_answered(bench, expected, click(3), bench.engine.predict(click(3)))
    wait_for(lambda: not list(tmp_path.iterdir()))


@pytest.mark.parametrize("what", ["encode", "decode"])
def test_killed_while_it_computes_all_that_was_asked_is_answered(bench, expected, what):
    prompts = [click(index) for index in (150, 20, 21)]
    with bench.held(what):
        futures = [bench.engine.predict(item) for item in prompts]
        bench.wait_for(lambda: bench.calls(what))
        bench.kill()
    for item, future in zip(prompts, futures, strict=True):
        assert_answered(bench, expected, item, future)
    assert len(bench.told) == 1


def test_killed_while_propagating_each_slice_is_handed_over_once(bench, expected):
    request = PropagationRequest(AXIAL, {150: expected(click(150)).masks[0]}, 140, 160)
    reached = []
    with bench.held("decode"):
        future = bench.engine.propagate(request, lambda item: reached.append(item.plane.index))
        bench.wait_for(lambda: bench.calls("decode"))
    bench.wait_for(lambda: len(reached) >= 2)
    bench.kill()
    bench.engine.wait(future)
    assert reached == [*range(149, 139, -1), *range(151, 161)]


def test_killed_while_encoding_all_the_rest_is_encoded_and_told(bench):
    seen = []
    with bench.held("encode"):
        future = bench.engine.embed_all(AXIAL, 0, 30, seen.append)
        bench.wait_for(bench.encoded)
        bench.kill()
    bench.engine.wait(future)
    assert seen[-1].done == seen[-1].total == 31
    assert set(range(31)) <= set(bench.encoded())


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal on this system")
def test_a_process_that_hangs_is_noticed_ended_and_replaced(bench, expected):
    stopped = bench.kill(signal.SIGSTOP)
    since = time.monotonic()
    future = bench.engine.predict(click(4))
    bench.wait_for(lambda: bench.told)
    # 2 s are promised; a machine whose cores are all taken may look later.
    assert time.monotonic() - since < 6
    assert "did not answer" in bench.told[0]
    assert_answered(bench, expected, click(4), future)
    wait_for(lambda: not is_running(stopped))


def test_a_host_that_was_busy_itself_does_not_take_the_worker_for_hung(bench):
    pid = bench.engine.worker_pid
    time.sleep(2.5)
    bench.engine.process_events()
    bench.engine.wait(bench.engine.predict(click(5)))
    assert bench.engine.worker_pid == pid
    assert bench.told == []


def test_crashes_far_apart_are_not_counted_together(bench, expected):
    for index in (6, 7, 8):
        bench.kill()
        assert_answered(bench, expected, click(index), bench.engine.predict(click(index)))
    assert len(bench.told) == 3


def test_what_was_cancelled_is_not_asked_again_of_the_next_process(bench, expected):
    with bench.held("encode"):
        dropped = bench.engine.predict(click(40))
        bench.wait_for(lambda: bench.encoded() == [40])
        kept = bench.engine.predict(click(41))
        dropped.cancel()
        bench.forget_calls()
        bench.kill()
    assert_answered(bench, expected, click(41), kept)
    assert bench.encoded() == [41]


def test_pause_and_focus_are_known_to_the_next_process(bench):
    bench.engine.pause()
    bench.engine.focus(AXIAL, 90)
    bench.kill()
    bench.engine.wait(bench.engine.predict(click(10)))
    bench.engine.wait(bench.engine.predict(click(11)))
    assert bench.encoded() == [10, 11]
    bench.engine.resume()
    bench.wait_for(lambda: 90 in bench.encoded())
    assert bench.encoded()[2] == 90


def test_closing_ends_the_process_whatever_it_is_at_and_cancels(volume):
    with worker_on(volume, "gated") as bench, bench.held("encode"):
        future = bench.engine.predict(click(1))
        bench.wait_for(bench.encoded)
        pid = bench.engine.worker_pid
        bench.engine.close()
        assert future.cancelled()
        wait_for(lambda: not is_running(pid))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal on this system")
def test_closing_ends_a_process_that_hangs_before_it_has_read_what_it_is_asked(volume):
    with worker_on(volume, "gated") as bench:
        bench.engine.wait(bench.engine.predict(click(1)))
        stopped = bench.kill(signal.SIGSTOP)
        # Longer than a pipe holds: the host's writer is stuck within it.
        bench.engine.predict(replace(click(1), mask=MaskPrompt(np.zeros((512, 512), np.float32))))
        bench.engine.close()
        wait_for(lambda: not is_running(stopped))


def test_a_process_that_ended_leaves_no_pipe_to_the_garbage_collector(volume):
    before = set(threading.enumerate())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", ResourceWarning)
        with worker_on(volume, "gated") as bench:
            bench.engine.wait(bench.engine.predict(click(1)))
        wait_for(lambda: set(threading.enumerate()) <= before)
        gc.collect()
    assert [str(warning.message) for warning in seen if warning.category is ResourceWarning] == []


def test_three_crashes_in_a_row_stop_it_with_the_last_words_until_it_is_tried_again(volume, expected, caplog):
    caplog.set_level(logging.INFO)
    request = PropagationRequest(AXIAL, {150: expected(click(150)).masks[0]}, 150, 160)
    reached = []
    with worker_on(volume, "falling") as bench:
        (bench.folder / "fatal").write_text("155")
        # Each process makes the first four slices again: they are no success.
        propagation = bench.engine.propagate(request, lambda item: reached.append(item.plane.index))
        sweep = bench.engine.embed_all(AXIAL, 0, 9)
        for future in (propagation, sweep):
            bench.wait_for(future.done)
            with pytest.raises(EngineError, match=r"3 times in a row .*exit code 3.*flux capacitor") as caught:
                future.result(0)
            assert "\n" not in str(caught.value)
        assert reached == [151, 152, 153, 154]
        assert len(bench.told) == 2
        assert "flux capacitor" in caplog.text
        with pytest.raises(EngineError, match="3 times in a row"):
            bench.engine.predict(click(17)).result(0)  # at once, with no fourth process
        assert bench.engine.worker_pid is None
        (bench.folder / "fatal").write_text("-1")
        bench.engine.retry()
        bench.engine.wait(bench.engine.propagate(request, lambda item: reached.append(item.plane.index)))
        assert reached[4:] == list(range(151, 161))


def test_a_graphics_processor_that_fails_is_left_with_its_process(volume, expected):
    with worker_on(volume, "broken_once") as bench:
        answer = bench.engine.wait(bench.engine.predict(click(17)))
        assert np.array_equal(answer.candidates.masks, expected(click(17)).masks)
        assert len(bench.told) == 1


def test_answers_that_make_no_sense_are_crashes_and_end_after_three(volume):
    with worker_on(volume, "crooked") as bench:
        with pytest.raises(EngineError, match=r"3 times in a row .what it says makes no sense"):
            bench.engine.wait(bench.engine.predict(click(1)))
        assert bench.engine.worker_pid is None


def test_a_process_that_garbles_its_messages_is_replaced(volume, expected):
    with worker_on(volume, "garbling") as bench:
        assert_answered(bench, expected, click(1), bench.engine.predict(click(1)))
        assert "makes no sense" in bench.told[0]


def test_garbage_sent_to_the_process_ends_it_and_another_one_answers(bench, expected):
    bench.engine._supervisor.running()._process.stdin.write(b"GET / HTTP/1.1\r\n\r\n")
    assert_answered(bench, expected, click(12), bench.engine.predict(click(12)))
    assert len(bench.told) == 1


def test_what_libraries_print_goes_to_the_log_and_not_among_the_messages(volume, expected, caplog):
    caplog.set_level(logging.INFO)
    with worker_on(volume, "talkative") as bench:
        assert_answered(bench, expected, click(1), bench.engine.predict(click(1)))
        assert bench.told == []
        words = ["printed by Python", "printed by a C library", "logged by a library", "50 %"]
        bench.wait_for(lambda: all(word in caplog.text for word in words))


def test_no_process_is_left_when_the_tests_above_are_done(bench):
    others = [child.pid for child in worker_processes() if child.pid != bench.engine.worker_pid]
    wait_for(lambda: not any(is_running(pid) for pid in others))
