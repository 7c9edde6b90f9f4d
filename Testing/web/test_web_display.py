"""How it looks: grey values by name and by number, and the surface that comes by itself."""

from types import SimpleNamespace

import numpy as np
import pytest
from slicer import vtkOrientedImageData, vtkSegment, vtkSegmentation
from trame.app import get_server
from trame_slicer.core import SlicerApp
from trame_slicer.rca_view import register_rca_factories
from vtkmodules.util.numpy_support import numpy_to_vtk

from SAMSegmentLib.intensity import PRESETS
from SAMSegmentLib.volume import Volume
from SAMSegmentWeb import display_control, work
from SAMSegmentWeb.display_control import DisplayControl
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.opening import Source
from SAMSegmentWeb.scene_voxels import surface_voxels
from Testing.web.images import write_ball

_SHAPE = (8, 9, 10)


class _Engine:
    """Answers nothing."""

    model_name = weights_sha256 = ""

    def __getattr__(self, _name):
        return lambda *_arguments, **_options: None


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A display control on an open volume, the work that it shows, and what the page knows."""
    monkeypatch.setattr(work, "WorkerEngine", lambda *_arguments, **_options: _Engine())
    monkeypatch.setattr(display_control, "_QUIET_S", -1)
    server = get_server(tmp_path.name, client_type="vue3")  # with a state of its own
    slicer = SlicerApp()
    register_rca_factories(slicer.view_manager, server)
    opened = work.Work(slicer, Messages(server.state), lambda _text: None)
    control = DisplayControl(server, opened)
    array = np.linspace(-1000, 3000, np.prod(_SHAPE)).reshape(_SHAPE).astype(np.int16)
    opened.open(Source(tmp_path / "ct.nii"), Volume(array, np.eye(4), name="ct.nii"))
    control.show_volume()
    server.state.ready()
    server.state.flush()
    yield SimpleNamespace(control=control, work=opened, state=server.state)
    opened.close()


def _shown(page):
    display = page.work.opened.volume_node.GetDisplayNode()
    return [display.GetWindowLevelMin(), display.GetWindowLevelMax()]


def test_the_picture_has_named_windows_and_typed_numbers_and_the_model_keeps_its_own(page):
    assert page.state["DisplayState__window"] == "auto"
    lung = PRESETS["lung"]
    page.control.show_window("lung")
    page.state.flush()
    assert _shown(page) == page.state["DisplayState__gray_range"] == [lung.level - 750, lung.level + 750]
    assert page.state["DisplayState__gray_low"] <= lung.level - 750, "the slider would cut it off"
    assert page.state["DisplayState__window"] == "lung"
    assert page.work.window == "auto"
    page.control.set_gray_value(0, "-160.5")
    page.control.set_gray_value(1, "240")
    page.state.flush()
    assert _shown(page) == page.state["DisplayState__gray_range"] == [-160.5, 240]
    assert page.state["DisplayState__window"] is None
    for end, text in ((0, "240"), (1, "-200"), (0, ""), (1, "nan"), (0, "-inf")):
        refusals = page.state["DisplayState__refusals"]
        page.control.set_gray_value(end, text)
        page.state.flush()
        assert _shown(page) == [-160.5, 240]
        assert page.state["DisplayState__refusals"] == refusals + 1, "the field goes on showing what was typed"
        assert "type another" in page.state["PageState__message"]
    page.control.show_window("auto")
    page.state["DisplayState__gray_range"] = [0.0, 9.0]  # the slider
    page.state.flush()
    assert _shown(page) == [0, 9]
    assert page.state["DisplayState__window"] is None


def _labelmap(labels):
    image = vtkOrientedImageData()
    slices, rows, columns = labels.shape
    image.SetExtent(0, columns - 1, 0, rows - 1, 0, slices - 1)
    image.GetPointData().SetScalars(numpy_to_vtk(labels.ravel(), deep=True))
    return image


def _add(segmentation, image, label):
    segment = vtkSegment()
    segment.SetName(f"label {label}")
    segment.SetLabelValue(label)
    segment.AddRepresentation("Binary labelmap", image)
    segmentation.AddSegment(segment)


def test_voxels_of_a_surface_are_those_of_all_segments_and_small_ones_in_a_large_labelmap_count_for_more():
    segmentation = vtkSegmentation()
    labels = np.zeros((64, 64, 64), dtype=np.uint8)
    labels[0] = np.arange(64) // 8 + 1
    shared = _labelmap(labels)
    _add(segmentation, shared, 1)
    assert surface_voxels(segmentation) == 64**2 + 64**2
    for label in range(2, 9):
        _add(segmentation, shared, label)
    assert surface_voxels(segmentation) == 64**2 + 8 * 64**2


@pytest.mark.parametrize("is_asked_for", [False, True])
def test_the_surface_that_came_by_itself_goes_when_segments_that_are_opened_make_it_slow(
    page, monkeypatch, is_asked_for
):
    monkeypatch.setattr(display_control, "_MOST_SURFACE_VOXELS", 300)
    (small,) = page.work.scene_session.segment_ids
    segmentation = page.work.opened.segmentation_node.GetSegmentation()
    if is_asked_for:
        page.control.set_surface(True)
    else:
        page.control.show_surface_if_quick()
    page.state.flush()
    assert page.state["DisplayState__is_3d_shown"]
    _add(segmentation, _labelmap(np.ones(_SHAPE, dtype=np.uint8)), 1)
    page.control._hide_surface_until_quiet()
    page.control.look()
    page.state.flush()
    assert page.state["DisplayState__is_3d_shown"] == is_asked_for
    assert ("surface takes seconds" in (page.state["PageState__message"] or "")) != is_asked_for
    page.control.set_surface(False)
    page.control.show_surface_if_quick()
    assert not page.state["DisplayState__is_3d_shown"]
    assert small in page.work.scene_session.segment_ids


def test_grey_values_are_chosen_and_typed_in_the_page(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    tab.open_section("Display")
    before = tab.picture("Red").mean()
    field = tab.page.get_by_label("Upper grey value")
    field.fill("5000")
    field.press("Enter")
    tab.wait_until(lambda: tab.picture("Red").mean() < before / 2, "the picture does not get darker")
    select = tab.page.locator(".v-select", has_text="Grey values that you see")
    select.click()
    tab.page.get_by_role("option", name="All values").click()
    tab.wait_until(lambda: tab.picture("Red").mean() > before / 2, "the window is not shown")
    assert float(field.input_value()) < 200
    tab.open_section("Model")
    assert "Automatic" in tab.page.locator(".v-select", has_text="Grey values that the model sees").inner_text()
    field.fill("-5000")
    field.press("Enter")
    assert "above the lower one" in tab.message("type another")
    assert float(field.input_value()) > 0
