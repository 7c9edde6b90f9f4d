"""The worker process lacks something (its model's file, room, memory): a sentence says what, and then it goes on."""

import errno
import os
import shutil

import numpy as np
import pytest

from SAMSegmentLib.errors import EngineError, InputError, ModelUnavailableError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.models.catalogue import BUILTIN, catalogue_entry
from SAMSegmentLib.models.weights import locate_weights
from SAMSegmentLib.worker import launch, voxelfile
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings
from Testing.sessions import WINDOW
from Testing.worker_engines import click, numbered_volume, wait_for, worker_on

AXIAL = Orientation.AXIAL


@pytest.fixture(scope="module")
def volume():
    return numbered_volume(40)


def test_a_model_whose_file_vanishes_is_told_and_works_again_when_it_is_back(tmp_path, volume):
    weights = tmp_path / "mine.safetensors"
    shutil.copy(locate_weights(catalogue_entry(BUILTIN), None), weights)
    engine = WorkerEngine(WorkerSettings(weights=weights, disk_cache=False))
    engine.open_volume(volume, WINDOW)
    try:
        before = engine.wait(engine.predict(click(30))).candidates
        weights.rename(tmp_path / "away")
        os.kill(engine.worker_pid, 9)
        waiting = [engine.predict(click(index)) for index in (30, 31)]
        sweep = engine.embed_all(AXIAL, 0, 5)
        for future in (*waiting, sweep):
            with pytest.raises(ModelUnavailableError, match=r"mine\.safetensors"):
                engine.wait(future)
        with pytest.raises(ModelUnavailableError):
            engine.predict(click(30)).result(0)
        wait_for(lambda: engine.worker_pid is None, engine.process_events)
        (tmp_path / "away").rename(weights)
        engine.retry()
        after = engine.wait(engine.predict(click(30))).candidates
        assert np.array_equal(after.masks, before.masks)
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("settings", "kind", "sentence"),
    [
        ({"device": "cuda"}, ModelUnavailableError, "cuda"),
        ({"precision": "float7"}, InputError, "float7"),
    ],
)
def test_settings_that_cannot_be_met_are_told_by_every_future(volume, settings, kind, sentence):
    engine = WorkerEngine(WorkerSettings(disk_cache=False, **settings))
    engine.open_volume(volume, WINDOW)
    try:
        with pytest.raises(kind, match=sentence):
            engine.wait(engine.predict(click(1)))
    finally:
        engine.close()


def test_an_unknown_model_is_refused_at_once():
    with pytest.raises(InputError, match="nonesuch"):
        WorkerEngine(WorkerSettings(model="nonesuch"))


def test_without_room_for_the_voxels_the_error_says_so_and_a_smaller_volume_may_fit(volume, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with worker_on(volume, "gated") as bench:
        bench.engine.wait(bench.engine.predict(click(1)))
        with monkeypatch.context() as patch:
            patch.setattr(voxelfile, "_write_all", full)
            bench.engine.open_volume(volume, WINDOW)
            with pytest.raises(EngineError, match=r"^There is no room for the volume's .*No space left.*free memory"):
                bench.engine.wait(bench.engine.predict(click(1)))
        assert bench.told == []
        bench.engine.open_volume(volume, WINDOW)
        assert bench.engine.wait(bench.engine.predict(click(1))).plane.index == 1


def test_without_an_interpreter_the_error_names_the_cure(volume, monkeypatch):
    def missing():
        raise EngineError("No Python interpreter was found beside Slicer; reinstall the application.")

    monkeypatch.setattr(launch, "python_executable", missing)
    engine = WorkerEngine(WorkerSettings(disk_cache=False))
    engine.open_volume(volume, WINDOW)
    first, second = engine.predict(click(1)), engine.predict(click(2))
    first.add_done_callback(lambda _done: second.cancel())  # a front end that clears up
    with pytest.raises(EngineError, match=r"^No Python interpreter"):
        engine.wait(first)
    assert second.cancelled()


@pytest.mark.parametrize(
    ("executable", "found", "expected"),
    [
        ("/opt/python/bin/python3.12", None, "/opt/python/bin/python3.12"),
        ("C:/Slicer/bin/PythonSlicer.exe", None, "C:/Slicer/bin/PythonSlicer.exe"),
        ("/opt/Slicer/bin/SlicerApp-real", "/opt/Slicer/bin/PythonSlicer", "/opt/Slicer/bin/PythonSlicer"),
        ("", "/opt/Slicer/bin/PythonSlicer", "/opt/Slicer/bin/PythonSlicer"),
    ],
)
def test_the_worker_runs_in_the_hosts_own_python(monkeypatch, executable, found, expected):
    monkeypatch.setattr(launch.sys, "executable", executable)
    monkeypatch.setattr(launch.shutil, "which", lambda name: found if name == "PythonSlicer" else None)
    assert launch.python_executable() == expected


@pytest.fixture(scope="module")
def full(volume):
    """A model that has no memory, on a device that the test says to be full."""
    with worker_on(volume, "Testing.worker_full_memory:full", cache_bytes=4 * 12 * 12) as bench:
        (bench.folder / "full").write_text("")
        yield bench


def test_batches_then_single_slices_then_the_cpu_each_told_once(full):
    full.engine.wait(full.engine.embed_all(AXIAL, 0, 7))
    assert full.calls() == ["gpu 2"] * 4
    (full.folder / "full").write_text("gpu-batch")
    full.forget_calls()
    full.engine.wait(full.engine.embed_all(AXIAL, 10, 17))
    assert full.calls() == ["gpu 2"] + ["gpu 1"] * 8
    (full.folder / "full").write_text("gpu")
    full.forget_calls()
    assert full.engine.wait(full.engine.predict(click(1))).plane.index == 1
    full.engine.wait(full.engine.embed_all(AXIAL, 20, 22))
    assert full.calls() == ["gpu 1"] + ["cpu 1"] * 4
    one_at_a_time, on_the_cpu = full.told
    assert "one at a time" in one_at_a_time
    assert "CPU" in on_the_cpu


def test_without_any_memory_the_click_fails_in_a_sentence_and_the_next_one_is_answered(full):
    pid = full.engine.worker_pid
    (full.folder / "full").write_text("gpu cpu")
    with pytest.raises(EngineError, match="not enough memory"):
        full.engine.wait(full.engine.predict(click(2)))
    with pytest.raises(EngineError, match="not enough memory"):
        full.engine.wait(full.engine.embed_all(AXIAL, 0, 3))
    (full.folder / "full").write_text("")
    assert full.engine.wait(full.engine.predict(click(2))).plane.index == 2
    assert full.engine.worker_pid == pid
