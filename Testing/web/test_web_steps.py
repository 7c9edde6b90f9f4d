"""Steps of the work in a real browser: suggestions, prompts, undo across a change of window, a worker that dies."""

import re

import numpy as np

from Testing.web.images import write_ball
from Testing.web.pages import ANSWER

_INSIDE_BALL = (0.5, 0.45)


def _prompt_count(tab):
    return tab.page.get_by_role("button", name="Remove this prompt").count()


def _click(tab, at, *keys):
    before = _prompt_count(tab)
    tab.click("Red", at, *keys)
    tab.wait_until(lambda: _prompt_count(tab) == before + 1, "the click made no prompt")
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")


def _suggestion(tab):
    """The number of the suggestion that is shown."""
    return int(tab.page.locator(".samsegment-suggestion").get_by_text(ANSWER).inner_text()[0])


def _choose_window(tab, title):
    tab.open_section("Model")
    tab.page.locator(".v-select", has_text="Grey values").click()
    tab.page.get_by_role("option", name=title).click()
    _wait_for_window(tab, title)


def _wait_for_window(tab, title):
    tab.page.locator(".v-select", has_text="Grey values").get_by_text(title).wait_for()


def test_another_suggestion_is_taken_by_its_button_and_undo_takes_the_first_again(tab, tmp_path):
    _click(tab, _INSIDE_BALL)
    first, voxels = _suggestion(tab), tab.voxels(tmp_path)
    other = 1 + first % 3
    tab.page.locator(".samsegment-suggestion").nth(other - 1).click()
    tab.wait_until(lambda: tab.page.get_by_text(re.compile(rf"^{other}: \d+ %$")).count() > 0, "it was not taken")
    assert _suggestion(tab) == other
    assert not np.array_equal(tab.voxels(tmp_path), voxels)
    tab.button("Undo").click()
    tab.wait_until(lambda: tab.page.get_by_text(re.compile(rf"^{first}: \d+ %$")).count() > 0, "it was not undone")
    assert np.array_equal(tab.voxels(tmp_path), voxels)


def test_the_prompt_beside_the_button_is_removed_and_the_others_are_answered_alone(tab, tmp_path):
    _click(tab, _INSIDE_BALL)
    voxels = tab.voxels(tmp_path)
    _click(tab, (0.5, 0.52), "Control")
    assert not np.array_equal(tab.voxels(tmp_path), voxels)
    line = tab.page.locator(".v-list-item", has_text="Outside at")
    line.get_by_role("button", name="Remove this prompt").click()
    line.wait_for(state="detached")
    assert tab.page.get_by_text(re.compile("^Inside at")).count() == 1
    tab.wait_until(lambda: np.array_equal(tab.voxels(tmp_path), voxels), "the mask is not the first click's")


def test_nothing_that_was_done_before_another_window_is_undone_afterwards(tab, tmp_path):
    _click(tab, _INSIDE_BALL)
    tab.open_section("Correct by hand")
    tab.page.locator(".v-btn:has(.mdi-brush)").click()
    tab.drag("Red", (0.1, 0.3), (0.2, 0.3))
    tab.button("Inside").click()
    _click(tab, (0.5, 0.55))
    _choose_window(tab, "All values")
    tab.wait_until(tab.button("Undo").is_disabled, "what went with the window can be undone")
    voxels = tab.voxels(tmp_path)
    tab.page.keyboard.press("Control+z")
    tab.page.wait_for_timeout(500)
    assert _prompt_count(tab) == 2
    assert np.array_equal(tab.voxels(tmp_path), voxels)
    _click(tab, (0.45, 0.45))
    tab.button("Undo").click()
    tab.wait_until(lambda: _prompt_count(tab) == 2, "a click in the other window is not undone")
    assert np.array_equal(tab.voxels(tmp_path), voxels)


def test_the_page_shows_the_window_of_prompts_that_are_opened_and_a_new_image_has_its_own(tab, tmp_path):
    _choose_window(tab, "CT lung")
    _click(tab, _INSIDE_BALL)
    prompts = tab.save("Prompts (.json)", tmp_path / "prompts.json")
    tab.open_files(write_ball(tmp_path / "again.nii.gz"))
    tab.wait_for_volume("again")
    _wait_for_window(tab, "Automatic")
    automatic = tab.picture("Red").astype(int)
    tab.open_files(prompts)
    tab.message("are done again")
    _wait_for_window(tab, "CT lung")
    assert np.abs(tab.picture("Red") - automatic).mean() > 5, "the views keep the other grey values"


def test_a_worker_that_is_killed_amid_propagation_is_started_again_and_propagates(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "fine.nii.gz", finer=4))
    tab.wait_for_volume("fine")
    _click(tab, _INSIDE_BALL)
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile(r"^Slice \d+; \d+ done")).wait_for()
    (worker,) = viewer.children()
    worker.kill()
    assert tab.message("started again").endswith(".")
    tab.close_message()
    tab.button("Propagate").wait_for()
    assert _prompt_count(tab) == 1
    assert tab.voxels(tmp_path).any()
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile(r"^Slice \d+; \d+ done|^Done: ")).wait_for()
    assert [child.pid for child in viewer.children()] not in ([], [worker.pid])


def _propagate(tab, then):
    tab.button("Propagate").click()
    tab.page.get_by_text(then).wait_for()


def _slices(tab, folder):
    return set(np.flatnonzero(tab.voxels(folder).any(axis=(1, 2))).tolist())


def test_a_click_in_a_propagated_slice_corrects_it_and_leaves_its_neighbours(tab, tmp_path):
    _click(tab, _INSIDE_BALL)
    _propagate(tab, re.compile(r"^Done: \d+ slices were made\. The segment is in slices \d+ to \d+, .* ml"))
    before = tab.voxels(tmp_path)
    tab.page.keyboard.press("d")
    tab.page.get_by_text(re.compile(r"^Axial slice \d+: \d+ % sure")).wait_for()
    tab.click("Red", _INSIDE_BALL)
    tab.page.get_by_text(re.compile("^Box at")).wait_for()
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.page.get_by_text(re.compile(r"slices? (is|are) from before a change: propagate again")).wait_for()
    after = tab.voxels(tmp_path)
    (changed,) = set(np.flatnonzero((before != after).any(axis=(1, 2))).tolist()) or {None}
    if changed is not None:
        assert after[changed].sum() > before[changed].sum() / 2, "the click began from nothing"


def test_slices_of_the_window_before_stay_until_they_are_propagated_again_and_go_then(tab, tmp_path):
    _click(tab, _INSIDE_BALL)
    _propagate(tab, re.compile("^Done"))
    before = _slices(tab, tmp_path)
    _choose_window(tab, "All values")
    tab.page.get_by_text(re.compile(rf"{len(before) - 1} slices are from before a change")).wait_for()
    assert _slices(tab, tmp_path) == before
    for _ in range(2):
        tab.page.mouse.move(*tab.place("Red", _INSIDE_BALL))
        tab.page.mouse.wheel(0, -100)
        tab.page.wait_for_timeout(300)
    tab.page.get_by_text("End before the slice in view").click()
    tab.page.get_by_text(re.compile("^It ends before")).wait_for()
    (stop,) = map(int, re.findall(r"\d+", tab.page.get_by_text(re.compile("^It ends before")).inner_text()))
    assert stop in before, "the stop is not within the segment"
    _propagate(tab, re.compile("^Done"))
    left = _slices(tab, tmp_path)
    assert stop not in left
    assert left < before
