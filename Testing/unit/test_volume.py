"""Fingerprints: the same for the same image however it is stored, another for any other image."""

import tracemalloc

import nibabel as nib
import numpy as np
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.io.read import read_volume
from SAMSegmentLib.volume import fingerprints_match
from Testing.generated import affine_for, rotation, volume_of

VOXELS = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)
AFFINE = affine_for((0, 1, 2), (-1, 1, 1), (0.7, 0.9, 2.5))


def random_affine(random: np.random.Generator) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = rotation(random.uniform(-180, 180, 3)) @ np.diag(random.uniform(0.05, 8, 3))
    affine[:3, 3] = random.uniform(-600, 600, 3)
    return affine


def test_geometry_stored_as_float32_or_float64_is_the_same_image() -> None:
    random = np.random.default_rng(0)
    for _ in range(2000):
        affine = random_affine(random)
        exact, stored = (volume_of(VOXELS, matrix).fingerprint for matrix in (affine, affine.astype(np.float32)))
        assert fingerprints_match(exact, stored), affine


def test_geometry_stored_as_a_rotation_is_the_same_image(tmp_path) -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        affine = random_affine(random)
        image = nib.Nifti1Image(VOXELS.T, affine)
        image.set_qform(affine, 1)
        image.set_sform(None, 0)
        image.to_filename(tmp_path / "a.nii")
        assert fingerprints_match(read_volume(tmp_path / "a.nii").fingerprint, volume_of(VOXELS, affine).fingerprint)


def moved(shift=(0, 0, 0), signs=(1, 1, 1), scale=1.0) -> np.ndarray:
    affine = AFFINE.copy()
    affine[:3, :3] *= np.array(signs) * scale
    affine[:3, 3] += shift
    return affine


@pytest.mark.parametrize(
    "other",
    [moved(shift=(1, 0, 0)), moved(shift=(0, 0, 0.1)), moved(signs=(1, -1, 1)), moved(scale=1.01)],
    ids=["1 mm off", "0.1 mm off", "flipped", "1 % larger"],
)
@pytest.mark.parametrize("size", [1.0, 1e-2], ids=["of a patient", "of a specimen"])
def test_same_voxels_in_another_place_are_another_image(other, size) -> None:
    scale = np.diag([size, size, size, 1])
    assert not fingerprints_match(
        volume_of(VOXELS, scale @ AFFINE).fingerprint, volume_of(VOXELS, scale @ other).fingerprint
    )


@pytest.mark.parametrize("dtype", ["i1", "i2", ">i2", "i4", "f4", "f8", ">f8"])
def test_number_type_and_memory_layout_do_not_matter(dtype) -> None:
    stored = np.asfortranarray(VOXELS.astype(dtype))
    assert volume_of(stored, AFFINE).fingerprint == volume_of(VOXELS, AFFINE).fingerprint


@pytest.mark.parametrize(
    ("dtype", "first", "second"),
    [("i4", 2**24, 2**24 + 1), ("u4", 2**32 - 2, 2**32 - 1), ("f8", 0.1, 0.1 + 1e-12), ("f8", 1e300, 2e300)],
)
def test_values_that_only_a_wide_type_tells_apart_are_different_images(dtype, first, second) -> None:
    prints = [volume_of(np.full((2, 2, 2), value, dtype), AFFINE).fingerprint for value in (first, second)]
    assert not fingerprints_match(*prints)


def test_shape_counts() -> None:
    flat = volume_of(VOXELS.reshape(4, 3, 5), AFFINE)
    assert not fingerprints_match(flat.fingerprint, volume_of(VOXELS, AFFINE).fingerprint)


@pytest.mark.parametrize("text", ["", "abc", ":", "0" * 32, "abc:1,2,3", "abc:" + ",".join("x" * 12), None])
def test_text_that_is_no_fingerprint_matches_nothing(text) -> None:
    whole = volume_of(VOXELS, AFFINE).fingerprint
    text = whole.partition(":")[0] if text is None else text
    assert not fingerprints_match(whole, text)
    assert not fingerprints_match(text, whole)


@pytest.mark.parametrize("dtype", ["i2", "f8"])
def test_fingerprint_needs_no_second_volume_in_memory(dtype) -> None:
    volume = volume_of(np.zeros((100, 100, 100), dtype))
    tracemalloc.start()
    assert volume.fingerprint
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < volume.array.nbytes / 4


def test_axes_that_do_not_span_space_are_refused() -> None:
    flat = np.eye(4)
    flat[:3, 2] = flat[:3, 1]
    with pytest.raises(InputError, match="do not span space"):
        volume_of(VOXELS, flat)
