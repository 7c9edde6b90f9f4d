"""The panel's other controls: segments, model, window, display, narrow windows."""

from Testing.web.images import coloured, write_ball
from Testing.web.pages import ANSWER


def _segment_count(tab):
    return tab.page.get_by_role("button", name="Remove the segment").count()


def _background(tab):
    """Mean grey value of a part of the axial view beside the ball."""
    picture = tab.picture("Red")
    rows, columns = picture.shape[:2]
    return picture[rows * 55 // 100 : rows * 65 // 100, columns * 3 // 100 : columns * 12 // 100].mean()


def test_segments_are_added_named_hidden_and_removed(tab):
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.wait_until(lambda: coloured(tab.picture("Red")) > 2000, "no mask is drawn")
    field = tab.page.get_by_label("Name of the segment")
    field.fill("spleen")
    field.press("Enter")
    tab.button("Add segment").click()
    tab.wait_until(lambda: _segment_count(tab) == 2, "no segment was added")
    tab.page.get_by_text("spleen").wait_for()
    tab.button("Show or hide").click()
    tab.wait_until(lambda: coloured(tab.picture("Red")) < 1000, "the hidden segment is still drawn")
    tab.button("Remove the segment").click()
    tab.button("Remove it").click()
    tab.wait_until(lambda: _segment_count(tab) == 1, "the segment was not removed")
    assert tab.page.locator(".v-list").get_by_text("spleen").count() == 0


def test_a_model_without_weights_is_refused_and_the_old_one_stays(tab):
    tab.open_section("Model")
    select = tab.page.locator(".v-select", has_text="Model").first
    select.click()
    tab.page.get_by_role("option", name="medsam_vit_b").click()
    assert "samsegment models download medsam_vit_b" in tab.message("medsam_vit_b")
    tab.close_message()
    assert "builtin" in select.inner_text()
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "the old model does not answer any more")


def test_another_window_changes_the_picture_and_keeps_the_prompts(tab):
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    before = _background(tab)
    tab.open_section("Model")
    tab.page.locator(".v-select", has_text="Grey values").click()
    tab.page.get_by_role("option", name="CT bone").click()
    tab.wait_until(lambda: _background(tab) > before + 20, "the picture is as it was")
    assert tab.page.get_by_text("Inside at").count() == 1


def test_all_slices_are_prepared_with_progress(tab):
    tab.open_section("Model")
    tab.button("Prepare all slices").click()
    tab.page.get_by_text("24 of 24 slices").wait_for()
    tab.button("Prepare all slices").wait_for()


def test_a_narrow_window_shows_one_view_and_the_panel_on_demand(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    tab.page.set_viewport_size({"width": 480, "height": 800})
    images = tab.page.locator(".layout-grid-item img")
    tab.wait_until(lambda: images.count() == 1, "the other views are still there")
    tab.wait_until(lambda: images.first.bounding_box()["width"] > 450, "the view does not fill the window")
    tab.button("Panel").click()
    tab.button("Propagate").wait_for()
