"""``samsegment bench worker`` measures every part of the worker process and ends it."""

import json

import psutil
import pytest

from SAMSegmentLib.bench import worker
from SAMSegmentLib.cli import run
from SAMSegmentLib.worker.client import WorkerSettings
from Testing.worker_engines import worker_processes


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(worker, "_LENGTHS", (8, 20))
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000")  # the command sets it for its own process


def test_all_parts_have_their_figures_and_no_process_is_left(own_home, capsys):
    before = worker_processes()
    assert run(["bench", "worker", "--runs", "10", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    figures = {item["name"]: item for item in data["results"]}
    assert (data["model"], data["runs"], data["notes"]) == ("builtin", 10, [])
    assert len(figures) == len(data["results"]) == 15
    assert {item["unit"] for item in figures.values()} == {"s", "ms", "encodings"}
    assert all(item["value"] > 0 for name, item in figures.items() if "adds" not in name)
    for slices in (8, 20):
        middle, longest = (
            figures[f"click elsewhere while {slices} slices are encoded, {part}"] for part in ("p50", "max")
        )
        assert 1 <= middle["value"] <= longest["value"]  # a click there waits for its own slice at least
    assert list(own_home.iterdir()) == [], "the user's own cache is not touched"
    psutil.wait_procs([child for child in worker_processes() if child not in before], timeout=60)
    assert [child for child in worker_processes() if child not in before] == []


def test_a_model_that_does_not_exist_is_one_sentence(capsys):
    assert run(["bench", "worker", "--model", "nonesuch"]) == 2
    stderr = capsys.readouterr().err
    assert "nonesuch" in stderr
    assert stderr.count("\n") == 1


def test_weights_that_do_not_exist_are_one_sentence(tmp_path, capsys):
    assert run(["bench", "worker", "--weights", str(tmp_path / "gone.safetensors")]) == 3
    stderr = capsys.readouterr().err
    assert "gone.safetensors" in stderr
    assert stderr.count("\n") == 1


def test_only_models_that_are_not_here_get_random_weights(tmp_path):
    builtin = WorkerSettings()
    assert worker.without_weights(builtin) is builtin
    mine = WorkerSettings(model="sam_vit_b", weights=tmp_path / "mine.pth")
    assert worker.without_weights(mine) is mine
    assert worker.without_weights(WorkerSettings(model="sam_vit_b")).factory.endswith(":random_model")
