"""``samsegment bench encode`` and ``decode`` as a user calls them."""

import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from SAMSegmentLib.bench import sam, timing
from SAMSegmentLib.bench.encode import encoder, encoders
from SAMSegmentLib.bench.peak import peak_bytes, process_peak
from SAMSegmentLib.bench.sam import Subject
from SAMSegmentLib.bench.timing import measure_in_turn
from SAMSegmentLib.cli import run
from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.models.sam_network import SamNetwork, SamSize
from Testing.worker_engines import wait_for

# The smallest network of that architecture: times are of no interest here.
TINY = SamSize("vit_b", 32, 2, 2, (1,))


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(sam, "SIZES", (TINY,))


def test_encode_prints_stock_and_ours(tiny, capsys, monkeypatch):
    monkeypatch.setattr("SAMSegmentLib.bench.sam.resolve_precision", lambda name, device: "bfloat16")
    assert run(["bench", "encode", "--runs", "1", "--no-memory", "--json"]) == 0
    output = capsys.readouterr()
    report = json.loads(output.out)
    assert report["what"] == "encode"
    assert report["weights"] == "random"
    assert any("random ones were used" in note for note in report["notes"])
    names = [row["name"] for row in report["results"]]
    assert names == ["segment_anything float32", "samsegment float32", "samsegment bfloat16"]
    assert report["results"][0]["speedup"] == 1
    assert all(row["median_ms"] >= row["min_ms"] > 0 for row in report["results"])


def test_one_precision_may_be_measured_alone(tiny, capsys):
    assert run(["bench", "encode", "--runs", "1", "--no-memory", "--precision", "float32"]) == 0
    header, stock, ours, about = capsys.readouterr().out.splitlines()
    assert header.split() == ["encode", "median", "ms", "min", "ms", "times", "faster"]
    assert stock.startswith("segment_anything float32")
    assert ours.startswith("samsegment float32")
    assert about.startswith("sam_vit_b, 1 runs in turn on cpu")


def test_decode_prints_stock_first_and_further_clicks(tiny, capsys):
    assert run(["bench", "decode", "--runs", "1", "--device", "cpu"]) == 0
    _, *rows, _ = capsys.readouterr().out.splitlines()
    assert [row.split("  ")[0] for row in rows] == [
        "segment_anything float32",
        "samsegment",
        "samsegment, first click on a slice",
    ]


def test_weights_of_the_users_own_are_measured(tmp_path, capsys):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"nothing")
    assert run(["bench", "decode", "--weights", str(path)]) == 3
    assert "mine.pth: not a complete weights file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--model", "builtin"], 2, "builtin is none of segment_anything's own models"),
        (["--model", "sam3"], 2, "sam3"),
        (["--precision", "int8"], 2, "There is no precision 'int8'"),
        (["--device", "tpu"], 2, "There is no device 'tpu'"),
        (["--weights", "absent.pth"], 3, "absent.pth: there is no such weights file"),
        (["--runs", "0"], 2, "--runs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_sentence(capsys, arguments, code, sentence):
    assert run(["bench", "encode", *arguments]) == code
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_failure_of_the_model_is_one_sentence(tiny, capsys, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory\nmore")

    monkeypatch.setattr("SAMSegmentLib.models.sam.SamModel.decode", fail)
    assert run(["bench", "decode", "--runs", "1"]) == 4
    assert capsys.readouterr().err.splitlines()[-1].startswith("samsegment: The model sam_vit_b failed (out of memory)")


def test_contestants_take_turns_and_the_first_round_does_not_count(monkeypatch):
    # The last round is while something else keeps the machine busy: quotients of a round do not notice.
    rounds = {"reference": [9.0, 0.02, 0.03, 0.20], "other": [7.0, 0.01, 0.01, 0.10]}
    now, calls, done = [0.0], [], []
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def contestant(name):
        def operation():
            now[0] += rounds[name][calls.count(name)]
            calls.append(name)

        return operation

    reference, other = measure_in_turn({name: contestant(name) for name in rounds}, 3, lambda *at: done.append(at))
    assert calls == ["reference", "other"] * 4
    assert done == [(number, 8) for number in range(1, 9)]
    assert (reference.median_ms, reference.min_ms, reference.speedup) == pytest.approx((30, 20, 1))
    assert (other.median_ms, other.min_ms, other.speedup) == pytest.approx((10, 10, 2))


def test_stock_and_ours_encode_alike(tiny):
    subject = Subject("sam_vit_b", None, "cpu")
    assert list(encoders(subject, "float32").values()) == ["stock", "float32"]
    stock, ours = (encoder(subject, name) for name in ("stock", "float32"))
    stock()
    predictor = stock.args[0]
    model, image = ours.args
    [embedding] = model.encode([image])
    theirs = predictor.get_image_embedding()[0]
    torch.testing.assert_close(torch.from_numpy(embedding.arrays["image"]).float(), theirs, atol=2e-2, rtol=1e-2)


def test_a_network_of_random_weights_has_lively_positions(tiny):
    network = sam.stock_network(Subject("sam_vit_b", None, "cpu"))
    assert isinstance(network, SamNetwork)
    assert network.image_encoder.blocks[0].attn.rel_pos_h.std() > 0.05


def test_a_memory_measurement_that_fails_is_one_sentence(tmp_path):
    path = tmp_path / "absent.pth"
    with pytest.raises(EngineError, match=r"Measuring the memory of stock failed \(.*; use --no-memory"):
        peak_bytes(Subject("sam_vit_b", path, "cpu"), "stock")


def test_the_memory_of_a_process_is_its_own_and_not_its_parents():
    held = np.ones(400 << 20, dtype=np.uint8)
    program = "from SAMSegmentLib.bench.peak import process_peak; held = bytearray(50 << 20); print(process_peak())"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 50 << 20 < int(child.stdout) < held.nbytes < process_peak()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send on Windows")
def test_ctrl_c_ends_it_without_a_traceback():
    command = [sys.executable, "-c", "from SAMSegmentLib.cli import main; main()", "bench", "decode", "--runs", "1000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        # By then it has libraries and a network in memory.
        wait_for(lambda: process.poll() is not None or psutil.Process(process.pid).memory_info().rss > 400 << 20)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == ""
    assert error.splitlines()[-1].startswith("samsegment: Stopped")
    assert "Traceback" not in error
