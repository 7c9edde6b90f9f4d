"""Where a DICOM Segmentation's own functional groups put its pixels in the patient, read by pydicom alone."""

import numpy as np
import pydicom
import pytest
from scipy.spatial import cKDTree

from SAMSegmentLib.geometry import apply_transform
from SAMSegmentLib.io.dicom import read_dicom
from SAMSegmentLib.io.dicom_seg import write_dicom_seg
from SAMSegmentLib.segments import Segment
from Testing.dicom_factory import numbered, write_series

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def _written_frames(path):
    """(4x4 from column, row to RAS; pixels) of each frame, from the file's attributes only (PS3.3 C.7.6.16.2)."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for item, mask in zip(dataset.PerFrameFunctionalGroupsSequence, pixels, strict=True):

        def macro(name, item=item):
            return (item.get(name) or shared[name].value)[0]

        lps = np.eye(4)
        cosines = np.array(macro("PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
        between_rows, between_columns = map(float, macro("PixelMeasuresSequence").PixelSpacing)
        lps[:3, 0], lps[:3, 1] = cosines[:3] * between_columns, cosines[3:] * between_rows
        lps[:3, 3] = macro("PlanePositionSequence").ImagePositionPatient
        yield LPS_TO_RAS @ lps, mask.astype(bool)


def _require_same_places(volume, mask, path):
    voxels = apply_transform(volume.ijk_to_ras, np.argwhere(mask)[:, ::-1])
    pixels = []
    for pixel_to_ras, seen in _written_frames(path):
        rows, columns = np.nonzero(seen)
        pixels.append(apply_transform(pixel_to_ras, np.stack([columns, rows, 0 * rows], axis=1)))
    places = np.concatenate(pixels)
    assert len(places) == len(voxels)
    distances, partners = cKDTree(voxels).query(places)
    assert distances.max() < 1e-3
    assert len(set(partners)) == len(voxels)


@pytest.mark.parametrize(
    "name",
    [
        "dicom-mr-hitachi-oblique",
        "dicom-noise-mr-nonsquare-pixels",
        "dicom-ct-enhanced-multiframe",
        "dicom-mr-enhanced-multiframe/emri_small",
    ],
)
def test_pixels_lie_where_the_voxels_of_the_mask_lie(shared_data, tmp_path, name):
    volume = read_dicom(shared_data / name)
    mask = np.random.default_rng(0).random(volume.array.shape) < 0.02
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("dots", (255, 0, 0), mask)])
    _require_same_places(volume, mask, tmp_path / "out.dcm")


def test_pixels_lie_on_the_voxels_also_where_direction_cosines_were_corrected(tmp_path):
    write_series(tmp_path / "ct", numbered(3, (64, 48)), orientation=(0.992, 0, 0, 0, 0.992, 0))
    volume = read_dicom(tmp_path / "ct")
    mask = np.random.default_rng(0).random(volume.array.shape) < 0.1
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("dots", (255, 0, 0), mask)])
    _require_same_places(volume, mask, tmp_path / "out.dcm")


def test_pixels_of_a_tilted_series_show_the_voxel_that_lies_at_their_place(shared_data, tmp_path):
    volume = read_dicom(shared_data / "dicom-ct-tilt-variable-spacing-ge")
    mask = np.random.default_rng(0).random(volume.array.shape) < 0.5
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("noise", (255, 0, 0), mask)])
    frames = list(_written_frames(tmp_path / "out.dcm"))
    assert len(frames) == len(volume.source_frames)
    for pixel_to_ras, seen in frames:
        rows, columns = np.indices(seen.shape).reshape(2, -1)
        pixels = np.stack([columns, rows, 0 * rows], axis=1)
        ijk = apply_transform(volume.ras_to_ijk @ pixel_to_ras, pixels)
        nearest = np.rint(ijk).astype(int)
        # Which voxel is the nearest is rounding's choice halfway between two.
        clear = (np.abs(np.abs(ijk - nearest) - 0.5) > 1e-3).all(axis=1)
        inside = ((nearest >= 0) & (nearest < volume.shape_ijk)).all(axis=1)
        assert (clear & inside).sum() > 0.9 * seen.size
        i, j, k = nearest[clear & inside].T
        np.testing.assert_array_equal(seen.ravel()[clear & inside], mask[k, j, i])
        assert not seen.ravel()[clear & ~inside].any()
