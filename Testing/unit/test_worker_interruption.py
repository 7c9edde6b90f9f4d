"""A click comes between the steps of a slice that is encoded in the background, and no work is lost."""

from collections import Counter
from itertools import count

import pytest

from SAMSegmentLib.errors import EngineError, InputError
from SAMSegmentLib.geometry import Orientation
from Testing.sessions import WINDOW
from Testing.worker_engines import click, numbered_volume, worker_on

AXIAL = Orientation.AXIAL
LENGTH = 12


@pytest.fixture(scope="module")
def shared():
    with worker_on(numbered_volume(LENGTH), "stepped") as bench:
        yield bench


@pytest.fixture(scope="module")
def sides():
    """Slices of another size have other embeddings: no test's volume is known from an earlier one."""
    return count(12)


@pytest.fixture
def bench(shared, sides):
    """The shared worker on a new volume of which its last slice is encoded, with nothing noted."""
    shared.engine.open_volume(numbered_volume(LENGTH, next(sides)), WINDOW)
    shared.engine.wait(shared.engine.predict(click(LENGTH - 1)))
    shared.forget_calls()
    return shared


def begin_all(bench):
    """Encode all; returns the sweep, of whose first slice the first step is being done, while "step" is held."""
    background = bench.engine.embed_all(AXIAL, 0, LENGTH - 1)
    bench.wait_for(lambda: bench.calls("step") == ["step 0"])
    return background


def test_a_click_elsewhere_is_answered_before_the_slice_is_done_and_no_slice_is_begun_twice(bench):
    with bench.held("step"):
        background = begin_all(bench)
        clicked = bench.engine.predict(click(7))
    assert bench.engine.wait(clicked).plane.index == 7
    assert bench.calls()[:5] == ["step 0", "encode 7", "decode 7", "step 0", "step 0"]
    bench.engine.wait(background)
    assert Counter(bench.encoded()) == dict.fromkeys(range(LENGTH - 1), 1)
    assert Counter(bench.calls("step")) == {f"step {index}": 3 for index in range(LENGTH - 1) if index != 7}


def test_many_clicks_and_previews_leave_each_slice_encoded_once(bench):
    background = bench.engine.embed_all(AXIAL, 0, LENGTH - 1)
    futures = [bench.engine.predict(click(index % LENGTH)) for index in range(60)]
    for future in futures:
        bench.engine.wait(future)
    bench.engine.wait(background)
    assert Counter(bench.encoded()) == dict.fromkeys(range(LENGTH - 1), 1)


def test_a_click_on_that_very_slice_waits_for_its_end(bench):
    with bench.held("step"):
        background = begin_all(bench)
        clicked = bench.engine.predict(click(0))
    bench.engine.wait(clicked)
    assert bench.calls()[:5] == ["step 0", "step 0", "step 0", "encode 0", "decode 0"]
    bench.engine.wait(background)


@pytest.mark.parametrize(
    ("prompts", "error"), [(click(2, column=500), InputError), (click(7), EngineError)], ids=["outside", "decoder"]
)
def test_a_click_that_fails_in_between_does_the_slice_no_harm(bench, prompts, error):
    (bench.folder / "no-decoding").touch()
    with bench.held("step"):
        background = begin_all(bench)
        clicked = bench.engine.predict(prompts)
    with pytest.raises(error):
        bench.engine.wait(clicked)
    (bench.folder / "no-decoding").unlink()
    bench.engine.wait(background)
    assert Counter(bench.encoded()) == dict.fromkeys(range(LENGTH - 1), 1)
    assert bench.told == []


def test_another_volume_opened_in_between_ends_the_slice_and_nothing_of_it_is_mixed_up(bench):
    with bench.held("step"):
        background = begin_all(bench)
        bench.engine.open_volume(numbered_volume(LENGTH * 2), WINDOW)
        clicked = bench.engine.predict(click(LENGTH + 3))
    assert bench.engine.wait(clicked).plane.index == LENGTH + 3
    assert background.cancelled()
    bench.engine.wait(bench.engine.embed_all(AXIAL, 0, LENGTH * 2 - 1))
    assert Counter(bench.encoded()) == dict.fromkeys(range(LENGTH * 2), 1)


def test_what_is_cancelled_in_between_is_not_carried_on(bench):
    with bench.held("step"):
        background = begin_all(bench)
        background.cancel()
        clicked = bench.engine.predict(click(7))
    bench.engine.wait(clicked)
    bench.engine.wait(bench.engine.embed_all(AXIAL, 3, 4))
    assert bench.calls("step") == ["step 0", *["step 3"] * 3, *["step 4"] * 3]
    assert bench.encoded() == [7, 3, 4]


def test_a_slice_that_fails_halfway_ends_what_asked_for_it_and_nothing_else(bench):
    (bench.folder / "no-encoding").touch()
    with bench.held("step"):
        failing = begin_all(bench)
        bench.engine.focus(AXIAL, 5)
        clicked = bench.engine.predict(click(LENGTH - 1))
    bench.engine.wait(clicked)
    with pytest.raises(EngineError, match="told to fail"):
        bench.engine.wait(failing)
    bench.wait_for(lambda: "step 5" in bench.calls())
    bench.engine.wait(bench.engine.predict(click(LENGTH - 1)))
    (bench.folder / "no-encoding").unlink()
    bench.engine.wait(bench.engine.embed_all(AXIAL, 0, 5))
    assert set(bench.encoded()) >= set(range(6))


def test_a_look_elsewhere_finishes_the_slice_first_and_no_other(bench):
    with bench.held("step"):
        begin_all(bench)
        bench.engine.focus(AXIAL, 8)
    bench.wait_for(lambda: len(bench.encoded()) >= 2)
    assert bench.encoded()[:2] == [0, 8]
