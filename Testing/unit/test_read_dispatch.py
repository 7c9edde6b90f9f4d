"""Which reader a path goes to, and what is said of paths that go to none."""

import gzip
import os

import nibabel as nib
import numpy as np
import pytest

from SAMSegmentLib.io.read import read_volume
from Testing.refusal import refusal


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.nii.gz"
    nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4)).to_filename(path)
    return path


def test_missing_file(tmp_path) -> None:
    assert "no such file" in refusal(tmp_path / "gone.nii.gz")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm"])
def test_empty_file(tmp_path, ending) -> None:
    (tmp_path / f"empty{ending}").touch()
    assert "empty" in refusal(tmp_path / f"empty{ending}")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm"])
def test_text_under_an_image_name(tmp_path, ending) -> None:
    path = tmp_path / f"text{ending}"
    path.write_text("This is not an image.\n" * 50)
    assert "not what its name says" in refusal(path)


@pytest.mark.parametrize("name", ["notes.txt", "picture.png", "no_ending"])
def test_other_files_are_told_what_is_read(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(400))
    assert ".nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd, .dcm or a DICOM folder" in refusal(tmp_path / name)


def test_series_is_for_dicom_only(image) -> None:
    assert "leave out --series" in refusal(image, series="1.2.3")


def test_frame_of_a_3d_image_is_0(image) -> None:
    assert read_volume(image, frame=0).shape_ijk == (2, 3, 4)
    assert "has only frame 0" in refusal(image, frame=1)


def test_unreadable_file(image, monkeypatch) -> None:
    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "not permitted" in refusal(image)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe_is_refused_instead_of_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe.nii")


def test_gzip_of_something_else(tmp_path) -> None:
    (tmp_path / "a.nrrd.gz").write_bytes(gzip.compress(b"NRRD0004\n"))
    assert "unpack it" in refusal(tmp_path / "a.nrrd.gz")
