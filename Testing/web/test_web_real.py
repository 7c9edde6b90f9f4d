"""The whole use on a real brain scan: click, box, propagate, cancel, undo, save, and open the prompts again."""

import re

import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from SAMSegmentLib.io.read import read_volume
from Testing.web.images import real_scan
from Testing.web.pages import ANSWER

_INSIDE_BRAIN = (0.5, 0.45)
_AT_EDGE_OF_BRAIN = (0.33, 0.45)
_AROUND_BRAIN = (0.25, 0.3), (0.75, 0.72)


@pytest.fixture
def tab(viewer, new_tab):
    tab = new_tab(viewer.address)
    _open(tab)
    return tab


def _open(tab):
    tab.open_files(real_scan())
    tab.button("Open this frame").click()
    tab.wait_for_volume("example4d")


def _brain(volume):
    """What is brighter than Otsu's threshold and hangs together, its holes filled; bool [k, j, i]."""
    bright = SimpleITK.GetArrayFromImage(SimpleITK.OtsuThreshold(SimpleITK.GetImageFromArray(volume.array), 0, 1)) > 0
    parts, _ = ndimage.label(bright)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return ndimage.binary_fill_holes(parts == sizes.argmax())


def _dice(mask, other):
    return 2 * np.count_nonzero(mask & other) / (np.count_nonzero(mask) + np.count_nonzero(other))


def _slices(mask):
    return np.flatnonzero(mask.any(axis=(1, 2)))


def _wait_for_prompt(tab, kind):
    """Until a prompt of this kind is answered; the voxels that it names."""
    text = tab.page.get_by_text(re.compile(f"^{kind} at")).inner_text()
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    return [int(part) for part in re.findall(r"\d+", text)]


def test_a_brain_is_segmented_through_the_scan_and_its_files_lie_on_it(tab, tmp_path):
    volume = read_volume(real_scan(), frame=0)
    brain = _brain(volume)
    tab.button("Box").click()
    tab.drag("Red", *_AROUND_BRAIN)
    _wait_for_prompt(tab, "Box")
    tab.button("Inside").click()
    tab.click("Red", _INSIDE_BRAIN)
    i, j, k = _wait_for_prompt(tab, "Inside")
    before = tab.voxels(tmp_path)
    tab.click("Red", _AT_EDGE_OF_BRAIN, "Control")
    outside = tuple(reversed(_wait_for_prompt(tab, "Outside")))
    clicked = tab.voxels(tmp_path)
    assert clicked[k, j, i]
    assert before[outside], "the click was beside the mask"
    assert not clicked[outside]
    assert list(_slices(clicked)) == [k]
    assert _dice(clicked[k], brain[k]) > 0.85

    tab.page.get_by_label("Look again from the sides").check()
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile(r"^Slice \d+; \d+ done")).wait_for()
    tab.button("Cancel").click()
    tab.page.get_by_text(re.compile("^Stopped; ")).wait_for()
    assert len(_slices(tab.voxels(tmp_path))) > 1
    tab.button("Undo").click()
    tab.wait_until(lambda: np.array_equal(tab.voxels(tmp_path), clicked), "undo leaves propagated slices")

    tab.page.get_by_label("Look again from the sides").uncheck()
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile("^Done: ")).wait_for()
    voxels = tab.voxels(tmp_path)
    assert _dice(voxels, brain) > 0.8
    assert voxels.shape == volume.array.shape
    assert np.allclose(nibabel.load(tmp_path / "saved.nii.gz").affine, volume.ijk_to_ras, atol=1e-3)

    tab.save("Prompts (.json)", tmp_path / "prompts.json")
    _open(tab)
    tab.page.get_by_text(re.compile("^Outside at")).wait_for(state="detached")
    tab.open_files(tmp_path / "prompts.json")
    tab.message("are done again")
    assert np.array_equal(tab.voxels(tmp_path), voxels)
