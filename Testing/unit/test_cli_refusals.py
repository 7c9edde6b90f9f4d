"""Bad input to ``samsegment segment``: one sentence, exit code 2, no output file, no traceback."""

import gzip
import struct
from importlib.resources import files
from pathlib import Path

import nibabel
import numpy as np
import pytest

from SAMSegmentLib.cli import run
from Testing.refused import REFUSED_REAL

BRAIN = Path(str(files("nibabel") / "tests" / "data" / "example4d.nii.gz"))
DICOM = Path(str(files("pydicom") / "data" / "test_files"))


def assert_refused(image, tmp_path, capsys, *options):
    out = tmp_path / "result" / "out.seg.nrrd"
    out.parent.mkdir()
    code = run(["segment", str(image), "--point", "0,0,0", "-o", str(out), *options])
    captured = capsys.readouterr()
    assert code == 2, captured.err
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert image.name in captured.err
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("name", REFUSED_REAL)
def test_real_bad_input_is_refused(shared_data, name, tmp_path, capsys):
    assert (shared_data / name).exists()
    assert_refused(shared_data / name, tmp_path, capsys)


def nifti(array):
    return nibabel.Nifti1Image(array, np.eye(4)).to_bytes()


def with_dims(data, *dims):
    """The same file, declaring other dimensions."""
    return data[:40] + struct.pack("<8h", 3, *dims, 1, 1, 1, 1) + data[56:]


def with_flat_sform(data):
    """The same file, with the last row of its sform zero: all slices in one place."""
    return data[:312] + bytes(16) + data[328:]


SMALL = nifti(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
MHA = b"ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_SHORT\nElementSpacing = 1 1 1\n"
NRRD = b"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 4 4\n"
NRRD += b"space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nendian: little\n"

GENERATED = {
    "empty.nii.gz": b"",
    "text.nii.gz": b"these are the findings of the examination\n" * 20,
    "text.nii": b"these are the findings of the examination\n" * 20,
    "text.dcm": b"these are the findings of the examination\n" * 20,
    "text.nrrd": b"these are the findings of the examination\n",
    "text.txt": b"these are the findings of the examination\n",
    "photo.nii.gz": gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(500)),
    "cut.nii": SMALL[:-7],
    "cut.nii.gz": gzip.compress(SMALL)[:-12],
    "cut-within.nii.gz": gzip.compress(SMALL[:-7]),
    "huge.nii": with_dims(SMALL, 32000, 32000, 32000),
    "huge.nii.gz": gzip.compress(with_dims(SMALL, 32000, 32000, 32000)),
    "zero.nii": with_dims(SMALL, 0, 4, 5),
    "negative.nii": with_dims(SMALL, -3, 4, 5),
    "nan.nii": nifti(np.full((3, 4, 5), np.nan, dtype=np.float32)),
    "flat-affine.nii": with_flat_sform(SMALL),
    "complex.nii": nifti(np.zeros((3, 4, 5), dtype=np.complex64)),
    "five.nii": nifti(np.zeros((3, 4, 5, 2, 2), dtype=np.int16)),
    "frames.nii": nifti(np.zeros((3, 4, 5, 2), dtype=np.int16)),
    "cut.mha": MHA + b"ElementDataFile = LOCAL\n" + bytes(100),
    "elsewhere.mhd": MHA + b"ElementDataFile = ../../../etc/passwd\n",
    "missing.mhd": MHA + b"ElementDataFile = nowhere.raw\n",
    "cut.nrrd": NRRD + b"encoding: raw\n\n" + bytes(100),
    "elsewhere.nhdr": NRRD + b"encoding: raw\ndata file: ../../../etc/passwd\n",
    "missing.nhdr": NRRD + b"encoding: raw\ndata file: nowhere.raw\n",
    "unknown.nrrd": NRRD + b"encoding: zstd\n\n" + bytes(128),
    "cut.dcm": (DICOM / "MR_small.dcm").read_bytes()[:3000],
    "header.dcm": (DICOM / "MR_small.dcm").read_bytes()[:400],
    "structures.dcm": (DICOM / "rtstruct.dcm").read_bytes(),
    "plan.dcm": (DICOM / "rtplan.dcm").read_bytes(),
}


@pytest.mark.parametrize("name", GENERATED)
def test_generated_bad_input_is_refused(name, tmp_path, capsys):
    image = tmp_path / name
    image.write_bytes(GENERATED[name])
    assert_refused(image, tmp_path, capsys)


def test_paths_that_lead_nowhere_are_refused(tmp_path, capsys):
    assert_refused(tmp_path / "none.nii.gz", tmp_path, capsys)


def test_a_folder_without_images_is_refused(tmp_path, capsys):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "report.txt").write_text("no images here")
    assert_refused(folder, tmp_path, capsys)


def test_a_folder_of_several_series_asks_for_one(tmp_path, capsys):
    assert_refused(DICOM / "dicomdirtests" / "98892003", tmp_path, capsys)
    assert run(["info", str(DICOM / "dicomdirtests" / "98892003"), "--series", "1.2.3"]) == 2
    assert "1.2.3" in capsys.readouterr().err


def test_a_frame_beyond_the_last_is_refused(tmp_path, capsys):
    assert_refused(BRAIN, tmp_path, capsys, "--frame", "2")
