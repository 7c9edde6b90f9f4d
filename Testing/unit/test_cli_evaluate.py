"""``samsegment evaluate`` as a user runs it."""

import csv
import json
import signal

import nibabel
import numpy as np
import pytest
from PIL import Image

from SAMSegmentLib.cli import evaluate_command, run
from Testing.generated import ball

FAST = ("--no-baselines", "--mode", "point", "--mode", "box")


@pytest.fixture
def case(tmp_path):
    """A bright ball in noise with its label, 1 x 1 x 2 mm voxels."""
    inside = ball((12, 40, 48), (24, 20, 6), 9, (1, 1, 2)).transpose(2, 1, 0)
    noise = np.random.default_rng(1).normal(0, 6, inside.shape)
    folder = tmp_path / "phantom"
    folder.mkdir()
    for stem, array in (("image", inside * 120 + 60 + noise), ("label", inside)):
        path = folder / f"{stem}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), np.diag([1.0, 1.0, 2.0, 1.0])), path)
    return folder


def test_the_built_in_model_is_measured_and_everything_is_written(case, tmp_path, capsys):
    files = {"--csv": "out.csv", "--json": "out.json", "--plot": "plots"}
    options = [part for option, name in files.items() for part in (option, str(tmp_path / name))]
    assert run(["evaluate", str(case), "--limit", "3", "--mode", "point", "--mode", "box", *options]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["method", "mode", "Dice"]
    assert any(line.startswith("random walker") for line in lines)
    assert "3 targets of 1 cases, axial, window auto, seed 0" in lines[-1]

    data = json.loads((tmp_path / "out.json").read_text())
    box = next(item for item in data["summary"] if (item["method"], item["mode"]) == ("builtin", "box"))
    assert box["dice"] > 0.9
    assert data["settings"]["targets_done"] == 3
    assert data["settings"]["windows"]["phantom"]["width"] > 0
    assert len(data["settings"]["weights_sha256"]) == 64
    assert {item["structure"] for item in data["structures"]} == {"label 1"}

    with (tmp_path / "out.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["method"], row["mode"]) == ("builtin", "box")]
    assert np.mean([float(row["dice"]) for row in rows]) == pytest.approx(box["dice"], abs=1e-5)
    for row in rows:
        both = int(row["mask_pixels"]) + int(row["reference_pixels"])
        assert float(row["dice"]) == pytest.approx(2 * int(row["common_pixels"]) / both, abs=1e-5)

    for mode in ("point", "box"):
        with Image.open(tmp_path / "plots" / f"{mode}.png") as picture:
            assert picture.width > 600


def test_two_runs_give_the_same_file(case, tmp_path):
    for name in ("first.csv", "second.csv"):
        assert run(["evaluate", str(case), "--limit", "2", *FAST, "--csv", str(tmp_path / name)]) == 0
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--mode", "everything"], "everything"),
        (["--window", "bones"], "bones"),
        (["--csv", "out.txt"], ".csv"),
        (["--json", "no/such/folder/out.json"], "folder"),
        (["--limit", "0"], "--limit"),
        (["--model", "sam_huge"], "sam_huge"),
        (["--plot", "{case}/image.nii.gz"], "is a file"),
    ],
)
def test_wrong_usage_is_refused_in_one_sentence(case, capsys, options, word):
    options = [option.format(case=case) for option in options]
    assert run(["evaluate", str(case), "--no-baselines", *options]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert word in message


def test_weights_that_are_not_there_are_code_3(case, capsys):
    assert run(["evaluate", str(case), *FAST, "--weights", "missing.safetensors"]) == 3
    assert "missing.safetensors" in capsys.readouterr().err


def test_ctrl_c_prints_what_is_done(case, tmp_path, capsys, monkeypatch):
    whole = evaluate_command.evaluate

    def interrupted(*arguments):
        for number, records in enumerate(whole(*arguments)):
            if number == 2:
                signal.raise_signal(signal.SIGINT)
            yield records

    monkeypatch.setattr(evaluate_command, "evaluate", interrupted)
    assert run(["evaluate", str(case), *FAST, "--json", str(tmp_path / "out.json")]) == 0
    captured = capsys.readouterr()
    assert "Stopped by Ctrl+C after 2 of 9 targets" in captured.err
    assert "tight box" in captured.out
    assert json.loads((tmp_path / "out.json").read_text())["settings"]["targets_done"] == 2
