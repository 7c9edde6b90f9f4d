"""NIfTI files whose two orientations disagree: read as ITK, and so Slicer, reads them, and said so."""

from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from SAMSegmentLib.geometry import LPS_TO_RAS, corner_voxels, is_sheared
from SAMSegmentLib.io.read import read_volume
from Testing.generated import affine_for, rotation
from Testing.refusal import refusal

SHAPE = (5, 4, 3)
SFORM = affine_for((0, 1, 2), (1, 1, 1), (1.0, 2.0, 3.0))


def changed(turn=None, signs=(1, 1, 1), shift=(0, 0, 0), shear=0.0) -> np.ndarray:
    affine = SFORM.copy()
    axes = np.eye(3)
    axes[1, 2] = shear
    affine[:3, :3] = (np.eye(3) if turn is None else rotation(turn)) @ axes @ affine[:3, :3] * signs
    affine[:3, 3] += shift
    return affine


OTHERS = {
    "shifted": changed(shift=(3, 0, 0)),
    "turned": changed(turn=(10, 20, 5)),
    "k flipped": changed(signs=(1, 1, -1)),
    "i and j flipped": changed(signs=(-1, -1, 1)),
    "flipped and shifted": changed(signs=(1, 1, -1), shift=(0, 0, 6)),
}


def save(path: Path, sform, sform_code: int, qform, qform_code: int) -> Path:
    """nibabel makes the codes consistent when it saves, so the header is put in afterwards."""
    image = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(SHAPE), np.eye(4))
    image.to_filename(path)
    header = nib.load(path).header
    header.set_sform(sform)
    header.set_qform(qform)
    header["sform_code"], header["qform_code"], header["vox_offset"] = sform_code, qform_code, 352
    path.write_bytes(header.binaryblock + path.read_bytes()[348:])
    return path


def itk_geometry(path: Path) -> np.ndarray:
    image = SimpleITK.ReadImage(path)
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ matrix


@pytest.mark.parametrize("qform", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize(("sform_code", "qform_code"), [pair for pair in product(range(5), repeat=2) if any(pair)])
def test_each_pair_of_codes_is_read_as_itk_reads_it(tmp_path, sform_code, qform_code, qform) -> None:
    path = save(tmp_path / "a.nii", SFORM, sform_code, qform, qform_code)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.ijk_to_ras, itk_geometry(path), atol=1e-3)
    assert bool(volume.notes) == (sform_code > 0 and qform_code > 0)


@pytest.mark.parametrize("sform_code", [1, 2])
def test_sform_that_is_too_crooked_for_itk_leaves_the_qform(tmp_path, sform_code) -> None:
    sform = changed(turn=(10, 20, 5), shear=1e-3, shift=(1, 1, 1))
    path = save(tmp_path / "a.nii", sform, sform_code, OTHERS["turned"], 1)
    np.testing.assert_allclose(read_volume(path).ijk_to_ras, itk_geometry(path), atol=1e-3)


@pytest.mark.parametrize("sform_code", [1, 2])
def test_sheared_sform_is_kept_where_it_was_measured(tmp_path, sform_code) -> None:
    sform = changed(shear=0.3)
    volume = read_volume(save(tmp_path / "a.nii", sform, sform_code, SFORM, 1))
    assert not is_sheared(volume.ijk_to_ras)
    # By the sform, the first voxel is a voxel of the new grid again: the first slice stays as it was measured.
    ijk = (volume.ras_to_ijk @ sform @ [0, 0, 0, 1])[:3]
    i, j, k = np.rint(ijk).astype(int)
    np.testing.assert_allclose(ijk, (i, j, k), atol=1e-4)
    np.testing.assert_array_equal(
        volume.array[k, j : j + SHAPE[1], i : i + SHAPE[0]], np.arange(60).reshape(SHAPE).T[0]
    )
    assert "Slicer itself would drop the shear" in volume.notes[0]


def test_disagreement_says_how_far_which_and_what_slicer_does(tmp_path) -> None:
    corners = np.c_[corner_voxels(SHAPE), np.ones(8)]
    turned = OTHERS["turned"]
    distance = np.linalg.norm(corners @ (turned - SFORM).T, axis=1).max()
    (note,) = read_volume(save(tmp_path / "a.nii", SFORM, 2, turned, 1)).notes
    assert f"differ by up to {distance:.3g} mm; the qform was used, as Slicer does" in note
    (note,) = read_volume(save(tmp_path / "b.nii", SFORM, 1, turned, 1)).notes
    assert "the sform was used, as Slicer does." in note
    (note,) = read_volume(save(tmp_path / "c.nii", SFORM, 1, SFORM * [1.5, 1, 1, 1], 1)).notes
    assert "takes the voxel size of the qform" in note
    (note,) = read_volume(save(tmp_path / "d.nii", SFORM, 2, OTHERS["k flipped"], 1)).notes
    assert "unless the volume is oblique" in note


@pytest.mark.parametrize("codes", [(1, 1), (2, 1), (4, 3)], ids=str)
def test_forms_that_differ_by_rounding_are_not_mentioned(tmp_path, codes) -> None:
    affine = changed(turn=(10, 20, 30))
    assert read_volume(save(tmp_path / "a.nii", affine, codes[0], affine, codes[1])).notes == ()


def test_without_codes_it_is_nibabels_assumption_and_the_note_says_that_slicer_mirrors_it(tmp_path) -> None:
    path = save(tmp_path / "a.nii", SFORM, 0, SFORM, 0)
    volume = read_volume(path)
    np.testing.assert_allclose(volume.ijk_to_ras, nib.load(path).affine)
    ours, slicers = volume.ijk_to_ras[:3, :3], itk_geometry(path)[:3, :3]
    np.testing.assert_allclose(ours * [1, -1, 1], slicers, atol=1e-5)
    assert "Slicer assumes j to posterior and shows it mirrored" in volume.notes[0]


def test_flat_sform_is_refused_also_beside_a_qform(tmp_path) -> None:
    path = save(tmp_path / "a.nii", SFORM, 1, SFORM, 1)
    content = bytearray(path.read_bytes())
    content[280:328] = bytes(48)
    path.write_bytes(content)
    assert "voxel size is zero" in refusal(path)
