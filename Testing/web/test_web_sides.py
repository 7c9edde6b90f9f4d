"""Left is left: from the letters at a view's edges, through a click and the mask that is drawn, to the saved files."""

import nibabel
import nrrd
import numpy as np
import pytest

from Testing.web.images import SPOTS, write_spots
from Testing.web.pages import ANSWER

_WIDTH_MM = 64.0


def _letter_direction(tab, letter):
    """From the middle of the axial view towards a letter at its edge: (right, down), one of them 0."""
    view = tab.view("Red")
    item = view.locator("xpath=ancestor::*[contains(@class, 'layout-grid-item')][1]")
    letters = item.get_by_text(letter, exact=True).first.bounding_box()
    box = view.bounding_box()
    across = (letters["x"] + letters["width"] / 2 - box["x"]) / box["width"] - 0.5
    down = (letters["y"] + letters["height"] / 2 - box["y"]) / box["height"] - 0.5
    return np.array([np.sign(across), 0]) if abs(across) > abs(down) else np.array([0, np.sign(down)])


def _ras_to_pixel(tab):
    """From (R, A) in mm to (x, y) of the axial view's picture, by the letters: the slice fills the view's width."""
    height, width = tab.picture("Red").shape[:2]
    scale = width / (1.1 * _WIDTH_MM)  # a tenth of the view is left around the image
    left, front = _letter_direction(tab, "L"), _letter_direction(tab, "A")
    return lambda ras: np.array([width / 2, height / 2]) + scale * (front * ras[1] - left * ras[0])


def _drawn(tab, pixel_of, points):
    """Whether the mask's colour is drawn at points in RAS mm."""
    picture = tab.picture("Red").astype(int)
    columns, rows = np.array([pixel_of(point) for point in points]).round().astype(int).T
    pixels = picture[rows, columns]
    return pixels.max(axis=-1) - pixels.min(axis=-1) > 40


def _saved_points(mask, to_ras):
    """The RAS mm of a saved mask's voxels [i, j, k], sorted."""
    points = nibabel.affines.apply_affine(to_ras, np.argwhere(mask)).round(3)
    return points[np.lexsort(points.T)]


def _nrrd_to_ras(header):
    assert header["space"] == "left-posterior-superior"
    to_lps = np.eye(4)
    to_lps[:3, :3] = np.asarray(header["space directions"])[-3:].T
    to_lps[:3, 3] = header["space origin"]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ to_lps


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((1.0, 1.0, 2.0), id="stored from right to left"),
        pytest.param((-1.0, -1.0, 2.0), id="as DICOM stores it"),
        pytest.param((-1.0, 1.0, -2.0), id="mirrored"),
    ],
)
def test_a_click_beside_the_letter_L_segments_the_patients_left(viewer, new_tab, tmp_path, steps):
    tab = new_tab(viewer.address)
    tab.open_files(write_spots(tmp_path / "spots.nii.gz", np.diag([*steps, 1.0])))
    tab.wait_for_volume("spots")
    pixel_of = _ras_to_pixel(tab)
    (center, radius), (other, _) = SPOTS
    height, width = tab.picture("Red").shape[:2]
    tab.click("Red", tuple(pixel_of(center) / (width, height)))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.wait_until(lambda: _drawn(tab, pixel_of, [center]).all(), "no mask is drawn where the click was")
    assert not _drawn(tab, pixel_of, [other]).any()

    saved = nibabel.load(tab.save("Labelmap (.nii.gz)", tmp_path / "saved.nii.gz"))
    points = _saved_points(np.asarray(saved.dataobj) > 0, saved.affine)
    assert len(points) > 100
    assert np.linalg.norm(points[:, :2] - center[:2], axis=1).max() <= radius + 1
    drawn = _drawn(tab, pixel_of, points)
    assert drawn.mean() > 0.95, "what is drawn is not what is saved"

    segmentation, header = nrrd.read(tab.save("Segmentation for 3D Slicer", tmp_path / "saved.seg.nrrd"))
    assert np.allclose(_saved_points(segmentation > 0, _nrrd_to_ras(header)), points, atol=1e-2)
