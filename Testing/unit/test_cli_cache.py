"""``samsegment cache``, and what ``segment`` leaves in it and takes from it."""

import json

import nibabel
import numpy as np
import pytest

from SAMSegmentLib.cli import run
from Testing.generated import ball

BOX = ("--box", "6,6,4,18,18,4", "--propagate", "--slices", "3:5")


@pytest.fixture
def image(tmp_path):
    """A ball in 9 axial slices."""
    inside = ball((9, 24, 24), (12, 12, 4), 6)
    path = tmp_path / "ball.nii"
    nibabel.save(nibabel.Nifti1Image((inside * 100).astype(np.int16).transpose(2, 1, 0), np.eye(4)), path)
    return path


@pytest.fixture
def segmented(image, capsys):
    """Runs ``segment --json`` and returns its timings, notes and the bytes of the result."""

    def run_it(*options, source=image):
        out = source.parent / "out.seg.nrrd"
        assert run(["segment", str(source), *(options or BOX), "-o", str(out), "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        return report["timings"], report["notes"], out.read_bytes()

    return run_it


def embeddings(home):
    return sorted(home.rglob("*.embedding"))


def shown(capsys):
    assert run(["cache", "show", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_segmenting_twice_encodes_nothing_and_gives_the_same_bytes(segmented, own_home):
    first, _, result = segmented()
    second, _, again = segmented()
    assert first["encodes"] == len(embeddings(own_home)) > 1
    assert first["cache_hits"]["disk"] == 0
    assert second["encodes"] == 0
    assert second["cache_hits"]["disk"] == first["encodes"]
    assert second["encode_ms"] == [0.0]
    assert again == result


def test_a_copy_of_the_image_under_another_name_and_type_is_encoded_no_more(segmented, image):
    segmented()
    copy = image.with_name("elsewhere.nii.gz")
    stored = nibabel.load(image)
    nibabel.save(nibabel.Nifti1Image(np.asarray(stored.dataobj).astype(np.float32), stored.affine), copy)
    assert segmented(*BOX, source=copy)[0]["encodes"] == 0


def test_another_window_or_plane_is_encoded_anew(segmented):
    segmented(*BOX[:2])
    assert segmented(*BOX[:2], "--window", "50,99")[0]["encodes"] == 1
    assert segmented("--point", "12,12,4", "--orientation", "sagittal")[0]["encodes"] == 1
    assert segmented(*BOX[:2])[0]["encodes"] == 0


def test_masks_are_the_same_without_a_cache_and_nothing_is_left_on_disk(segmented, own_home):
    *_, without = segmented(*BOX, "--no-cache")
    assert list(own_home.iterdir()) == []
    segmented()
    timings, _, from_cache = segmented()
    assert timings["encodes"] == 0
    assert from_cache == without
    assert segmented(*BOX, "--no-cache")[0]["encodes"] > 0


def test_damaged_files_are_replaced_and_the_result_is_the_same(segmented, own_home):
    *_, result = segmented()
    for path in embeddings(own_home)[:2]:
        path.write_bytes(path.read_bytes()[:-7])
    second, _, again = segmented()
    assert second["encodes"] == 2
    assert again == result
    assert segmented()[0]["encodes"] == 0


def test_a_cache_that_cannot_be_written_is_a_note_and_nothing_more(segmented, own_home):
    (own_home / "embeddings").write_text("a file where the folder should be")
    _, notes, result = segmented()
    (note,) = [text for text in notes if "embeddings" in text]
    assert str(own_home / "embeddings") in note
    (own_home / "embeddings").unlink()
    assert segmented()[2] == result


def test_a_budget_of_nothing_keeps_nothing(segmented, own_home, monkeypatch, capsys):
    monkeypatch.setenv("SAMSEGMENT_CACHE_BYTES", "0")
    segmented()
    assert list(own_home.iterdir()) == []
    assert run(["cache"]) == 0
    assert "SAMSEGMENT_CACHE_BYTES" in capsys.readouterr().out


def test_the_cache_stays_within_the_budget_of_the_environment(segmented, own_home, monkeypatch):
    monkeypatch.setenv("SAMSEGMENT_CACHE_BYTES", "2000000")
    assert segmented()[0]["encodes"] > 2
    assert 0 < sum(path.stat().st_size for path in embeddings(own_home)) <= 2_000_000


@pytest.mark.parametrize("setting", ["SAMSEGMENT_CACHE_BYTES=4 GB", "SAMSEGMENT_HOME=~nobody-of-that-name/x"])
@pytest.mark.parametrize("command", ["segment", "embed", "cache"])
def test_a_budget_that_is_no_number_or_a_home_of_nobody_is_one_sentence(command, setting, image, monkeypatch, capsys):
    monkeypatch.setenv(*setting.split("="))
    options = {
        "segment": [str(image), "--point", "12,12,4", "-o", str(image.with_name("o.nrrd"))],
        "embed": [str(image)],
        "cache": [],
    }
    assert run([command, *options[command]]) == 2
    stderr = capsys.readouterr().err
    assert setting in stderr
    assert stderr.count("\n") == 1


def test_show_tells_folder_entries_bytes_budget_and_models(segmented, own_home, capsys):
    assert shown(capsys)["entries"] == 0
    segmented()
    data = shown(capsys)
    paths = embeddings(own_home)
    assert data["folder"] == str(own_home / "embeddings")
    assert data["entries"] == len(paths)
    assert data["bytes"] == sum(path.stat().st_size for path in paths)
    assert data["budget_bytes"] == 4 << 30
    assert data["models"] == {"builtin": {"entries": data["entries"], "bytes": data["bytes"]}}
    assert run(["cache", "show"]) == 0
    text = capsys.readouterr().out
    assert str(own_home / "embeddings") in text
    assert "builtin" in text


def test_clear_removes_embeddings_and_says_how_many(segmented, own_home, capsys):
    segmented()
    (own_home / "embeddings" / "notes.txt").write_text("mine")
    count = len(embeddings(own_home))
    assert run(["cache", "clear", "--model", "sam_vit_b"]) == 0
    assert "Removed 0 embeddings of sam_vit_b" in capsys.readouterr().out
    assert len(embeddings(own_home)) == count
    assert run(["cache", "clear"]) == 0
    assert f"Removed {count} embeddings" in capsys.readouterr().out
    assert [path.name for path in (own_home / "embeddings").iterdir()] == ["notes.txt"]
    assert segmented()[0]["encodes"] == count


def test_no_file_of_the_cache_tells_the_names_of_the_image(segmented, image, own_home):
    segmented()
    for path in embeddings(own_home):
        assert b"ball" not in path.read_bytes()
        assert "ball" not in path.name
