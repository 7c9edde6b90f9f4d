"""``samsegment segment`` with the built-in model on real and generated images, as a user runs it."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import nrrd
import numpy as np
import pytest
from PIL import Image

from SAMSegmentLib.cli import run
from SAMSegmentLib.errors import OutputError
from SAMSegmentLib.geometry import apply_transform
from SAMSegmentLib.io.read import read_volume
from Testing.commands import BRAIN, ball_image, dice, labels_of, segmented

ORIENTED = [f"orient-{code}.nii.gz" for code in ("RAS", "LPS", "LAS", "AIL", "PIR", "SPL")]


@pytest.fixture
def phantom(tmp_path):
    return ball_image(tmp_path)


def test_a_box_segments_the_ball_in_its_slice(phantom, tmp_path):
    image, inside = phantom
    segmented(image, "--box", "11,7,10,29,25,10", "-o", tmp_path / "out.nii.gz")
    labels = labels_of(tmp_path / "out.nii.gz")
    assert dice(labels[10] == 1, inside[10]) > 0.9
    assert not np.delete(labels, 10, axis=0).any()


@pytest.mark.parametrize("orientation", ["axial", "sagittal", "coronal"])
def test_the_mask_is_where_the_click_is_in_every_orientation(phantom, tmp_path, orientation):
    image, inside = phantom
    out = tmp_path / "out.nii.gz"
    segmented(image, "--point", "20,16,10", "--point", "2,2,10,-", "--orientation", orientation, "-o", out)
    labels = labels_of(out)
    assert labels[10, 16, 20] == 1
    assert len(set(np.argwhere(labels)[:, {"axial": 0, "coronal": 1, "sagittal": 2}[orientation]])) == 1
    assert (labels[inside] == 1).sum() > 0.7 * (labels == 1).sum()


def test_a_ras_position_is_the_same_click_as_its_voxel(phantom, tmp_path):
    image, _ = phantom
    ras = apply_transform(read_volume(image).ijk_to_ras, (20, 16, 10))
    segmented(image, "--point", "20,16,10", "-o", tmp_path / "voxel.nrrd")
    written = ",".join(f"{value:.3f}" for value in ras)
    segmented(image, "--ras", "--point", written, "-o", tmp_path / "ras.nrrd")
    assert (tmp_path / "voxel.nrrd").read_bytes() == (tmp_path / "ras.nrrd").read_bytes()


def test_saved_prompts_replay_to_the_same_file_bit_for_bit(tmp_path):
    first, again = tmp_path / "first.seg.nrrd", tmp_path / "again.seg.nrrd"
    saved, saved_again = tmp_path / "prompts.json", tmp_path / "again.json"
    clicks = ("--point", "40,48,12", "--point", "90,48,12,+", "--point", "5,5,12,-", "--propagate", "--slices", "8:16")
    segmented(BRAIN, "--frame", 0, *clicks, "--window", "full", "-o", first, "--save-prompts", saved)
    segmented(BRAIN, "--frame", 0, "--prompts", saved, "-o", again, "--save-prompts", saved_again)
    assert first.read_bytes() == again.read_bytes()
    assert saved.read_bytes() == saved_again.read_bytes()


def test_two_overlapping_segments_of_one_prompts_file_are_both_kept(phantom, tmp_path, capsys):
    image, _ = phantom
    boxes = {"ball": ([11, 7, 10], [29, 25, 10]), "upper half": ([11, 14, 10], [29, 25, 10])}
    prompts = {
        "version": 1,
        "segments": [
            {
                "name": name,
                "prompts": [{"orientation": "axial", "index": 10, "boxes": [{"ijk_min": low, "ijk_max": high}]}],
            }
            for name, (low, high) in boxes.items()
        ],
    }
    (tmp_path / "p.json").write_text(json.dumps(prompts))
    segmented(image, "--prompts", tmp_path / "p.json", "-o", tmp_path / "out.seg.nrrd")
    data, header = nrrd.read(str(tmp_path / "out.seg.nrrd"))
    assert [header[f"Segment{number}_Name"] for number in (0, 1)] == list(boxes)
    # layer first: numpy reads the NRRD axes in reverse
    masks = [
        data[int(header[f"Segment{n}_Layer"])] == int(header[f"Segment{n}_LabelValue"]) if data.ndim == 4 else data == 1
        for n in (0, 1)
    ]
    assert data.ndim == 4, "the two overlap, so they need two layers"
    assert np.count_nonzero(masks[0] & masks[1]) > 0.5 * np.count_nonzero(masks[1]) > 0
    # The same into a labelmap cannot keep both, and says so.
    capsys.readouterr()
    segmented(image, "--prompts", tmp_path / "p.json", "-o", tmp_path / "out.nii.gz")
    assert "in several segments" in capsys.readouterr().err


def test_json_reports_scores_volume_and_timings(phantom, tmp_path, capsys):
    image, _ = phantom
    segmented(image, "--box", "11,7,10,29,25,10", "--segment", "ball", "-o", tmp_path / "out.nrrd", "--json")
    report = json.loads(capsys.readouterr().out)
    (segment,) = report["segments"]
    labels, _ = nrrd.read(str(tmp_path / "out.nrrd"))
    assert segment["name"] == "ball"
    assert segment["voxels"] == np.count_nonzero(labels) > 0
    assert segment["volume_ml"] == pytest.approx(segment["voxels"] * 2 / 1000, rel=1e-4)
    assert (segment["slices"][0]["orientation"], segment["slices"][0]["index"]) == ("axial", 10)
    assert 0 < segment["slices"][0]["predicted_iou"] <= 1
    assert report["timings"]["decode_ms"][0] > 0


def test_the_preview_shows_the_mask_in_its_colour(phantom, tmp_path):
    image, _ = phantom
    segmented(image, "--box", "11,7,10,29,25,10", "-o", tmp_path / "o.nrrd", "--preview", tmp_path / "p.png")
    pixels = np.asarray(Image.open(tmp_path / "p.png").convert("RGB")).astype(int)
    orange = (np.abs(pixels - (230, 159, 0)).sum(axis=2) < 10).sum()
    assert orange > 1500, "the outline of the mask, and the box"


def test_the_same_ras_click_gives_the_same_mask_in_world_space_for_six_axis_orders(shared_data, tmp_path):
    worlds = {}
    for name in ORIENTED:
        out = tmp_path / f"{name}.nii.gz"
        image = shared_data / "odd-nifti" / name
        segmented(image, "--ras", "--point", "0,20,25", "--orientation", "axial", "-o", out)
        volume = read_volume(out)
        positions = apply_transform(volume.ijk_to_ras, np.argwhere(volume.array)[:, ::-1])
        worlds[name] = {tuple(position) for position in np.round(positions, 2) + 0.0}
    reference = worlds[ORIENTED[0]]
    assert len(reference) > 50
    for name, world in worlds.items():
        assert world == reference, name


MISTAKES = [
    ([], "at least one --point or --box"),
    (["--point", "1,2"], "three numbers"),
    (["--point", "1,2,3,x"], "three numbers"),
    (["--point", "1,2,nan"], "three numbers"),
    (["--point", "1.5,2,3"], "has fractions"),
    (["--point", "400,2,3"], "lies outside"),
    (["--point", "-1,2,3"], "lies outside"),
    (["--ras", "--point", "9000,0,0"], "lies outside"),
    (["--box", "1,2,3,4"], "six numbers"),
    (["--box", "1,2,3,4,5,6", "--orientation", "axial"], "spans several axial slices"),
    (["--point", "1,2,3", "--slices", "1:2"], "--propagate"),
    (["--point", "1,2,3", "--stop-at", "0"], "--stop-at belongs to --propagate"),
    (["--point", "1,2,3", "--farthest", "0"], "--farthest belongs to --propagate"),
    (["--point", "1,2,3", "--smooth"], "--smooth belongs to --propagate"),
    (["--point", "1,2,3", "--fill-holes"], "--fill-holes belongs to --propagate"),
    (["--point", "1,2,3", "--propagate", "--farthest", "0"], "above 0"),
    (["--point", "1,2,3", "--propagate", "--farthest", "nan"], "not nan"),
    (["--point", "1,2,3", "--propagate", "--stop-at", "20"], "not 20"),
    (["--point", "1,2,3", "--propagate", "--slices", "1-2"], "A:B"),
    (["--point", "1,2,3", "--propagate", "--slices", "5:9"], "no prompted axial slice"),
    (["--point", "1,2,3", "--window", "bones"], "Window"),
    (["--point", "1,2,3", "--model", "sam3"], "sam3"),
    (["--point", "1,2,3", "--series", "1.2.3"], "--series"),
    (["--point", "1,2,3", "--prompts", "none.json"], "none.json"),
    (["--point", "1,2,3", "--preview", "p.jpg"], r"\.png"),
    (["--point", "1,2,3", "--preview", "nowhere/p.png"], "folder"),
    (["--point", "1,2,3", "--save-prompts", "p.txt"], r"\.json"),
    (["--point", "1,2,3", "--orientation", "oblique"], "oblique"),
    (["--point", "1,2,3", "--device", "tpu"], "tpu"),
    (["--ras", "--box", "10,10,5,20,20,25"], "spans several axial slices"),
    (["--ras", "--point", "1e308,0,0"], "three numbers"),
    (["--point", "1,2,3", "--preview", "out.seg.nrrd"], r"\.png"),
    (["--nonsense"], "'samsegment segment --help'"),
    (["--point", "1,2,3", "--model", "medsam_vit_b"], "boxes only"),
    (["--point", "1,2,3", "--segment", " "], "needs a name"),
]


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES, ids=lambda value: " ".join(value) or "nothing")
def test_wrong_usage_is_one_sentence_and_leaves_no_file(phantom, tmp_path, capsys, arguments, sentence):
    out = tmp_path / "out.seg.nrrd"
    code = run(["segment", str(phantom[0]), "-o", str(out), *arguments])
    stderr = capsys.readouterr().err
    assert code == 2
    assert stderr.count("\n") == 1
    assert sentence.replace("\\", "") in stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phantom.nii.gz"]


@pytest.mark.parametrize("name", ["out.foo", "out", "nowhere/out.nrrd", ".", "out.dcm"])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(phantom, tmp_path, capsys, name):
    assert run(["segment", str(phantom[0]), "--point", "20,16,10", "-o", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phantom.nii.gz"]


def test_a_model_without_weights_is_exit_code_3_with_the_url_and_the_folder(phantom, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SAMSEGMENT_HOME", str(tmp_path / "home"))
    out = tmp_path / "out.nrrd"
    assert run(["segment", str(phantom[0]), "--point", "20,16,10", "--model", "sam_vit_b", "-o", str(out)]) == 3
    stderr = capsys.readouterr().err
    assert "sam_vit_b_01ec64.pth" in stderr
    assert str(tmp_path / "home") in stderr
    assert not out.exists()


def test_prompts_of_another_image_are_refused(phantom, tmp_path, capsys):
    image, _ = phantom
    segmented(image, "--point", "20,16,10", "-o", tmp_path / "o.nrrd", "--save-prompts", tmp_path / "p.json")
    assert run(["segment", str(BRAIN), "--frame", "0", "--prompts", str(tmp_path / "p.json"), "-o", "x.nrrd"]) == 2
    assert "another image" in capsys.readouterr().err


def test_prompts_made_with_other_weights_are_replayed_with_a_note(phantom, tmp_path, capsys):
    image, _ = phantom
    segmented(image, "--point", "20,16,10", "-o", tmp_path / "o.nrrd", "--save-prompts", tmp_path / "p.json")
    data = json.loads((tmp_path / "p.json").read_text())
    (tmp_path / "p.json").write_text(json.dumps({**data, "weights_sha256": "1" * 64}))
    capsys.readouterr()
    segmented(image, "--prompts", tmp_path / "p.json", "-o", tmp_path / "o.nrrd")
    assert "other weights" in capsys.readouterr().err


PROMPT_OPTIONS = [
    ["--ras"],
    ["--slices", "1:2"],
    ["--segment", "a"],
    ["--propagate"],
    ["--stop-at", "0"],
    ["--farthest", "0"],
    ["--smooth"],
    ["--connected"],
    ["--fill-holes"],
]


@pytest.mark.parametrize("option", PROMPT_OPTIONS)
def test_a_prompts_file_is_not_mixed_with_prompt_options(phantom, tmp_path, capsys, option):
    (tmp_path / "p.json").write_text('{"version": 1, "segments": [{"name": "a"}]}')
    out = tmp_path / "o.nrrd"
    assert run(["segment", str(phantom[0]), "--prompts", str(tmp_path / "p.json"), "-o", str(out), *option]) == 2
    assert f"leave out {option[0]}" in capsys.readouterr().err
    assert not out.exists()


def test_a_segment_name_may_have_spaces_around_it(phantom, tmp_path, capsys):
    segmented(phantom[0], "--point", "20,16,10", "--segment", " liver ", "-o", tmp_path / "o.nrrd")
    assert capsys.readouterr().out.startswith("liver: ")


def test_a_failed_run_leaves_the_old_result_as_it_was(phantom, tmp_path):
    out = tmp_path / "out.nrrd"
    out.write_bytes(b"yesterday's work")
    assert run(["segment", str(phantom[0]), "--point", "400,1,1", "-o", str(out)]) == 2
    assert out.read_bytes() == b"yesterday's work"


def test_the_process_exits_with_the_code_and_prints_no_traceback(tmp_path):
    command = [sys.executable, "-c", "from SAMSegmentLib.cli import main; main()"]
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(BRAIN.read_bytes()[:20_000])
    arguments = ["segment", str(broken), "--point", "1,2,3", "-o", str(tmp_path / "o.nrrd")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert str(broken) in done.stderr


def loaded_by(arguments):
    code = (
        "import sys; from SAMSegmentLib.cli import run; code = run(sys.argv[1:]); "
        "print('LOADED', code, *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    words = done.stdout.splitlines()[-1].split()
    assert words[:2] == ["LOADED", "0"], done.stderr
    return set(words[2:])


def test_commands_import_only_what_they_need(phantom, tmp_path):
    # pydicom is not among them: nibabel imports it.
    heavy = {"torch", "highdicom", "SimpleITK", "segment_anything", "torchvision", "matplotlib"}
    assert not heavy & loaded_by(["info", phantom[0]])
    assert not heavy & loaded_by(["models", "list"])
    arguments = ["segment", phantom[0], "--point", "20,16,10", "-o", tmp_path / "o.seg.nrrd"]
    assert not heavy & loaded_by(arguments)  # the worker process imports torch


@pytest.mark.parametrize("option", ["--save-prompts", "--preview", "-o"])
def test_the_image_is_never_overwritten(phantom, tmp_path, capsys, option):
    image, _ = phantom
    link = tmp_path / {"--save-prompts": "link.json", "--preview": "link.png", "-o": "link.nii.gz"}[option]
    link.symlink_to(image)
    before = image.read_bytes()
    results = {"-o": str(tmp_path / "o.nrrd"), option: str(link)}
    code = run(["segment", str(image), "--point", "20,16,10", *[word for pair in results.items() for word in pair]])
    assert code == 2
    assert "would be lost" in capsys.readouterr().err
    assert image.read_bytes() == before
    assert not (tmp_path / "o.nrrd").exists()


def test_when_the_segmentation_cannot_be_written_nothing_is(phantom, tmp_path, monkeypatch, capsys):
    image, _ = phantom

    def disk_full(*_):
        raise OutputError("out.nrrd: cannot be written: the disk is full; free some space.")

    monkeypatch.setattr("SAMSegmentLib.cli.segment_command.write_segmentation", disk_full)
    extras = ["--save-prompts", str(tmp_path / "p.json"), "--preview", str(tmp_path / "p.png")]
    assert run(["segment", str(image), "--point", "20,16,10", "-o", str(tmp_path / "out.nrrd"), *extras]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["phantom.nii.gz"]


def test_what_does_not_fit_in_a_prompts_file_is_refused_in_its_name(phantom, tmp_path, capsys):
    prompts = [{"orientation": "axial", "index": 500, "points": [{"ijk": [1, 1, 500]}]}]
    (tmp_path / "p.json").write_text(json.dumps({"version": 1, "segments": [{"name": "a", "prompts": prompts}]}))
    assert run(["segment", str(phantom[0]), "--prompts", str(tmp_path / "p.json"), "-o", str(tmp_path / "o.nrrd")]) == 2
    stderr = capsys.readouterr().err
    assert "p.json: " in stderr
    assert "not 500" in stderr


def test_two_results_do_not_go_into_one_file(phantom, tmp_path, capsys):
    (tmp_path / "p.png").symlink_to(tmp_path / "o.nrrd")
    arguments = ["--point", "20,16,10", "-o", str(tmp_path / "o.nrrd"), "--preview", str(tmp_path / "p.png")]
    assert run(["segment", str(phantom[0]), *arguments]) == 2
    assert "into one file" in capsys.readouterr().err
    assert not (tmp_path / "o.nrrd").exists()


def test_a_session_of_empty_segments_is_replayed_with_a_preview(phantom, tmp_path):
    (tmp_path / "p.json").write_text('{"version": 1, "segments": [{"name": "a"}]}')
    arguments = ["-o", tmp_path / "o.nrrd", "--preview", tmp_path / "p.png"]
    segmented(phantom[0], "--prompts", tmp_path / "p.json", *arguments)
    assert Image.open(tmp_path / "p.png").size[0] > 400


def test_ctrl_c_before_there_is_a_result_says_so(phantom, tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("SAMSegmentLib.cli.segment_command.read_volume", interrupted)
    assert run(["segment", str(phantom[0]), "--point", "20,16,10", "-o", str(tmp_path / "o.nrrd")]) == 130
    assert "Stopped; nothing was written." in capsys.readouterr().err


def test_no_dicom_image_of_a_folder_is_overwritten_but_an_earlier_segmentation_may_be(tmp_path, capsys):
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm"):
        (folder / name).write_bytes(Path(str(files("pydicom") / "data" / "test_files" / name)).read_bytes())
    before = (folder / "CT_small.dcm").read_bytes()
    box = ("--box", "18,12,0,46,52,0", "-o")
    assert run(["segment", str(folder / "MR_small.dcm"), *box, str(folder / "CT_small.dcm")]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert (folder / "CT_small.dcm").read_bytes() == before
    for _ in range(2):
        segmented(folder / "MR_small.dcm", *box, folder / "seg.dcm")
