"""What lies over the page, what is hidden in it, and what is said when its connection is cut."""

import nibabel
import numpy as np
import pytest

from Testing.web.images import BALL_SHAPE, write_ball
from Testing.web.pages import ANSWER, ViewerPage

# Where every WebSocket of a page is found, to cut it as a network would.
_KEEP_SOCKETS = """
const Plain = window.WebSocket;
window.sockets = [];
window.WebSocket = class extends Plain { constructor(...given) { super(...given); window.sockets.push(this); } };
"""


def _is_pressed(tab, tool):
    return tab.button(tool).get_attribute("aria-pressed") == "true"


def test_escape_that_closes_help_or_a_menu_leaves_the_tool_as_it_was(tab):
    tab.wait_until(lambda: _is_pressed(tab, "Inside"), "clicks are not inside at the start")
    tab.page.keyboard.press("?")
    help_text = tab.page.get_by_text("next doubtful slice", exact=True)
    help_text.wait_for()
    tab.page.keyboard.press("Escape")
    help_text.wait_for(state="hidden")
    tab.button("Save").click()
    kind = tab.page.get_by_text("Labelmap (.nii.gz)")
    kind.wait_for()
    tab.page.keyboard.press("Escape")
    kind.wait_for(state="hidden")
    tab.page.wait_for_timeout(500)
    assert _is_pressed(tab, "Inside")
    tab.page.keyboard.press("Escape")
    tab.wait_until(lambda: _is_pressed(tab, "Off"), "Escape does not end the tool any more")


def test_a_click_shows_the_segment_that_was_hidden(tab):
    tab.button("Show or hide").click()
    eye = tab.page.locator(".mdi-eye-off-outline")
    eye.wait_for()
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    eye.wait_for(state="detached")


def test_the_list_shows_the_first_of_many_segments_that_were_opened(tab, tmp_path):
    labels = np.zeros(BALL_SHAPE, dtype=np.int16)
    labels[0, 0, :40] = np.arange(1, 41)
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(labels.T, affine), tmp_path / "labels.nii.gz")
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    for _ in range(8):
        tab.button("Add segment").click()
    tab.page.set_input_files("#samsegment-segmentation", str(tmp_path / "labels.nii.gz"))
    tab.message("40 segments of labels.nii.gz added")
    name = tab.page.get_by_label("Name of the segment")
    tab.wait_until(lambda: name.input_value() == "label 1", "the first one is not chosen")

    def is_in_list():
        line, shown = name.bounding_box(), tab.page.locator(".v-list", has=name).bounding_box()
        return shown["y"] <= line["y"] + line["height"] / 2 <= shown["y"] + shown["height"]

    tab.wait_until(is_in_list, "the list does not scroll to it", 10)


@pytest.mark.parametrize("values", [(0, 1), (-1000, 1000)])
def test_grey_values_have_as_many_digits_as_tell_them_apart(viewer, new_tab, tmp_path, values):
    array = np.random.default_rng(7).uniform(*values, (32, 32, 8)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "grey.nii.gz")
    tab = new_tab(viewer.address)
    tab.open_files(tmp_path / "grey.nii.gz")
    tab.page.locator(".v-app-bar").get_by_text("grey", exact=True).wait_for()
    tab.open_section("Display")
    fields = [tab.page.get_by_label(f"{end} grey value") for end in ("Lower", "Upper")]
    fields[0].wait_for()
    texts = [field.input_value() for field in fields]
    low, high = map(float, texts)
    assert 0.1 < (high - low) / (values[1] - values[0]) < 1.2
    assert any("." in text for text in texts) == (values[1] == 1)


def test_a_cut_connection_is_said_and_reloading_brings_everything_back(viewer, chromium_browser, tmp_path):
    with chromium_browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.add_init_script(_KEEP_SOCKETS)
        tab = ViewerPage(context.new_page(), viewer.address)
        tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
        tab.wait_for_volume("ball")
        tab.page.evaluate("window.sockets.forEach((socket) => socket.close())")
        gone = tab.page.locator("#samsegment-gone", has_text="Reload this page; nothing is lost.")
        gone.wait_for()
        tab.reload()
        tab.wait_for_volume("ball")
        assert gone.count() == 0
