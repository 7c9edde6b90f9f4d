"""``samsegment embed``: slices encoded ahead, stopped, resumed and refused."""

import json
import os
import signal
import subprocess
import sys
import time

import nibabel
import numpy as np
import pytest

from SAMSegmentLib.cli import run
from SAMSegmentLib.embeddings import default_disk_store
from SAMSegmentLib.models.builtin_model import BuiltinModel
from Testing.generated import affine_for, ball

SLICES = 12


@pytest.fixture
def image(tmp_path):
    """A ball in 12 thick coronal slices (along j) of 24 x 24 pixels."""
    inside = ball((24, 24, 24), (12, 12, 12), 8)[:, ::2]
    path = tmp_path / "ball.nii"
    affine = affine_for((0, 1, 2), (1, 1, 1), (1, 2, 1))
    nibabel.save(nibabel.Nifti1Image((inside * 100).astype(np.int16).transpose(2, 1, 0), affine), path)
    return path


@pytest.fixture
def embedded(image, capsys):
    def run_it(*options):
        assert run(["embed", str(image), *options, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run_it


def count_of(home):
    return len(list(home.rglob("*.embedding")))


def test_every_slice_of_the_orientation_that_was_scanned_is_encoded_once(embedded, own_home):
    first, second = embedded(), embedded()
    assert (first["orientation"], first["encodes"], first["complete"]) == ("coronal", SLICES, True)
    assert count_of(own_home) == SLICES
    assert (second["encodes"], second["cache_hits"]["disk"]) == (0, SLICES)


def test_segmenting_afterwards_encodes_nothing(embedded, image, tmp_path, capsys):
    embedded()
    out = tmp_path / "o.nrrd"
    assert run(["segment", str(image), "--box", "4,6,4,20,6,20", "--propagate", "-o", str(out), "--json"]) == 0
    timings = json.loads(capsys.readouterr().out)["timings"]
    assert timings["encodes"] == 0
    assert timings["cache_hits"]["disk"] > 2


def test_slices_and_orientation_choose_what_is_encoded(embedded, own_home):
    assert embedded("--slices", "3:5")["slices"] == [3, 5]
    assert count_of(own_home) == 3
    assert embedded()["cache_hits"]["disk"] == 3
    axial = embedded("--orientation", "axial", "--slices", "20:")
    assert (axial["orientation"], axial["slices"], axial["encodes"]) == ("axial", [20, 23], 4)
    assert embedded("--window", "10,20", "--slices", "3:5")["encodes"] == 3


def test_a_damaged_embedding_is_made_again(embedded, own_home):
    embedded()
    path = next(own_home.rglob("*.embedding"))
    path.write_bytes(path.read_bytes()[:-1])
    assert embedded()["encodes"] == 1
    assert embedded()["encodes"] == 0


def test_the_report_names_the_model_that_the_weights_are_of(embedded, monkeypatch):
    monkeypatch.setattr(BuiltinModel, "name", "sam_vit_l")  # as for its checkpoint under --model sam_vit_b
    assert embedded("--slices", "3:3")["model"] == "sam_vit_l"


def test_the_report_says_what_was_done_and_where(image, own_home, capsys):
    assert run(["embed", str(image)]) == 0
    out = capsys.readouterr().out
    assert f"{SLICES} of {SLICES} coronal slices have embeddings: {SLICES} encoded now, 0 were there" in out
    assert str(own_home / "embeddings") in out


def test_more_than_the_budget_is_refused_and_the_named_budget_is_enough(image, own_home, monkeypatch, capsys):
    monkeypatch.setenv("SAMSEGMENT_CACHE_BYTES", "4000000")
    assert run(["embed", str(image)]) == 2
    stderr = capsys.readouterr().err
    assert "embeddings of 12 slices take" in stderr
    assert stderr.count("\n") == 1
    assert count_of(own_home) <= 1
    enough = stderr.split("SAMSEGMENT_CACHE_BYTES=")[1].split()[0]
    monkeypatch.setenv("SAMSEGMENT_CACHE_BYTES", enough)
    assert run(["embed", str(image)]) == 0
    assert count_of(own_home) == SLICES


@pytest.mark.parametrize("order", [("2:7", "0:11"), ("8:11", "0:11")])
def test_a_budget_of_exactly_what_is_needed_drives_no_own_slice_out(embedded, own_home, monkeypatch, order):
    embedded("--window", "1,2")  # other embeddings, to be driven out
    needed = sum(path.stat().st_size for path in own_home.rglob("*.embedding"))
    monkeypatch.setenv("SAMSEGMENT_CACHE_BYTES", str(needed))
    for slices in order:
        embedded("--slices", slices)
    assert embedded()["encodes"] == 0


REFUSED = [
    (["--slices", "3-5"], "A:B"),
    (["--slices", "5:99"], "0:11"),
    (["--slices", "7:3"], "0:11"),
    (["--window", "bones"], "Window"),
    (["--model", "sam9"], "sam9"),
    (["--device", "tpu"], "tpu"),
    (["--precision", "int8"], "int8"),
    (["--series", "1.2"], "--series"),
    (["--frame", "3"], "frame"),
    (["--orientation", "oblique"], "oblique"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_wrong_usage_is_one_sentence_and_leaves_nothing(image, own_home, capsys, options, said):
    assert run(["embed", str(image), *options]) == 2
    stderr = capsys.readouterr().err
    assert said in stderr
    assert stderr.count("\n") == 1
    assert count_of(own_home) == 0


def test_without_a_cache_on_disk_there_is_nothing_to_do(image, monkeypatch, capsys):
    monkeypatch.setenv("SAMSEGMENT_CACHE_BYTES", "0")
    assert run(["embed", str(image)]) == 2
    assert "SAMSEGMENT_CACHE_BYTES" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_an_error_of_one_sentence(image, own_home, capsys):
    (own_home / "embeddings").write_text("a file where the folder should be")
    assert run(["embed", str(image)]) == 2
    stderr = capsys.readouterr().err
    assert f"{own_home / 'embeddings'}: embeddings cannot be kept there" in stderr
    assert stderr.count("\n") == 1


def test_embeddings_that_another_process_clears_meanwhile_are_missed(image, own_home, monkeypatch, capsys):
    encode = BuiltinModel.encode

    def encode_and_clear(self, slices):
        if count_of(own_home) == 5:
            default_disk_store(print).clear()
        return encode(self, slices)

    monkeypatch.setattr(BuiltinModel, "encode", encode_and_clear)
    assert run(["embed", str(image)]) == 2
    stderr = capsys.readouterr().err
    assert f"of {SLICES} embeddings did not stay" in stderr
    assert stderr.count("\n") == 1


def test_missing_weights_are_told_before_the_image_is_read(image, capsys):
    image.write_bytes(b"not read")
    assert run(["embed", str(image), "--model", "sam_vit_b"]) == 3
    assert "samsegment models download sam_vit_b" in capsys.readouterr().err


def test_a_second_ctrl_c_stops_within_a_slice_and_keeps_those_before(image, own_home, monkeypatch, capsys):
    encode = BuiltinModel.encode

    def interrupted_twice(self, slices):
        if count_of(own_home) == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return encode(self, slices)

    monkeypatch.setattr(BuiltinModel, "encode", interrupted_twice)
    assert run(["embed", str(image)]) == 130
    stderr = capsys.readouterr().err
    assert "those before it are in the cache" in stderr
    assert stderr.count("\n") == 1
    assert count_of(own_home) == 3


# The real command with its worker process, but each slice takes as long as with a large model.
SLOW = """
from functools import partial
from SAMSegmentLib.cli import embed_command, main
embed_command.WorkerSettings = partial(embed_command.WorkerSettings, factory="Testing.worker_models:slow_builtin")
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_keeps_what_is_done_and_a_second_run_goes_on(image, own_home, embedded):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "embed", str(image)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while count_of(own_home) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    done = count_of(own_home)
    assert process.returncode == 130, stderr
    assert 3 <= done < SLICES
    assert f"Stopped by Ctrl+C; {done} of {SLICES} slices are in the cache" in stderr
    assert stderr.count("\n") == 1
    resumed = embedded()
    assert (resumed["cache_hits"]["disk"], resumed["encodes"]) == (done, SLICES - done)
    assert embedded()["encodes"] == 0
