"""``segment`` and ``embed`` compute in a worker process: same results, and no trouble of it is lost or left."""

import json
import os
import signal

import nibabel
import numpy as np
import psutil
import pytest

from SAMSegmentLib.cli import engine as cli_engine
from SAMSegmentLib.cli import run
from SAMSegmentLib.worker.client import WorkerEngine
from Testing.generated import ball
from Testing.local_engine import LocalEngine
from Testing.worker_engines import worker_processes

pytestmark = pytest.mark.worker_process

PROMPTS = ("--box", "11,7,10,29,25,10", "--propagate")


@pytest.fixture
def image(tmp_path):
    inside = ball((20, 32, 40), (20, 16, 10), 9)
    noise = np.random.default_rng(1).normal(0, 6, inside.shape)
    path = tmp_path / "ball.nii.gz"
    nibabel.save(nibabel.Nifti1Image((inside * 120 + 60 + noise).astype(np.int16).transpose(2, 1, 0), np.eye(4)), path)
    return path


def segment(image, output, *options):
    return run(["segment", str(image), *PROMPTS, "-o", str(output), *map(str, options)])


def test_the_worker_makes_the_same_file_as_this_process_and_leaves_no_process(image, tmp_path, monkeypatch):
    assert segment(image, tmp_path / "worker.seg.nrrd", "--no-cache") == 0
    psutil.wait_procs(worker_processes(), timeout=60)
    assert worker_processes() == []
    monkeypatch.setattr(cli_engine, "WorkerEngine", LocalEngine)
    assert segment(image, tmp_path / "local.seg.nrrd", "--no-cache") == 0
    assert (tmp_path / "worker.seg.nrrd").read_bytes() == (tmp_path / "local.seg.nrrd").read_bytes()


def test_the_second_time_no_slice_is_encoded(image, tmp_path, capsys):
    reports = []
    for _ in range(2):
        assert segment(image, tmp_path / "o.nii.gz", "--precision", "float32", "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert report["precision"] == "float32"
        reports.append(report["timings"])
    first, second = reports
    assert first["encodes"] > 5
    assert second["encodes"] == 0
    assert second["cache_hits"]["disk"] == first["encodes"]
    assert second["encode_ms"] == [0]


@pytest.mark.skipif(os.name != "posix", reason="a process cannot be killed with SIGKILL here")
def test_a_worker_that_is_killed_costs_a_note_and_nothing_else(image, tmp_path, monkeypatch, capsys):
    class Killed(WorkerEngine):
        def propagate(self, request, on_slice):
            os.kill(self.worker_pid, signal.SIGKILL)
            return super().propagate(request, on_slice)

    assert segment(image, tmp_path / "whole.nii.gz", "--no-cache", "--json") == 0
    whole = json.loads(capsys.readouterr().out)["timings"]
    monkeypatch.setattr(cli_engine, "WorkerEngine", Killed)
    assert segment(image, tmp_path / "killed.nii.gz", "--no-cache", "--json") == 0
    stdout, stderr = capsys.readouterr()
    assert "was started again; nothing was lost" in stdout + stderr
    # The box's slice was encoded by the first process, and again by the second, which looks at it as a key slice.
    assert json.loads(stdout)["timings"]["encodes"] == whole["encodes"] + 1
    masks = [np.asarray(nibabel.load(tmp_path / name).dataobj) for name in ("whole.nii.gz", "killed.nii.gz")]
    assert np.array_equal(*masks)


def test_embeddings_from_the_worker_are_those_from_this_process(image, own_home, monkeypatch, capsys):
    def embeddings():
        assert run(["embed", str(image), "--slices", "3:9", "--precision", "float32", "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["encodes"], report["cache_hits"]["disk"], report["complete"]) == (7, 0, True)
        contents = {path.name: path.read_bytes() for path in (own_home / "embeddings").iterdir()}
        assert run(["cache", "clear"]) == 0
        capsys.readouterr()
        return contents

    by_worker = embeddings()
    psutil.wait_procs(worker_processes(), timeout=60)
    assert worker_processes() == []
    monkeypatch.setattr(cli_engine, "WorkerEngine", LocalEngine)
    assert embeddings() == by_worker


@pytest.mark.skipif(os.name != "posix", reason="a process cannot be killed with SIGKILL here")
def test_a_worker_killed_while_it_embeds_costs_a_note_and_nothing_else(image, monkeypatch, capsys):
    class Killed(WorkerEngine):
        def embed_all(self, orientation, first, last, on_progress):
            future = super().embed_all(orientation, first, last, on_progress)
            if first < last:
                os.kill(self.worker_pid, signal.SIGKILL)
            return future

    monkeypatch.setattr(cli_engine, "WorkerEngine", Killed)
    assert run(["embed", str(image), "--slices", "3:9", "--json"]) == 0
    stdout, stderr = capsys.readouterr()
    assert (json.loads(stdout)["encodes"], json.loads(stdout)["complete"]) == (7, True)
    assert "was started again; nothing was lost" in stderr


def test_a_cache_that_the_worker_cannot_write_is_an_error_of_one_sentence(image, own_home, capsys):
    (own_home / "embeddings").write_text("a file where the folder should be")
    assert run(["embed", str(image)]) == 2
    stderr = capsys.readouterr().err
    assert f"{own_home / 'embeddings'}: embeddings cannot be kept there" in stderr
    assert stderr.count("\n") == 1


def test_weights_that_the_worker_cannot_read_are_one_sentence(image, tmp_path, capsys):
    weights = tmp_path / "damaged.safetensors"
    weights.write_bytes(b"no weights")
    assert segment(image, tmp_path / "o.nii.gz", "--weights", weights) == 3
    stderr = capsys.readouterr().err
    assert "damaged.safetensors: not a complete weights file" in stderr
    assert len(stderr.splitlines()) == 1
    assert not (tmp_path / "o.nii.gz").exists()


def test_a_process_that_fails_again_and_again_is_exit_code_4(image, tmp_path, monkeypatch, capsys):
    class Broken(WorkerEngine):
        def __init__(self, settings, **options):
            super().__init__(settings, **options)
            object.__setattr__(settings, "factory", "SAMSegmentLib.models.load:no_such_function")

    monkeypatch.setattr(cli_engine, "WorkerEngine", Broken)
    assert segment(image, tmp_path / "o.nii.gz") == 4
    stderr = capsys.readouterr().err
    assert "failed 3 times in a row" in stderr
    assert "no_such_function" in stderr
    assert not (tmp_path / "o.nii.gz").exists()
