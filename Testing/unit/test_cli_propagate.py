"""``samsegment segment --propagate`` with the built-in model, as a user runs it."""

import json
import os
import signal
import subprocess
import sys

import nibabel
import numpy as np
import pytest

from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.commands import BRAIN, ball_image, dice, labels_of, segmented


@pytest.fixture
def phantom(tmp_path):
    return ball_image(tmp_path)


def test_propagation_segments_the_ball_and_slices_limit_it(phantom, tmp_path):
    image, inside = phantom
    box = ("--box", "11,7,10,29,25,10")
    segmented(image, *box, "--propagate", "-o", tmp_path / "whole.nii.gz")
    assert dice(labels_of(tmp_path / "whole.nii.gz") == 1, inside) > 0.85
    segmented(image, *box, "--propagate", "--slices", "9:11", "-o", tmp_path / "part.nii.gz")
    assert set(np.argwhere(labels_of(tmp_path / "part.nii.gz"))[:, 0]) <= {9, 10, 11}


def slices_in(path):
    return set(np.argwhere(labels_of(path))[:, 0].tolist())


def test_stops_and_distance_limit_propagation(phantom, tmp_path):
    command = (phantom[0], "--box", "11,7,10,29,25,10", "--propagate", "-o", tmp_path / "o.nii.gz")
    segmented(*command, "--stop-at", 8, "--stop-at", 12)
    assert slices_in(tmp_path / "o.nii.gz") == {9, 10, 11}
    segmented(*command, "--farthest", 4.5)  # mm; slices are 2 mm apart
    assert slices_in(tmp_path / "o.nii.gz") == {8, 9, 10, 11, 12}


def test_a_smooth_propagation_with_limits_is_saved_and_replayed_bit_for_bit(phantom, tmp_path):
    options = ("--propagate", "--smooth", "--stop-at", 14, "--farthest", 7, "--save-prompts", tmp_path / "p.json")
    segmented(phantom[0], "--box", "11,7,10,29,25,10", *options, "-o", tmp_path / "first.nrrd")
    (propagation,) = json.loads((tmp_path / "p.json").read_text())["segments"][0]["propagate"]
    members = {"slices": [None, None], "stops": [14], "farthest_mm": 7.0, "smooth": True}
    assert propagation == {"orientation": "axial", **members}
    segmented(phantom[0], "--prompts", tmp_path / "p.json", "-o", tmp_path / "again.nrrd")
    assert (tmp_path / "first.nrrd").read_bytes() == (tmp_path / "again.nrrd").read_bytes()


def test_the_slices_to_look_at_are_named(phantom, tmp_path, capsys):
    command = (phantom[0], "--box", "11,7,10,29,25,10", "-o", tmp_path / "o.nrrd")
    segmented(*command, "--propagate", "--json")
    (segment,) = json.loads(capsys.readouterr().out)["segments"]
    confidence = {item["index"]: item["confidence"] for item in segment["slices"]}
    assert confidence.pop(10) is None
    worst = sorted(confidence, key=confidence.get)
    assert [(item["index"], item["confidence"]) for item in segment["doubtful"]] == [
        (index, confidence[index]) for index in worst[:5]
    ]
    segmented(*command, "--propagate")
    one, two, three = (f"axial {index} ({confidence[index]:.2f})" for index in worst[:3])
    assert f"Look first at slices {one}, {two} and {three}: " in capsys.readouterr().out
    segmented(*command)
    assert "Look" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("limits", "ends"),
    [
        ((), []),
        (("--slices", "9:"), ["range at axial slice 9"]),
        (("--slices", "9:11"), ["range at axial slice 9", "range at axial slice 11"]),
        (("--slices", "9:11", "--stop-at", "11"), ["range at axial slice 9"]),
    ],
)
def test_a_segment_that_reached_the_end_of_its_range_is_told(phantom, tmp_path, capsys, limits, ends):
    segmented(phantom[0], "--box", "11,7,10,29,25,10", "--propagate", *limits, "-o", tmp_path / "o.nrrd")
    stderr = capsys.readouterr().err
    assert stderr.count("reached the end") == len(ends)
    assert all(f"note: Segment 'Segment_1' reached the end of the {end}: " in stderr for end in ends)


def test_a_segment_that_reached_the_end_of_the_volume_is_told(tmp_path, capsys):
    tube = np.zeros((5, 32, 40), np.int16)
    tube[:, 8:24, 12:30] = 200
    nibabel.save(nibabel.Nifti1Image(tube.transpose(2, 1, 0), np.eye(4)), tmp_path / "tube.nii.gz")
    segmented(tmp_path / "tube.nii.gz", "--box", "12,8,2,29,23,2", "--propagate", "-o", tmp_path / "o.nrrd")
    stderr = capsys.readouterr().err
    assert all(f"end of the volume at axial slice {index}: " in stderr for index in (0, 4))


def test_ctrl_c_counts_slices_that_were_made_better_once(phantom, tmp_path, monkeypatch, capsys):
    reached, propagate = [], InProcessEngine.propagate

    def interrupted(self, request, on_slice):
        def count(result):
            reached.append(result.plane.index)
            if len(reached) > len(set(reached)) + 1:
                os.kill(os.getpid(), signal.SIGINT)
            on_slice(result)

        return propagate(self, request, count)

    monkeypatch.setattr(InProcessEngine, "propagate", interrupted)
    boxes = ("--box", "13,9,8,27,23,8", "--box", "13,9,12,27,23,12")
    segmented(phantom[0], *boxes, "--propagate", "-o", tmp_path / "o.nrrd")
    assert len(reached) == len(set(reached)) + 2
    assert f"the {len(set(reached))} slices reached so far were kept" in capsys.readouterr().err


def test_ctrl_c_keeps_the_slices_made_and_saves_prompts_that_make_them_again(tmp_path):
    command = [sys.executable, "-c", INTERRUPTED_AFTER_THREE_SLICES, "segment", str(BRAIN), "--frame", "0"]
    command += ["--box", "32,2,12,95,89,12", "--propagate", "-o", str(tmp_path / "part.seg.nrrd")]
    done = subprocess.run(
        [*command, "--save-prompts", str(tmp_path / "p.json")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "3 slices reached so far were kept" in done.stderr
    (propagation,) = json.loads((tmp_path / "p.json").read_text())["segments"][0]["propagate"]
    assert (propagation["intervals"], propagation["only"]) == ([[None, 12]], [11, 10, 9])
    segmented(BRAIN, "--frame", 0, "--prompts", tmp_path / "p.json", "-o", tmp_path / "again.seg.nrrd")
    assert (tmp_path / "part.seg.nrrd").read_bytes() == (tmp_path / "again.seg.nrrd").read_bytes()


# A real SIGINT, sent by the process to itself when the third propagated slice reaches it.
INTERRUPTED_AFTER_THREE_SLICES = """
import os, signal
from SAMSegmentLib.cli import main
from SAMSegmentLib.worker.client import WorkerEngine
reached = []
propagate = WorkerEngine.propagate
def interrupted(self, request, on_slice):
    def count(result):
        reached.append(result)
        if len(reached) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        on_slice(result)
    return propagate(self, request, count)
WorkerEngine.propagate = interrupted
main()
"""


def test_slices_that_a_limit_leaves_out_between_others_are_told(phantom, tmp_path, capsys):
    boxes = ("--box", "11,7,7,29,25,7", "--box", "11,7,13,29,25,13")
    segmented(phantom[0], *boxes, "--propagate", "--stop-at", 10, "-o", tmp_path / "o.nii.gz")
    assert 10 not in slices_in(tmp_path / "o.nii.gz")
    assert "nothing in axial slices 10 to 10" in capsys.readouterr().err
