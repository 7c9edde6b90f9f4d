"""Generated folders of several DICOM series: a damaged one is left out, and many stacks are no matter."""

import time
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.io.choices import SeriesChoiceNeededError
from SAMSegmentLib.io.dicom import list_series, read_dicom
from SAMSegmentLib.io.dicom.headers import Header
from SAMSegmentLib.io.dicom.series import build_stacks
from Testing.dicom_factory import numbered, write_enhanced, write_image, write_series

GOOD, OTHER, BAD = "1.2.3.7", "1.2.3.8", "1.2.3.9"


def _bad_orientation(path):
    write_image(path, numbered(1)[0], SeriesInstanceUID=BAD, orientation=(1, 0, 0, 1, 0, 0))


def _bad_position(path):
    write_image(path, numbered(1)[0], SeriesInstanceUID=BAD, position=(0, 0, 1e9))


def _bad_frame_count(path):
    write_image(path, numbered(1)[0], SeriesInstanceUID=BAD, NumberOfFrames=2_000_000)


def _lying_functional_groups(path):
    write_enhanced(path, numbered(3), [{"position": (0, 0, 0)}], SeriesInstanceUID=BAD)


@pytest.mark.parametrize("damage", [_bad_orientation, _bad_position, _bad_frame_count, _lying_functional_groups])
@pytest.mark.parametrize("series", [None, GOOD])
def test_a_damaged_series_does_not_keep_another_from_being_opened(tmp_path, damage, series):
    write_series(tmp_path / "good", numbered(3), SeriesInstanceUID=GOOD)
    damage(tmp_path / "bad.dcm")
    volume = read_dicom(tmp_path, series=series)
    np.testing.assert_array_equal(volume.array, numbered(3))
    (note,) = volume.notes
    assert note.startswith(f"Left out the series {BAD}, since {tmp_path / 'bad.dcm'}")
    assert note.endswith(".")
    assert [entry.selector for entry in list_series(tmp_path)] == [GOOD]


@pytest.mark.parametrize("selector", [BAD, f"{BAD}#1"])
def test_the_damaged_series_itself_is_refused_with_its_own_reason(tmp_path, selector):
    write_series(tmp_path / "good", numbered(3), SeriesInstanceUID=GOOD)
    _bad_orientation(tmp_path / "bad.dcm")
    with pytest.raises(InputError, match=r"bad\.dcm.* perpendicular"):
        read_dicom(tmp_path, series=selector)


def test_a_choice_among_series_counts_those_that_cannot_be_read(tmp_path):
    for uid in (GOOD, OTHER):
        write_series(tmp_path / uid, numbered(2), SeriesInstanceUID=uid)
    _bad_orientation(tmp_path / "bad.dcm")
    with pytest.raises(SeriesChoiceNeededError, match=r"2 image series \(1 more cannot be read\)") as raised:
        read_dicom(tmp_path)
    assert raised.value.series == list_series(tmp_path)


def test_a_folder_of_damaged_series_only_is_refused(tmp_path):
    _bad_orientation(tmp_path / "bad.dcm")
    for use in (read_dicom, list_series):
        with pytest.raises(InputError, match="perpendicular"):
            use(tmp_path)


def _radial_header(angle):
    dataset = Dataset()
    dataset.Rows = dataset.Columns = 4
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.ImageOrientationPatient = [np.cos(angle), np.sin(angle), 0, 0, 0, -1]
    dataset.ImagePositionPatient = [0, 0, 0]
    dataset.PixelSpacing = [1, 1]
    return Header(Path(f"{angle:.9f}.dcm"), dataset)


def test_a_thousand_orientations_are_a_thousand_stacks_in_short_time():
    headers = [_radial_header(angle) for angle in np.linspace(0, 6, 1000)]
    start = time.process_time()
    stacks = build_stacks(headers)
    # A second at most on a slow machine; comparing each pair of orientations takes tens of seconds.
    assert time.process_time() - start < 5
    assert [len(stack.frames) for stack in stacks.usable] == [1] * 1000
