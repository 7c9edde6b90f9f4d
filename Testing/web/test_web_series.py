"""The choice among the series of a DICOM folder: twins are told apart."""

import numpy as np
import pytest

from SAMSegmentLib.io.dicom import list_series
from SAMSegmentWeb.series_text import series_details, series_title
from Testing.dicom_factory import AXIAL, MR_IMAGE, write_image

_SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
_CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def _series(folder, uid, count, orientation=AXIAL, **attributes):
    normal = np.cross(orientation[:3], orientation[3:])
    for index in range(count):
        write_image(
            folder / f"{uid}-{index}.dcm",
            np.zeros((24, 32), dtype=np.int16),
            sop_class=MR_IMAGE,
            position=3.0 * index * normal,
            orientation=orientation,
            SeriesInstanceUID=f"1.2.3.{uid}",
            SeriesDescription="T1",
            **attributes,
        )


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
def test_series_of_one_name_are_told_apart_by_number_plane_size_and_time(tmp_path):
    times = {"SeriesDate": "20240301", "SeriesTime": "102233.5", "SliceThickness": "3"}
    _series(tmp_path, 1, 4, SeriesNumber=2, **times)
    _series(tmp_path, 2, 4, _SAGITTAL, SeriesNumber=3, **times)
    _series(tmp_path, 3, 5, _CORONAL, SeriesNumber=4, AcquisitionDate="20240301", spacing=(2.0, 0.5))
    _series(tmp_path, 4, 1, SeriesDate="none")
    described = [(series_title(item), series_details(item)) for item in list_series(tmp_path)]
    assert described == [
        ("T1", "MR, axial, 1 image of 32 x 24, 1 x 1 mm"),
        ("2: T1", "MR, axial, 4 images of 32 x 24, 1 x 1 x 3 mm, 2024-03-01 10:22"),
        ("3: T1", "MR, sagittal, 4 images of 32 x 24, 1 x 1 x 3 mm, 2024-03-01 10:22"),
        ("4: T1", "MR, coronal, 5 images of 32 x 24, 0.5 x 2 mm, 2024-03-01"),
    ]


def test_stacks_of_one_series_are_numbered(tmp_path):
    _series(tmp_path, 1, 3)
    for path in tmp_path.iterdir():
        path.rename(path.with_name(f"a{path.name}"))
    _series(tmp_path, 1, 3, _SAGITTAL)
    titles = [series_title(item) for item in list_series(tmp_path)]
    assert titles == ["T1 (stack 1)", "T1 (stack 2)"]
