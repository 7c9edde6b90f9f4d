"""A result is never written onto the image that it was made from."""

import os
import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from SAMSegmentLib.errors import OutputError
from SAMSegmentLib.io.read import files_of_image, read_volume
from SAMSegmentLib.io.write import check_not_input, check_output, write_segmentation
from SAMSegmentLib.segments import Segment

IMAGE = SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))

# name of the image, and the files that it consists of
IMAGES = {
    "a.nii.gz": ("a.nii.gz",),
    "a.nrrd": ("a.nrrd",),
    "a.mha": ("a.mha",),
    "a.nhdr": ("a.nhdr", "a.raw"),
    "a.mhd": ("a.mhd", "a.raw"),
    "a.hdr": ("a.hdr", "a.img"),
}


def make(folder, name):
    if name.endswith(".hdr"):
        nib.Nifti1Pair(np.ones((5, 4, 3), np.int16), np.eye(4)).to_filename(folder / name)
    else:
        SimpleITK.WriteImage(IMAGE, folder / name)
    return folder / name


@pytest.mark.parametrize("name", IMAGES)
def test_every_file_of_an_image_is_refused_as_output(tmp_path, name) -> None:
    image = make(tmp_path, name)
    assert sorted(file.name for file in files_of_image(image)) == sorted(IMAGES[name])
    for file in IMAGES[name]:
        with pytest.raises(OutputError, match=rf"{file}: is a file of the image.*choose another name") as caught:
            check_not_input(tmp_path / file, image)
        assert caught.value.exit_code == 2
    check_not_input(tmp_path / "other.nrrd", image)


def test_either_file_of_a_pair_protects_the_other(tmp_path) -> None:
    make(tmp_path, "a.hdr")
    with pytest.raises(OutputError, match=r"a\.hdr: is a file of the image"):
        check_not_input(tmp_path / "a.hdr", tmp_path / "a.img")


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_to_the_image_is_the_image(tmp_path, link) -> None:
    image = make(tmp_path, "a.nii.gz")
    link(image, tmp_path / "other.nii.gz")
    with pytest.raises(OutputError, match=r"other\.nii\.gz: is a file of the image"):
        check_output(tmp_path / "other.nii.gz", image=image)


def test_output_check_refuses_the_image_and_takes_other_old_files(tmp_path) -> None:
    image = make(tmp_path, "a.nii.gz")
    shutil.copy(image, tmp_path / "copy.nii.gz")
    (tmp_path / "sub").mkdir()
    with pytest.raises(OutputError, match="is a file of the image"):
        check_output(tmp_path / "sub" / ".." / "a.nii.gz", image=image)
    check_output(tmp_path / "copy.nii.gz", image=image)


def test_files_of_a_dicom_folder_are_refused_and_kept(tmp_path, shared_data) -> None:
    folder = tmp_path / "series"
    shutil.copytree(shared_data / "dicom-ct-head-slicer", folder)
    path = next(file for file in folder.rglob("*") if file.is_file()).rename(folder / "slice.dcm")
    volume = read_volume(folder)
    before = path.read_bytes()
    mask = np.ones(volume.array.shape, bool)
    with pytest.raises(OutputError, match=r"slice\.dcm: is a file of the image"):
        write_segmentation(path, volume, [Segment("a", (0, 0, 0), mask)])
    assert path.read_bytes() == before
    check_output(folder / "new.dcm", volume, folder)
