"""``samsegment evaluate --mode propagate`` as a user runs it, with the built-in model."""

import csv
import json
import signal

import nibabel
import numpy as np
import pytest
from PIL import Image

from SAMSegmentLib.cli import evaluate_propagation, run
from Testing.generated import ball


@pytest.fixture
def case(tmp_path):
    """Two bright balls of different labels in noise, 1 x 1 x 2 mm voxels."""
    labels = ball((12, 40, 60), (16, 20, 6), 8, (1, 1, 2)) + 2 * ball((12, 40, 60), (42, 20, 6), 9, (1, 1, 2))
    labels = labels.transpose(2, 1, 0)
    noise = np.random.default_rng(1).normal(0, 6, labels.shape)
    folder = tmp_path / "phantom"
    folder.mkdir()
    for stem, array in (("image", (labels > 0) * 120 + 60 + noise), ("label", labels)):
        path = folder / f"{stem}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), np.diag([1.0, 1.0, 2.0, 1.0])), path)
    return folder


def test_structures_are_propagated_from_one_and_from_three_slices_and_everything_is_written(case, tmp_path, capsys):
    files = {"--csv": "out.csv", "--json": "out.json", "--plot": "plots"}
    options = [part for option, name in files.items() for part in (option, str(tmp_path / name))]
    assert run(["evaluate", str(case), "--mode", "propagate", *options]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["method", "from", "structures"]
    assert [line.split()[:4] for line in lines[1:3]] == [
        ["builtin", "1", "key", "slice"],
        ["builtin", "3", "key", "slices"],
    ]
    assert "2 structures of 1 cases, axial, window auto" in lines[-1]

    data = json.loads((tmp_path / "out.json").read_text())
    assert {item["mode"]: item["structures"] for item in data["summary"]} == {"propagate-1": 2, "propagate-3": 2}
    assert all(item["dice_3d"] > 0.8 for item in data["summary"])
    assert data["settings"]["structures_done"] == 2
    assert len(data["settings"]["weights_sha256"]) == 64
    assert {item["structure"] for item in data["structures"]} == {"label 1", "label 2"}
    for item in data["structures"]:
        assert item["slices"]
        assert all(0 <= part["dice"] <= 1 and 0 <= part["confidence"] <= 1 for part in item["slices"])

    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        both = int(row["mask_voxels"]) + int(row["reference_voxels"])
        assert float(row["dice"]) == pytest.approx(2 * int(row["common_voxels"]) / both, abs=1e-5)

    for mode in ("propagate-1", "propagate-3"):
        with Image.open(tmp_path / "plots" / f"{mode}.png") as picture:
            assert picture.width > 600


def test_one_of_the_modes_in_another_orientation_twice_gives_the_same_file(case, tmp_path):
    command = ["evaluate", str(case), "--mode", "propagate-1", "--orientation", "coronal", "--limit", "1", "--csv"]
    for name in ("first.csv", "second.csv"):
        assert run([*command, str(tmp_path / name)]) == 0
    first = (tmp_path / "first.csv").read_text()
    assert first == (tmp_path / "second.csv").read_text()
    assert len(first.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--mode", "box"], "another"),
        (["--window", "bones"], "bones"),
        (["--csv", "out.txt"], ".csv"),
        (["--json", "no/such/folder/out.json"], "folder"),
    ],
)
def test_wrong_usage_is_refused_in_one_sentence(case, capsys, options, word):
    assert run(["evaluate", str(case), "--mode", "propagate", *options]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert word in message


def test_a_case_without_any_structure_for_it_is_said(case, capsys):
    labels = np.zeros((60, 40, 12), dtype=np.int16)
    labels[5:20, 5:20, 4] = 1
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([1.0, 1.0, 2.0, 1.0])), case / "label.nii.gz")
    assert run(["evaluate", str(case), "--mode", "propagate"]) == 0
    assert "No structure was evaluated" in capsys.readouterr().out


def test_ctrl_c_prints_what_is_done(case, tmp_path, capsys, monkeypatch):
    whole = evaluate_propagation.evaluate_propagation

    def interrupted(*arguments):
        for number, records in enumerate(whole(*arguments)):
            if number == 1:
                signal.raise_signal(signal.SIGINT)
            yield records

    monkeypatch.setattr(evaluate_propagation, "evaluate_propagation", interrupted)
    assert run(["evaluate", str(case), "--mode", "propagate-1", "--json", str(tmp_path / "out.json")]) == 0
    captured = capsys.readouterr()
    assert "Stopped by Ctrl+C after 1 of 2 structures" in captured.err
    assert "1 key slice" in captured.out
    assert json.loads((tmp_path / "out.json").read_text())["settings"]["structures_done"] == 1
