"""Tools by hand: sizes that nobody could wait for are refused, and numbers have their units."""

import re

import pytest
from trame_slicer.app.ui import SmoothingEffectMode

from SAMSegmentWeb.smoothing_limits import LEAST_MM, MOST_MM, limited_mm, most_mm
from Testing.web.images import BALL_SPACING, write_ball
from Testing.web.pages import ANSWER

_MEDIAN, _GAUSSIAN = SmoothingEffectMode.MEDIAN, SmoothingEffectMode.GAUSSIAN


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def test_smoothing_reaches_less_far_in_a_larger_image():
    small, large, huge = (64, 64, 24), (256, 256, 96), (2048, 2048, 2048)
    for mode in (_MEDIAN, _GAUSSIAN):
        sizes = [most_mm(mode, shape, (0.5, 0.5, 0.5)) for shape in (small, large, huge)]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] == LEAST_MM
        assert sizes[1] < MOST_MM
    assert most_mm(_MEDIAN, small, (5.0, 5.0, 5.0)) == MOST_MM


@pytest.mark.parametrize(
    ("value", "limited"), [(999, 5.0), (-5, 0.1), (0, 0.1), (3, 3.0), (None, 0.1), ("3", 0.1), (float("nan"), 0.1)]
)
def test_a_size_is_within_the_limits_whatever_is_typed(value, limited):
    assert limited_mm(value, 5.0) == limited


def _open_tool(tab, icon):
    tab.open_section("Correct by hand")
    tab.page.locator(f".v-btn:has(.mdi-{icon})").click()


def _wait_for_mask(tab):
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")


def test_a_kernel_that_takes_minutes_is_limited_and_the_page_says_that_it_is_at_work(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "fine.nii.gz", finer=4))
    tab.wait_for_volume("fine")
    _wait_for_mask(tab)
    _open_tool(tab, "square-rounded-outline")
    field = tab.page.get_by_label("Kernel size (mm)")
    state = "window.trame.state.get('SmoothingState__kernel_size')"
    # Past the field, which has limits of its own.
    tab.page.evaluate("window.trame.state.set('SmoothingState__kernel_size', 999)")
    sentence = tab.message("The kernel size can be 0.1 to")
    most = float(re.search(r"to ([\d.]+) mm", sentence).group(1))
    assert most < 20
    tab.wait_until(lambda: tab.page.evaluate(state) == most, "it is not limited")
    for typed, taken in (("-5", 0.1), ("0", 0.1), ("0.5", 0.5), ("999", most)):
        field.press("Control+a")
        field.press_sequentially(typed)
        field.press("Tab")
        tab.wait_until(lambda taken=taken: tab.page.evaluate(state) == taken, f"{typed} is not limited to {taken}")
    tab.page.locator(".v-btn", has_text="Apply").click()
    tab.page.locator("#samsegment-busy").wait_for(state="visible")  # some time after the click
    tab.page.locator("#samsegment-busy").wait_for(state="detached")
    assert tab.button("Undo").is_enabled()


def test_the_brush_has_a_size_in_mm_and_the_threshold_shows_its_range(tab):
    _wait_for_mask(tab)
    _open_tool(tab, "brush")
    size = tab.page.locator(".samsegment-brush:visible")
    size.get_by_text(re.compile(rf"is {8 * min(BALL_SPACING):g} mm wide")).wait_for()
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.5)))
    tab.page.keyboard.down("Shift")
    tab.page.mouse.wheel(0, -120)
    tab.page.keyboard.up("Shift")
    tab.wait_until(lambda: "is 8 mm" not in size.inner_text(), "Shift and the wheel do not change it")
    _open_tool(tab, "auto-fix")
    text = tab.page.locator("#samsegment-threshold").inner_text()
    low, high = map(float, re.fullmatch(r"From (\S+) to (\S+)", text).groups())
    assert low < high


def test_a_stroke_is_as_wide_as_the_brush_says(tab, tmp_path):
    _open_tool(tab, "brush")
    tab.page.locator(".samsegment-brush:visible", has_text="is 8 mm wide").wait_for()
    tab.click("Red", (0.5, 0.5))
    tab.wait_until(tab.button("Undo").is_enabled, "nothing was painted")
    _, rows, columns = tab.voxels(tmp_path).nonzero()
    assert abs(rows.max() - rows.min() + 1 - 8) <= 1
    assert abs(columns.max() - columns.min() + 1 - 8) <= 1
