"""Generated DICOM series whose headers miss a regular grid by a little: slices end up where they were measured."""

import numpy as np
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import is_sheared
from SAMSegmentLib.io.dicom import read_dicom
from SAMSegmentLib.io.regrid import NEW_GRID_NOTE
from Testing.dicom_factory import numbered, write_image, write_series


def _write_slices_that_hold_their_position(folder, gaps):
    for index, z in enumerate(np.cumsum((0.0, *gaps))):
        pixels = np.full((3, 3), round(100 * z), np.int32)
        write_image(folder / f"{index}.dcm", pixels, position=(0, 0, z))


@pytest.mark.parametrize(
    ("gaps", "spacings"),
    [
        ([5.0] * 30 + [5.04] * 30, "5 to 5.04 mm"),
        ([5.0] * 100 + [5.04] * 100, "5 to 5.04 mm"),
        ([0.6] * 60 + [0.604] * 60, "0.6 to 0.604 mm"),
        # One slice is missing, and what is left of the series drifts too.
        ([5.0] * 30 + [10.0] + [5.04] * 30, "5 to 10 mm"),
    ],
)
def test_small_differences_of_spacing_that_add_up_are_resampled(tmp_path, gaps, spacings):
    _write_slices_that_hold_their_position(tmp_path, gaps)
    volume = read_dicom(tmp_path)
    z_of_slices = volume.ijk_to_ras[2, 3] + volume.ijk_to_ras[2, 2] * np.arange(len(volume.array))
    np.testing.assert_allclose(volume.array[:, 1, 1], 100 * z_of_slices, atol=1.0)
    note, about_the_grid = volume.notes
    assert about_the_grid == NEW_GRID_NOTE
    assert f"unequally spaced ({spacings})" in note


@pytest.mark.parametrize(
    ("slope", "end"),
    # Positions rounded to a tenth of a millimetre at 25 mm, and to a hundredth at 0.625 mm: no error adds up.
    [(25.04, 1), (0.625, 2)],
)
def test_rounded_positions_of_a_long_series_are_no_drift(tmp_path, slope, end):
    positions = np.round(np.arange(60) * slope, end)
    _write_slices_that_hold_their_position(tmp_path, np.diff(positions))
    assert read_dicom(tmp_path).notes == ()


@pytest.mark.parametrize(("cosine", "percent"), [(0.992, "0.8 %"), (1.0004, "0.04 %")])
def test_direction_cosines_that_are_no_unit_vectors_do_not_scale_the_volume(tmp_path, cosine, percent):
    write_series(tmp_path, numbered(3), spacing=(3.0, 0.5), orientation=(cosine, 0, 0, 0, cosine, 0))
    volume = read_dicom(tmp_path)
    assert volume.spacing == pytest.approx((0.5, 3.0, 2.0), abs=1e-12)
    (note,) = volume.notes
    assert "ImageOrientationPatient" in note
    assert percent in note


def test_direction_cosines_rounded_to_four_decimals_are_taken_as_they_are(tmp_path):
    sine, cosine = np.round((np.sin(0.3), np.cos(0.3)), 4)
    write_series(tmp_path, numbered(3), step=(0, 0, 2), orientation=(cosine, sine, 0, -sine, cosine, 0))
    volume = read_dicom(tmp_path)
    assert volume.notes == ()
    assert volume.ijk_to_ras[:2, 0] == pytest.approx((-cosine, -sine), abs=1e-12)


def test_direction_cosines_far_from_unit_vectors_are_refused(tmp_path):
    write_series(tmp_path, numbered(3), orientation=(0.98, 0, 0, 0, 1, 0))
    with pytest.raises(InputError, match="perpendicular unit vectors"):
        read_dicom(tmp_path)


SKEWED = (1, 0, 0, 0.008, np.sqrt(1 - 0.008**2), 0)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ((0, 0, 2), "Rows and columns are 0.5 degrees off a right angle; slices"),
        ((0.2, 0, 2), "The gantry was tilted by 5.7 degrees and rows and columns are 0.5 degrees off a right angle;"),
    ],
)
def test_rows_that_are_not_at_right_angles_to_columns_are_called_so(tmp_path, step, sentence):
    write_series(tmp_path, numbered(3), step=step, orientation=SKEWED)
    volume = read_dicom(tmp_path)
    note, about_the_grid = volume.notes
    assert about_the_grid == NEW_GRID_NOTE
    assert note.startswith(sentence)
    assert not is_sheared(volume.ijk_to_ras)
