"""What the page says: of slices without prompts, under the mouse, in messages and questions, and when it has ended."""

import re

import numpy as np
import pytest
from trame_server.state import State

from SAMSegmentLib.segmentstate import SliceMask
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.prompt_control import origin_of
from Testing.web.images import real_scan, write_ball
from Testing.web.pages import ANSWER
from Testing.web.viewers import ViewerProcess

_BITS = np.packbits(np.ones((2, 2), dtype=bool))


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (None, "No prompts in this slice yet."),
        (SliceMask(_BITS, (2, 2), confidence=0.404), "Propagated, 40 % sure. A click corrects it."),
        (
            SliceMask.outdated(np.ones((2, 2), dtype=bool), 0.9),
            "Propagated before a change, 90 % sure. A click corrects it.",
        ),
        (SliceMask.outdated(np.ones((2, 2), dtype=bool)), "Propagated before a change. A click corrects it."),
        (SliceMask.given(np.ones((2, 2), dtype=bool)), "Accepted: it stays as it is."),
    ],
)
def test_a_slice_without_prompts_says_where_its_mask_comes_from(mask, said):
    assert origin_of(mask) == said


def test_each_message_has_a_time_of_its_own_even_when_it_says_the_same():
    state = State()
    messages = Messages(state)
    messages.fail("No.")
    first = state["PageState__message_number"]
    messages.fail("No.")
    assert state["PageState__message_number"] != first


def _tooltip(tab, widget):
    """What is shown while the mouse rests on a widget."""
    widget.scroll_into_view_if_needed()
    tab.page.mouse.move(900, 500)
    widget.hover()
    shown = tab.page.locator(".v-tooltip.v-overlay--active .v-overlay__content")
    shown.wait_for()
    return shown.inner_text()


@pytest.mark.parametrize(
    ("section", "buttons", "switches"),
    [
        ("Prompts", ["Clear slice", "Accept slice"], ["Preview under the mouse"]),
        ("Through the volume", ["Propagate"], ["Look again from the sides", "Keep only what is", "Fill holes"]),
        ("Model", ["Prepare all slices", "Pause preparing"], []),
    ],
)
def test_controls_say_under_the_mouse_what_they_do(tab, section, buttons, switches):
    tab.click("Red", (0.5, 0.45))  # without a prompt there is nothing to clear
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.open_section(section)
    widgets = [tab.button(name) for name in buttons]
    widgets += [tab.page.locator(".v-switch", has_text=label) for label in switches]
    said = [_tooltip(tab, widget) for widget in widgets]
    assert len(set(said)) == len(widgets)
    assert all(len(text.split()) >= 5 for text in said), "it says no more than the control itself"


def test_a_message_leaves_the_sliders_free_and_an_error_goes_unless_the_mouse_is_on_it(tab):
    for width in (1280, 700):
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.page.wait_for_timeout(500)
        if width == 700:
            tab.button("Panel").click()
        tab.button("Propagate").click()  # from nothing
        tab.message()
        box = tab.page.locator(".v-snackbar__wrapper").bounding_box()
        slider = tab.page.locator(".slice-slider").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] < slider["y"] - 100
        assert box["height"] < 160
    text = tab.page.locator("#samsegment-message")
    text.hover()
    tab.page.wait_for_timeout(14_000)
    assert text.is_visible()
    tab.page.mouse.move(500, 600)
    text.wait_for(state="hidden", timeout=20_000)


def test_frames_are_counted_and_none_of_them_has_to_be_opened(tab):
    tab.open_files(real_scan())
    tab.page.get_by_text("Frame 1 of 2").wait_for()
    tab.page.locator(".v-dialog .v-slider-thumb").press("ArrowRight")
    tab.page.get_by_text("Frame 2 of 2").wait_for()
    tab.button("Cancel").click()
    tab.page.get_by_text("Several 3D frames: which one?").wait_for(state="hidden")
    assert tab.page.locator(".v-app-bar").get_by_text("ball", exact=True).is_visible()


def test_help_and_panel_tell_what_a_click_corrects_and_what_has_to_be_accepted(tab):
    tab.page.keyboard.press("Shift+?")
    for sentence in ("a click corrects what is there", "Ctrl and wheel", "the brush's size"):
        tab.page.get_by_text(re.compile(sentence)).wait_for()
    tab.button("Close").click()
    tab.open_section("Correct by hand")
    tab.page.get_by_text(re.compile(r"Accept a corrected slice \(A\) for propagation to start from it")).wait_for()


def test_the_page_of_a_viewer_that_has_ended_hides_what_was_there_and_says_how_to_go_on(home, new_tab, tmp_path):
    with ViewerProcess(str(write_ball(tmp_path / "ball.nii.gz")), home=home) as viewer:
        tab = new_tab(viewer.address)
        tab.wait_for_volume("ball")
        viewer.stop()
        gone = tab.page.locator("#samsegment-gone", has_text="Start it again the way you started it")
        gone.wait_for()
        assert "offered again" in gone.inner_text()
        assert gone.evaluate("box => getComputedStyle(box).backgroundColor") == "rgb(18, 18, 18)"
        # A scroll bar would take some of the width.
        assert tab.page.evaluate("document.documentElement.clientWidth === window.innerWidth")
