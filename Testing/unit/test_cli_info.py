"""``samsegment info`` answers for every file and folder that a user may point it at."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from SAMSegmentLib.cli import run
from Testing.paths import SHARED_DATA
from Testing.refused import REFUSED_REAL

BRAIN = Path(str(files("nibabel") / "tests" / "data" / "example4d.nii.gz"))


def everything():
    """Every file and every folder with files in it, below the real volumes."""
    if not SHARED_DATA.is_dir():
        return []
    folders = {path.parent for path in SHARED_DATA.rglob("*.dcm")}
    images = [path for path in SHARED_DATA.rglob("*") if path.is_file() and path.suffix not in (".dcm", ".json")]
    return sorted(folders) + sorted(images)


def info(path, capsys, *more):
    code = run(["info", str(path), "--json", *more])
    captured = capsys.readouterr()
    return code, (json.loads(captured.out) if captured.out else None), captured.err


@pytest.mark.skipif(not everything(), reason=f"the real volumes are not on this machine ({SHARED_DATA})")
@pytest.mark.parametrize("path", everything(), ids=lambda path: str(path.relative_to(SHARED_DATA)))
def test_every_real_file_and_folder_gets_an_answer_or_one_sentence(path, capsys):
    code, data, stderr = info(path, capsys)
    if data is not None and "series" in data:
        assert (code, stderr) == (0, "")
        assert len(data["series"]) > 1
        return
    if str(path.relative_to(SHARED_DATA)) not in REFUSED_REAL:
        assert (code, stderr) == (0, "")
        assert min(data["shape_ijk"]) > 0
        return
    assert code == 2
    assert data is None
    assert stderr.count("\n") == 1
    assert path.name in stderr


def test_a_4d_image_shows_its_first_frame_and_how_many_there_are(capsys):
    code, data, _ = info(BRAIN, capsys)
    assert code == 0
    assert data["shape_ijk"] == [128, 96, 24]
    assert data["frames"] == 2
    assert data["axes"] == "LAS"
    assert data["slices"] == {"axial": 24, "sagittal": 128, "coronal": 96}
    code, second, _ = info(BRAIN, capsys, "--frame", "1")
    assert second["fingerprint"] != data["fingerprint"]


def test_a_frame_that_is_not_there_is_refused(capsys):
    code, _, stderr = info(BRAIN, capsys, "--frame", "7")
    assert code == 2
    assert stderr.count("\n") == 1


def test_a_folder_of_several_series_is_listed_and_each_can_be_chosen(shared_data, capsys):
    folder = shared_data / "dicom-single-slice-pydicom" / "dicom"
    code, data, _ = info(folder, capsys)
    assert code == 0
    assert len(data["series"]) > 1
    for series in data["series"]:
        code, chosen, stderr = info(folder, capsys, "--series", series["series"])
        assert (code == 0 and min(chosen["shape_ijk"]) > 0) or stderr.count("\n") == 1


def test_people_get_lines_that_fit(capsys):
    assert run(["info", str(BRAIN)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("128 x 96 x 24" in line for line in lines)
    assert max(len(line) for line in lines) <= 100
