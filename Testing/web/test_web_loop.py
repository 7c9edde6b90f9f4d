"""The whole use in a real browser: open, click, correct, box, propagate, cancel, undo, save; what the files hold."""

import json
import re

import nrrd
import numpy as np
import pytest

from Testing.web.images import BALL_CENTER, ball_mask, write_ball
from Testing.web.pages import ANSWER

# Places in the axial view, which is higher than wide: the slice fills its width.
_INSIDE_BALL = (0.5, 0.45)
_AROUND_BALL = (0.25, 0.345), (0.75, 0.655)


@pytest.fixture(scope="module")
def ball(tmp_path_factory):
    return write_ball(tmp_path_factory.mktemp("ball") / "ball.nii.gz")


@pytest.fixture
def tab(viewer, new_tab, ball):
    """The ball is open, with nothing segmented yet."""
    tab = new_tab(viewer.address)
    tab.open_files(ball)
    tab.wait_for_volume("ball")
    tab.wait_until(lambda: _slice_text(tab) == "Axial slice 12 of 0 to 23", "the middle slice is not shown")
    return tab


def _slice_text(tab):
    return tab.page.locator("#samsegment-slice").inner_text()


def _dice(mask, other):
    return 2 * np.count_nonzero(mask & other) / max(1, np.count_nonzero(mask) + np.count_nonzero(other))


def _coloured(picture):
    """Pixels that are not grey: of a mask, an outline or a prompt."""
    spread = picture.max(axis=-1).astype(int) - picture.min(axis=-1)
    return spread > 40


def _prompt_count(tab):
    return tab.page.get_by_role("button", name="Remove this prompt").count()


def _click_and_wait(tab, view, at, *keys):
    before = _prompt_count(tab)
    tab.click(view, at, *keys)
    tab.wait_until(lambda: _prompt_count(tab) == before + 1, "the click made no prompt")
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")


def test_a_click_shows_a_mask_in_the_view_and_in_the_voxels(tab, tmp_path):
    empty = np.count_nonzero(_coloured(tab.picture("Red")))
    _click_and_wait(tab, "Red", _INSIDE_BALL)
    tab.wait_until(lambda: np.count_nonzero(_coloured(tab.picture("Red"))) > empty + 2000, "no mask is drawn")
    voxels = tab.voxels(tmp_path)
    assert set(np.flatnonzero(voxels.any(axis=(1, 2)))) == {BALL_CENTER[2]}
    found = voxels[BALL_CENTER[2]]
    assert np.count_nonzero(found) > 100
    assert not (found & ~ball_mask()[BALL_CENTER[2]]).any()


def test_a_click_in_each_view_makes_a_mask_in_a_slice_of_its_orientation(tab, tmp_path):
    for view, axis in (("Red", 0), ("Green", 1), ("Yellow", 2)):
        _click_and_wait(tab, view, (0.5, 0.47))
        voxels = tab.voxels(tmp_path)
        across = tuple(other for other in range(3) if other != axis)
        assert voxels.any(axis=across).sum() == 1, f"{view}: {_slice_text(tab)}"
        tab.button("Undo").click()
        tab.wait_until(lambda: _prompt_count(tab) == 0, "the click was not undone")


def test_a_prompt_that_is_dragged_is_answered_anew(tab):
    _click_and_wait(tab, "Red", _INSIDE_BALL)
    before = tab.page.get_by_text(re.compile("^Inside at")).inner_text()
    tab.drag("Red", _INSIDE_BALL, (0.6, 0.55))
    tab.wait_until(
        lambda: tab.page.get_by_text(re.compile("^Inside at")).inner_text() != before, "the prompt stays where it was"
    )
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.button("Undo").click()
    tab.page.get_by_text(before).wait_for()


@pytest.mark.parametrize(("tool", "keys"), [("Outside", ()), ("Inside", ("Control",))])
def test_a_negative_click_takes_away_what_it_is_on(tab, tmp_path, tool, keys):
    tab.button("Box").click()
    tab.drag("Red", (0.1, 0.25), (0.9, 0.75))
    tab.wait_until(lambda: _prompt_count(tab) == 1, "the drag made no box")
    before = tab.voxels(tmp_path)[BALL_CENTER[2]]
    tab.button(tool).click()
    _click_and_wait(tab, "Red", (0.5, 0.35), *keys)
    text = tab.page.get_by_text(re.compile("^Outside at")).inner_text()
    i, j, k = (int(part) for part in re.findall(r"\d+", text))
    assert before[j, i], "the click was beside the mask"
    assert k == BALL_CENTER[2]
    after = tab.voxels(tmp_path)[BALL_CENTER[2]]
    assert not after[j, i]
    assert np.count_nonzero(after) < np.count_nonzero(before)


def test_a_box_segments_what_is_in_it_and_undo_takes_it_back(tab, tmp_path):
    empty = np.count_nonzero(_coloured(tab.picture("Red")))
    tab.button("Box").click()
    tab.drag("Red", *_AROUND_BALL)
    tab.page.get_by_text(re.compile("^Box at")).wait_for()
    tab.wait_until(lambda: np.count_nonzero(_coloured(tab.picture("Red"))) > empty + 2000, "no mask is drawn")
    assert _dice(tab.voxels(tmp_path)[BALL_CENTER[2]], ball_mask()[BALL_CENTER[2]]) > 0.9
    tab.page.keyboard.press("Control+z")
    tab.wait_until(lambda: np.count_nonzero(_coloured(tab.picture("Red"))) < empty + 500, "the mask stays after undo")
    assert _prompt_count(tab) == 0
    tab.button("Redo").click()
    tab.wait_until(lambda: np.count_nonzero(_coloured(tab.picture("Red"))) > empty + 2000, "redo brings no mask back")


def test_propagation_fills_the_ball_and_the_saved_files_give_it_again(tab, ball, tmp_path):
    tab.button("Box").click()
    tab.drag("Red", *_AROUND_BALL)
    tab.page.get_by_text(re.compile("^Box at")).wait_for()
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile("^Done: ")).wait_for()
    voxels = tab.voxels(tmp_path)
    assert _dice(voxels, ball_mask()) > 0.85

    segmentation, header = nrrd.read(tab.save("Segmentation for 3D Slicer", tmp_path / "saved.seg.nrrd"))
    assert np.array_equal(_on_grid(segmentation, header, voxels.shape), voxels)
    prompts = json.loads(tab.save("Prompts (.json)", tmp_path / "prompts.json").read_text())
    assert [len(item["boxes"]) for item in prompts["segments"][0]["prompts"]] == [1]
    assert prompts["segments"][0]["propagate"]

    tab.open_files(ball)  # another session on the same image
    tab.wait_until(lambda: _prompt_count(tab) == 0, "the image was not opened anew")
    tab.open_files(tmp_path / "prompts.json")
    tab.message("are done again")
    assert np.array_equal(tab.voxels(tmp_path), voxels)


def _on_grid(segmentation, header, shape):
    """A saved segmentation [i, j, k] on the image's grid, as bool [k, j, i]."""
    assert segmentation.shape[::-1] == shape, header
    return segmentation.T > 0


def test_a_doubtful_slice_is_shown_and_can_be_accepted(tab):
    _click_and_wait(tab, "Red", _INSIDE_BALL)
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile("^Done: ")).wait_for()
    tab.button("Next doubtful slice").click()
    hint = tab.page.get_by_text(re.compile(r"Axial slice \d+: \d+ % sure"))
    hint.wait_for()
    index = re.search(r"slice (\d+):", hint.inner_text()).group(1)
    tab.wait_until(lambda: _slice_text(tab) == f"Axial slice {index} of 0 to 23", "the view did not go there")
    tab.button("Accept slice").click()
    tab.button("Release slice").wait_for()
    hint.wait_for(state="detached")  # nobody doubts it any more


def test_a_cancelled_propagation_keeps_what_it_has_and_undo_takes_it_away(tab, tmp_path):
    tab.open_files(write_ball(tmp_path / "fine.nii.gz", finer=4))  # which takes long enough to be stopped
    tab.wait_for_volume("fine")
    _click_and_wait(tab, "Red", _INSIDE_BALL)
    one_slice = tab.voxels(tmp_path)
    tab.page.get_by_label("Look again from the sides").check()
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile(r"^Slice \d+; \d+ done")).wait_for()
    tab.button("Cancel").click()
    tab.page.get_by_text(re.compile("^Stopped; ")).wait_for()
    kept = tab.voxels(tmp_path)
    reached, whole = (np.flatnonzero(mask.any(axis=(1, 2))) for mask in (kept, ball_mask().repeat(4, 0)))
    assert 1 < len(reached) < len(whole), "either nothing was made, or it was not stopped"
    assert np.array_equal(tab.voxels(tmp_path), kept), "it goes on, or what was made does not stay"
    tab.button("Undo").click()
    tab.wait_until(lambda: np.array_equal(tab.voxels(tmp_path), one_slice), "undo leaves propagated slices")


def test_a_hand_correction_is_undone_before_the_click_that_it_followed(tab, tmp_path):
    _click_and_wait(tab, "Red", _INSIDE_BALL)
    clicked = tab.voxels(tmp_path)
    tab.open_section("Correct by hand")
    tab.page.locator(".v-btn:has(.mdi-brush)").click()
    tab.drag("Red", (0.1, 0.3), (0.2, 0.3))
    tab.wait_until(lambda: np.count_nonzero(tab.voxels(tmp_path)) > np.count_nonzero(clicked), "nothing was painted")
    painted = tab.voxels(tmp_path) ^ clicked
    assert len(np.flatnonzero(painted.any(axis=(1, 2)))) == 1, "a stroke changes slices that it is not drawn in"
    tab.button("Undo").click()
    tab.wait_until(lambda: np.array_equal(tab.voxels(tmp_path), clicked), "undo did not take the paint back")
    tab.button("Undo").click()
    tab.wait_until(lambda: _prompt_count(tab) == 0, "undo did not take the click back")
