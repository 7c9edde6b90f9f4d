"""Real DICOM series: what each opens as, and that voxels and places are those the files state."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import axis_codes
from SAMSegmentLib.io.choices import FrameChoiceNeededError, SeriesChoiceNeededError
from SAMSegmentLib.io.dicom import is_dicom_file, list_series, read_dicom

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

TWO_ORIENTATIONS = "1.2.826.0.1.3680043.8.498.172569766509356581228571744"
SMALL_MR = "1.3.6.1.4.1.5962.1.3.4.1.20040826185059.5457"

# folder, options, shape i j k, spacing, axis codes, words in the notes (none: there are no notes)
OPENS = [
    ("dicom-ct-3slice-with-seg/dicom", {}, (512, 512, 3), (0.810547, 0.810547, 1), "LPS", "Skipped 2 Segmentation"),
    ("dicom-ct-enhanced-multiframe", {}, (512, 512, 2), (0.388672, 0.388672, 10), "RPI", ""),
    ("dicom-ct-head-j2k-DERIVED", {}, (64, 64, 93), (3.2, 3.2, 1.5), "LPS", ""),
    ("dicom-ct-head-rle-DERIVED", {}, (64, 64, 93), (3.2, 3.2, 1.5), "LPS", ""),
    ("dicom-ct-head-slicer", {}, (64, 64, 93), (3.2, 3.2, 1.5), "LPS", ""),
    ("dicom-ct-rtstruct-broken-refs", {}, (512, 512, 2), (0.488281, 0.488281, 5), "LPS", "Skipped 3 RT Structure Set"),
    ("dicom-ct-tilt-variable-spacing-ge", {}, (512, 534, 9), (0.488281, 0.488281, 3.8858), "LPS", "18.5 degrees"),
    ("dicom-mr-enhanced-multiframe", {}, (64, 64, 10), (1, 1, 1.2), "LPS", "Ignored 4 files that repeat"),
    ("dicom-mr-hitachi-oblique", {}, (64, 64, 4), (2.34375, 2.34375, 4), "PIR", ""),
    ("dicom-noise-mr-4d-fmri-ge", {"frame": 1}, (64, 64, 4), (3, 3, 3.6), "LPS", ""),
    ("dicom-noise-mr-nonsquare-pixels", {}, (64, 28, 4), (6.39996, 4, 0.5), "LPS", ""),
    (
        "dicom-noise-mr-two-orientations",
        {"series": f"{TWO_ORIENTATIONS}#1"},
        (288, 288, 2),
        (0.32, 0.32, 3.3),
        "PIR",
        "",
    ),
    (
        "dicom-noise-mr-two-orientations",
        {"series": f"{TWO_ORIENTATIONS}#2"},
        (288, 288, 2),
        (0.5556, 0.5556, 4.4),
        "LPS",
        "",
    ),
    ("dicom-single-slice-pydicom", {"series": SMALL_MR}, (64, 64, 1), (0.3125, 0.3125, 0.8), "LPS", "cannot be read"),
    ("dicom-single-slice-pydicom/dicom/CT_small.dcm", {}, (128, 128, 1), (0.661468, 0.661468, 5), "LPS", ""),
    ("dicom-ct-3slice-with-seg/dicom/02.dcm", {}, (512, 512, 1), (0.810547, 0.810547, 1.25), "LPS", "2 more images"),
]

REFUSED = [
    ("dicom-noise-mr-4d-fmri-ge", {}, FrameChoiceNeededError, "2 frames"),
    ("dicom-noise-mr-4d-fmri-ge", {"frame": 2}, InputError, "frames 0 to 1, not 2"),
    ("dicom-ct-head-slicer", {"frame": 1}, InputError, "one frame, 0, not 1"),
    ("dicom-noise-mr-two-orientations", {}, SeriesChoiceNeededError, f"{TWO_ORIENTATIONS}#2"),
    ("dicom-noise-mr-two-orientations", {"series": TWO_ORIENTATIONS}, SeriesChoiceNeededError, "--series"),
    ("dicom-single-slice-pydicom", {}, SeriesChoiceNeededError, SMALL_MR),
    ("dicom-single-slice-pydicom", {"series": "1.2"}, InputError, "no series 1.2"),
    ("dicom-rgb-secondary-capture", {}, InputError, "4 colour Secondary Capture Image objects"),
    ("dicom-rgb-secondary-capture/dicom/IM-0001-0001-0001.dcm", {}, InputError, "colour"),
    ("dicom-ct-3slice-with-seg/dicom/liver.dcm", {}, InputError, "Segmentation object"),
    ("dicom-single-slice-pydicom/dicom/MR_truncated.dcm", {}, InputError, "cut off"),
    ("dicom-single-slice-pydicom/dicom/no_meta.dcm", {}, InputError, "not a DICOM file"),
    ("odd-nifti", {}, InputError, "no DICOM file"),
    ("dicom-ct-head-slicer/no-such-file.dcm", {}, InputError, "no-such-file.dcm"),
]


@pytest.mark.parametrize(("name", "options", "shape", "spacing", "codes", "note"), OPENS)
def test_a_series_opens_with_its_shape_spacing_and_axes(shared_data, name, options, shape, spacing, codes, note):
    volume = read_dicom(shared_data / name, **options)
    assert volume.shape_ijk == shape
    assert volume.spacing == pytest.approx(spacing, abs=1e-2)
    assert axis_codes(volume.ijk_to_ras) == codes
    assert note in " ".join(volume.notes)
    assert bool(note) == bool(volume.notes)


def test_every_folder_of_dicom_files_is_in_a_table_above(shared_data):
    folders = {path.name for path in shared_data.glob("dicom-*")}
    assert folders
    assert folders <= {Path(name).parts[0] for name, *_ in (*OPENS, *REFUSED)}


@pytest.mark.parametrize(("name", "options", "error", "words"), REFUSED)
def test_what_cannot_be_opened_is_refused_in_one_sentence(shared_data, name, options, error, words):
    with pytest.raises(error) as raised:
        read_dicom(shared_data / name, **options)
    message = str(raised.value)
    assert type(raised.value) is error
    assert words in message
    assert Path(name).name in message
    assert "\n" not in message
    assert message.endswith(".")


REGULAR = [
    ("dicom-ct-3slice-with-seg/dicom", "0[123].dcm", {}),
    ("dicom-ct-head-slicer/dicom", "*.dcm", {}),
    ("dicom-ct-rtstruct-broken-refs/dicom", "ct_*.dcm", {}),
    ("dicom-mr-hitachi-oblique/dicom", "*.dcm", {}),
    ("dicom-noise-mr-nonsquare-pixels/dicom", "*.dcm", {}),
    ("dicom-noise-mr-4d-fmri-ge/dicom", "IM-0001-000*.dcm", {"frame": 0}),
    ("dicom-noise-mr-4d-fmri-ge/dicom", "IM-0001-004*.dcm", {"frame": 1}),
    ("dicom-noise-mr-two-orientations/dicom", "* 2.dcm", {"series": f"{TWO_ORIENTATIONS}#1"}),
    ("dicom-noise-mr-two-orientations/dicom", "*-0001-000[12]-0001.dcm", {"series": f"{TWO_ORIENTATIONS}#2"}),
]


@pytest.mark.parametrize(("name", "pattern", "options"), REGULAR)
def test_every_pixel_of_a_regular_series_lies_where_its_file_says(shared_data, name, pattern, options):
    volume = read_dicom(shared_data / name, **options)
    datasets = [pydicom.dcmread(path) for path in (shared_data / name).glob(pattern)]
    assert len(datasets) == volume.shape_ijk[2]
    slices_seen = set()
    for dataset in datasets:
        corners = [(0, 0), (dataset.Columns - 1, 0), (0, dataset.Rows - 1), (dataset.Columns - 1, dataset.Rows - 1)]
        for column, row in corners:
            i, j, k = np.round(volume.ras_to_ijk @ _tag_place(dataset, column, row), 6)[:3]
            assert (i, j) == pytest.approx((column, row), abs=2e-4)
            assert k == pytest.approx(round(k), abs=2e-3)
            stated = _tag_place(dataset, column, row)
            assert volume.ijk_to_ras @ (column, row, round(k), 1) == pytest.approx(stated, abs=1e-3)
        k = round(k)
        slices_seen.add(k)
        slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
        np.testing.assert_allclose(volume.array[k], dataset.pixel_array * slope + intercept, rtol=1e-6)
    assert slices_seen == set(range(len(datasets)))


def _tag_place(dataset, column, row):
    """RAS of a pixel, straight from the tags (DICOM PS3.3 C.7.6.2.1.1)."""
    along_row, along_column = np.array(dataset.ImageOrientationPatient, dtype=float).reshape(2, 3)
    between_rows, between_columns = map(float, dataset.PixelSpacing)
    lps = np.array(dataset.ImagePositionPatient, dtype=float)
    lps = lps + along_row * between_columns * column + along_column * between_rows * row
    return LPS_TO_RAS @ (*lps, 1)


def test_enhanced_frames_lie_where_their_functional_groups_say(shared_data):
    path = shared_data / "dicom-ct-enhanced-multiframe/dicom/eCT_Supplemental.dcm"
    volume = read_dicom(path)
    dataset = pydicom.dcmread(path)
    positions = [
        item.PlanePositionSequence[0].ImagePositionPatient for item in dataset.PerFrameFunctionalGroupsSequence
    ]
    for stored, position in enumerate(positions):
        k = [frame.frame for frame in volume.source_frames].index(stored + 1)
        assert volume.ijk_to_ras @ (0, 0, k, 1) == pytest.approx(LPS_TO_RAS @ (*position, 1), abs=1e-3)
        np.testing.assert_array_equal(volume.array[k], dataset.pixel_array[stored].astype(int) - 1024)
    assert volume.ijk_to_ras[:3, 0] == pytest.approx((0.388672, 0, 0))
    assert (volume.window.level, volume.window.width) == (49, 102)


@pytest.mark.parametrize("copy", ["dicom-ct-head-j2k-DERIVED", "dicom-ct-head-rle-DERIVED"])
def test_a_compressed_series_equals_the_uncompressed_one(shared_data, copy):
    assert read_dicom(shared_data / copy).fingerprint == read_dicom(shared_data / "dicom-ct-head-slicer").fingerprint


@pytest.mark.parametrize("syntax", ["_RLE", "_big_endian", "_jpeg_2k_lossless", "_jpeg_ls_lossless"])
def test_a_compressed_multi_frame_file_equals_the_uncompressed_one(shared_data, syntax):
    folder = shared_data / "dicom-mr-enhanced-multiframe"
    plain, other = read_dicom(folder / "emri_small"), read_dicom(folder / f"emri_small{syntax}")
    assert other.fingerprint == plain.fingerprint


@pytest.mark.parametrize("name", ["MR_small_RLE", "MR_small_bigendian", "MR_small_jp2klossless"])
def test_a_compressed_slice_equals_the_uncompressed_one(shared_data, name):
    folder = shared_data / "dicom-single-slice-pydicom/dicom"
    assert read_dicom(folder / f"{name}.dcm").fingerprint == read_dicom(folder / "MR_small.dcm").fingerprint


def test_order_does_not_depend_on_file_names(shared_data, tmp_path):
    source = shared_data / "dicom-ct-head-slicer"
    files = sorted((source / "dicom").iterdir())
    for number, index in enumerate(np.random.default_rng(0).permutation(len(files))):
        shutil.copy(files[index], tmp_path / f"{number:03d}")
    assert read_dicom(tmp_path).fingerprint == read_dicom(source).fingerprint


def test_the_constant_part_of_a_tilted_series_keeps_measured_slices(shared_data, tmp_path):
    for number in range(10, 15):
        shutil.copy(shared_data / f"dicom-ct-tilt-variable-spacing-ge/dicom/{number}.dcm", tmp_path)
    volume = read_dicom(tmp_path)
    # 4.22 mm along the table times the cosine of 18.5 degrees.
    assert volume.spacing[2] == pytest.approx(4.22 * np.cos(np.radians(18.5)), abs=1e-3)
    dataset = pydicom.dcmread(tmp_path / "12.dcm")
    i, j, k = np.round((volume.ras_to_ijk @ _tag_place(dataset, 256, 256))[:3], 3)
    assert k == round(k)
    # j lies between two voxels since the slice is shifted within its plane by a part of a pixel.
    below = volume.array[int(k), int(j), int(i)]
    above = volume.array[int(k), int(j) + 1, int(i)]
    expected = below + (j - int(j)) * (float(above) - below)
    stored = dataset.pixel_array
    assert stored[255:258, 256].min() - 2 <= expected <= stored[255:258, 256].max() + 2


def test_series_are_listed_with_what_a_user_chooses_by(shared_data):
    ct, mr = list_series(shared_data / "dicom-single-slice-pydicom")
    assert (ct.modality, ct.image_count, ct.shape) == ("CT", 1, (128, 128))
    assert (mr.selector, mr.modality, mr.image_count, mr.shape) == (SMALL_MR, "MR", 1, (64, 64))


def test_dicom_is_known_by_content(shared_data, tmp_path):
    nameless = shutil.copy(shared_data / "dicom-mr-hitachi-oblique/dicom/001.dcm", tmp_path / "nameless")
    assert is_dicom_file(nameless)
    renamed = shutil.copy(shared_data / "odd-nifti/big-endian-int16.nii", tmp_path / "scan.dcm")
    assert not is_dicom_file(renamed)
