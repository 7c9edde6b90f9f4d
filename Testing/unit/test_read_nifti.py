"""NIfTI files, real odd ones and generated ones: read as nibabel does, or refused in one sentence."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import axis_codes
from SAMSegmentLib.io.choices import FrameChoiceNeededError
from SAMSegmentLib.io.read import read_volume
from Testing.generated import affine_for, rotation
from Testing.paths import SHARED_DATA
from Testing.refusal import refusal

ODD = SHARED_DATA / "odd-nifti"
needs_real_data = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"real volumes are not in {SHARED_DATA}")

# name, frame, shape (i, j, k), spacing (rounded to 0.01 mm), axis codes, voxel type
READABLE = [
    ("4d-fmri-uncompressed.nii", 3, (17, 21, 3), (4, 4, 8), "LAS", np.float32),
    ("4d-oblique-int16.nii.gz", 1, (128, 96, 24), (2, 2, 2.2), "LAS", np.int16),
    ("DERIVED-all-zero.nii.gz", None, (16, 24, 20), (1, 1, 3), "LPS", np.int16),
    ("analyze-ras.hdr", None, (62, 41, 34), (2.39, 2.39, 2.37), "RAS", np.uint8),
    ("analyze-ras.img", None, (62, 41, 34), (2.39, 2.39, 2.37), "RAS", np.uint8),
    ("big-endian-int16.nii", None, (33, 41, 25), (2, 2, 2), "LAS", np.int16),
    ("float64-aniso-5mm.nii.gz", None, (58, 58, 24), (4, 4, 5), "LPS", np.float64),
    ("float64-nonsquare.nii.gz", None, (64, 28, 4), (6.4, 4, 0.5), "LPS", np.float64),
    ("int16-with-slope-statmap-nan.nii.gz", None, (79, 95, 79), (2, 2, 2), "LAS", np.float32),
    ("nifti2-4d.nii.gz", 0, (32, 20, 12), (2, 2, 2.2), "LAS", np.int16),
    ("no-sform-no-qform.nii.gz", None, (64, 64, 10), (3, 3, 3), "LAS", np.uint8),
    ("oblique-flair-tilted.nii.gz", None, (124, 160, 140), (1, 1, 1), "RAS", np.uint8),
    ("orient-AIL.nii.gz", None, (79, 67, 64), (2.39, 2.37, 2.39), "AIL", np.float32),
    ("orient-LAS.nii.gz", None, (64, 79, 67), (2.39, 2.39, 2.37), "LAS", np.float32),
    ("orient-LPS.nii.gz", None, (64, 79, 67), (2.39, 2.39, 2.37), "LPS", np.float32),
    ("orient-PIR.nii.gz", None, (79, 67, 64), (2.39, 2.37, 2.39), "PIR", np.float32),
    ("orient-RAS.nii.gz", None, (64, 79, 67), (2.39, 2.39, 2.37), "RAS", np.float32),
    ("orient-SPL.nii.gz", None, (67, 79, 64), (2.37, 2.39, 2.39), "SPL", np.float32),
    ("single-slice-oblique.nii.gz", None, (192, 192, 1), (1.15, 1.15, 1), "PIR", np.uint16),
    ("tiny-7x5x3.nii.gz", None, (7, 5, 3), (2, 2, 2), "RAS", np.uint8),
    ("uint8-with-slope-intercept.nii.gz", None, (57, 67, 56), (2.75, 2.75, 2.75), "RAS", np.float32),
    ("../mr-spine-sct-t2/image.nii.gz", None, (60, 55, 52), (1, 1, 1), "PSR", np.int16),
    ("../mr-spine-sct-t2star/image.nii.gz", None, (49, 54, 9), (0.5, 0.5, 7.5), "LAS", np.float32),
    ("../ct-abdomen-totalseg/image.nii.gz", None, (122, 101, 112), (3, 3, 3), "RAS", np.int32),
    ("../mr-abdomen-totalseg/image.nii.gz", None, (117, 91, 20), (3, 3, 3), "LPS", np.int16),
    ("../mr-hippocampus-msd-003/image.nii.gz", None, (34, 52, 35), (1, 1, 1), "RAS", np.float32),
]

REFUSED = [
    ("DERIVED-corrupt-gzip.nii.gz", "damaged"),
    ("DERIVED-empty-0-bytes.nii.gz", "empty"),
    ("DERIVED-header-only.nii", "cut short"),
    ("DERIVED-not-gzip-but-named-gz.nii.gz", "cut short"),
    ("DERIVED-truncated-half.nii.gz", "cut short"),
    ("DERIVED-truncated.nii", "cut short"),
    ("complex64.nii.gz", "complex"),
    ("invalid.nii", "not what its name says"),
    ("invalid.nii.gz", "without a NIfTI image"),
    ("rgb24-ct-perfusion.nii.gz", "colours"),
    ("rgba32.nii.gz", "colours"),
    ("sheared-sform-itk-refuses.nii.gz", "right angles"),
]


@needs_real_data
@pytest.mark.parametrize(
    ("name", "frame", "shape", "spacing", "codes", "dtype"), READABLE, ids=[r[0] for r in READABLE]
)
def test_real_file_is_read_as_nibabel_reads_it(name, frame, shape, spacing, codes, dtype, capfd) -> None:
    volume = read_volume(ODD / name, frame=frame)
    reference = nib.load(ODD / name)
    values = np.asarray(reference.dataobj if frame is None else reference.dataobj[..., frame]).T
    assert volume.shape_ijk == shape
    assert volume.spacing == pytest.approx(spacing, abs=0.006)
    assert axis_codes(volume.ijk_to_ras) == codes
    assert volume.array.dtype == dtype
    np.testing.assert_allclose(volume.ijk_to_ras, reference.affine, atol=1e-3)
    np.testing.assert_allclose(volume.array, values, rtol=1e-6, atol=1e-3)
    assert capfd.readouterr() == ("", "")


@needs_real_data
@pytest.mark.parametrize(("name", "reason"), REFUSED, ids=[r[0] for r in REFUSED])
def test_real_bad_file_is_refused_in_one_sentence(name, reason, capfd) -> None:
    assert reason in refusal(ODD / name)
    assert capfd.readouterr() == ("", "")


@needs_real_data
def test_every_odd_file_is_in_a_table() -> None:
    listed = {row[0] for row in READABLE + REFUSED} | {"sheared-affine-ct-qform-differs.nii.gz"}
    assert {path.name for path in ODD.iterdir() if path.suffix != ".nrrd"} <= listed


@needs_real_data
def test_sheared_ct_is_made_rectangular_and_says_so() -> None:
    path = ODD / "sheared-affine-ct-qform-differs.nii.gz"
    volume = read_volume(path)
    reference = nib.load(path)
    notes = " ".join(volume.notes)
    assert "rectangular" in notes
    assert "sform was used" in notes
    # The bright table and skull keep their place in the patient.
    stored = np.asarray(reference.dataobj).T
    assert np.allclose(_centre(volume.array > 0, volume.ijk_to_ras), _centre(stored > 0, reference.affine), atol=0.5)


def _centre(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return nib.affines.apply_affine(affine, np.argwhere(mask)[:, ::-1].mean(axis=0))


def ramp(shape=(5, 4, 3), dtype=np.int16) -> np.ndarray:
    """Different values in each voxel, [i, j, k]."""
    return np.arange(np.prod(shape)).reshape(shape, order="F").astype(dtype)


def save(path: Path, array: np.ndarray, affine=None, *, image_class=nib.Nifti1Image, edit=None) -> Path:
    image = image_class(array, np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine)
    if edit is not None:
        edit(image.header)
    image.to_filename(path)
    return path


def edit_bytes(path: Path, offset: int, value: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("image_class", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_number_types_and_oblique_geometry_survive(tmp_path, image_class, ending, dtype) -> None:
    affine = affine_for((1, 0, 2), (-1, 1, -1), (0.7, 0.9, 3.5))
    affine[:3, :3] = rotation((10, 20, 30)) @ affine[:3, :3]
    volume = read_volume(save(tmp_path / f"a.b{ending}", ramp(dtype=dtype), affine, image_class=image_class))
    assert volume.array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.array, ramp(dtype=dtype).T)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-4)
    assert (volume.name, volume.modality, volume.notes) == ("a.b", "", ())


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (ramp(dtype=np.int64), np.int32),
        (ramp(dtype=np.uint64), np.int32),
        (ramp(dtype=np.int64) + 2**40, np.float64),
        (ramp().astype(">i4"), np.int32),
        (ramp().astype(">f8"), np.float64),
    ],
    ids=["int64", "uint64", "int64 too large", "big endian int", "big endian double"],
)
def test_unusual_number_types_become_usual_ones(tmp_path, stored, expected) -> None:
    header = nib.Nifti1Header(endianness=">" if stored.dtype.byteorder == ">" else "<")
    nib.Nifti1Image(stored, np.eye(4), header, dtype=stored.dtype).to_filename(tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    assert volume.array.dtype == expected
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array, stored.T)


def test_slope_and_intercept_are_applied(tmp_path) -> None:
    path = save(tmp_path / "a.nii", ramp(dtype=np.uint8), edit=lambda header: header.set_slope_inter(0.5, -1024))
    # nibabel resets the scaling when it saves, so it is put into the file.
    edit_bytes(path, 112, np.array([0.5, -1024], "<f4").tobytes())
    volume = read_volume(path)
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array, ramp().T * 0.5 - 1024)


def test_4d_file_asks_for_a_frame_and_reads_it(tmp_path) -> None:
    path = save(tmp_path / "a.nii.gz", ramp((5, 4, 3, 2)))
    with pytest.raises(FrameChoiceNeededError, match="--frame 0 to --frame 1") as caught:
        read_volume(path)
    assert caught.value.frame_count == 2
    np.testing.assert_array_equal(read_volume(path, frame=1).array, ramp((5, 4, 3, 2))[..., 1].T)
    assert "frames 0 to 1" in refusal(path, frame=2)
    assert "frames 0 to 1" in refusal(path, frame=-1)


@pytest.mark.parametrize(
    ("shape", "expected"), [((5, 4), (5, 4, 1)), ((5, 4, 3, 1), (5, 4, 3)), ((5, 4, 3, 1, 1), (5, 4, 3))]
)
def test_missing_and_single_dimensions_are_no_obstacle(tmp_path, shape, expected) -> None:
    assert read_volume(save(tmp_path / "a.nii", ramp(shape))).shape_ijk == expected


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001), ("mm", 1), (0, 1)])
def test_lengths_are_converted_to_mm(tmp_path, unit, factor) -> None:
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) / factor
    affine[3, 3] = 1
    volume = read_volume(save(tmp_path / "a.nii", ramp(), affine, edit=lambda header: header.set_xyzt_units(unit)))
    assert volume.spacing == pytest.approx((1, 2, 3), rel=1e-5)
    assert bool(volume.notes) == (factor != 1)


def test_nan_and_infinity_become_the_smallest_value(tmp_path) -> None:
    values = ramp(dtype=np.float32) + 7
    values[0, 0, 0], values[1, 0, 0], values[2, 0, 0] = np.nan, np.inf, -np.inf
    volume = read_volume(save(tmp_path / "a.nii", values))
    assert volume.array[0, 0].tolist() == [10, 10, 10, 10, 11]
    assert "3 of 60 voxels" in volume.notes[0]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_content_decides_not_the_ending(tmp_path, ending) -> None:
    content = save(tmp_path / "plain.nii", ramp()).read_bytes()
    other = tmp_path / f"other{ending}"
    other.write_bytes(content if ending == ".nii.gz" else gzip.compress(content))
    np.testing.assert_array_equal(read_volume(other).array, ramp().T)


def test_unknown_orientation_and_constant_voxels_are_noted(tmp_path) -> None:
    image = nib.Nifti1Image(np.full((3, 3, 3), 5, np.int16), None)
    image.to_filename(tmp_path / "a.nii")
    orientation, constant = read_volume(tmp_path / "a.nii").notes
    assert "orientation is not stored" in orientation
    assert "the value 5" in constant


def dims(*sizes: int) -> bytes:
    return np.array([len(sizes), *sizes], "<i2").tobytes()


# offset in the NIfTI-1 header, bytes to put there, word of the refusal
DAMAGE = {
    "huge dimensions": (40, dims(30000, 30000, 30000), "cut short"),
    "zero dimension": (40, dims(5, 0, 3), "no image"),
    "negative dimension": (40, dims(5, -4, 3), "no image"),
    "no dimensions": (40, b"\0\0", "no image"),
    "unknown voxel type": (70, b"\x77\x07", "not valid"),
    "voxels begin nowhere": (108, np.array([np.nan], "<f4").tobytes(), "begin at byte nan"),
    "voxels begin far behind": (108, np.array([1e9], "<f4").tobytes(), "cut short"),
    "NaN in the sform": (280, np.array([np.nan], "<f4").tobytes(), "not a number"),
    "flat sform": (280, bytes(48), "voxel size is zero"),
    "no magic (Analyze)": (344, b"\0\0\0\0", "Analyze 7.5"),
    "intercept is NaN": (112, np.array([2, np.nan], "<f4").tobytes(), "intercept"),
    "every voxel NaN": (352, np.full(60, np.nan, "<f4").tobytes(), "every voxel"),
}


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_header_is_refused(tmp_path, damage, ending, capfd) -> None:
    offset, value, word = DAMAGE[damage]
    path = save(tmp_path / "damaged.nii", ramp(dtype=np.float32))
    edit_bytes(path, offset, value)
    if ending == ".nii.gz":
        path = tmp_path / "damaged.nii.gz"
        path.write_bytes(gzip.compress((tmp_path / "damaged.nii").read_bytes()))
    assert word in refusal(path)
    assert capfd.readouterr() == ("", "")


def test_declared_size_beyond_memory_is_refused_before_it_is_read(tmp_path, monkeypatch) -> None:
    path = save(tmp_path / "large.nii.gz", np.zeros((50, 50, 50), np.int16))
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 2**28 + 100_000}))
    assert "needs 244 KiB of memory" in refusal(path)


def test_five_dimensions_and_vectors_are_refused(tmp_path) -> None:
    assert "5 dimensions" in refusal(save(tmp_path / "a.nii", ramp((5, 4, 3, 1, 3))))


def test_half_of_a_pair_is_refused_with_the_missing_name(tmp_path) -> None:
    save(tmp_path / "pair.hdr", ramp(), image_class=nib.Nifti1Pair)
    np.testing.assert_array_equal(read_volume(tmp_path / "pair.img").array, ramp().T)
    (tmp_path / "pair.img").unlink()
    assert "pair.img is not beside it" in refusal(tmp_path / "pair.hdr")


def test_damage_behind_the_wanted_frame_is_noticed(tmp_path) -> None:
    path = save(tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 999, (20, 20, 20, 4)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-2000])
    assert "cut short" in refusal(path, frame=0)


def test_progress_ends_at_the_whole(tmp_path) -> None:
    steps = []
    read_volume(save(tmp_path / "a.nii.gz", ramp()), progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (120, 120)


@pytest.mark.parametrize("seed", range(4))
def test_randomly_damaged_files_never_end_in_another_error(tmp_path, seed) -> None:
    random = np.random.default_rng(seed)
    content = save(tmp_path / "whole.nii", ramp(dtype=np.float32)).read_bytes()
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        for position in random.integers(0, 352, size=4):
            damaged[position] = random.integers(256)
        (tmp_path / "a.nii").write_bytes(damaged)
        try:
            read_volume(tmp_path / "a.nii", frame=0)
        except InputError:
            refused += 1
    assert 0 < refused < 60
