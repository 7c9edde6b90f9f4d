"""The slice views: which slice they show, what is under the mouse, and what moves them; and the 3D view's camera."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import slicer
import vtk

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.mrml.picking import Pick
from SAMSegmentLib.mrml.promptnodes import KIND, SEGMENT
from SAMSegmentLib.mrml.volumes import volume_from_node
from SAMSegmentWeb.prompt_views import show_prompts
from SAMSegmentWeb.surface_camera import SurfaceCamera
from SAMSegmentWeb.under_mouse import UnderMouse, described
from SAMSegmentWeb.view_labels import view_labels
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import Loop

_NAMES = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
# The ball's axial slice in the middle: 24 slices of 2 mm from the origin.
_MIDDLE = {"Red": "Axial 12, S 24.0 mm", "Green": "Coronal 32, A 32.0 mm", "Yellow": "Sagittal 31, R 31.0 mm"}


def _titles(tab):
    """What the views say that they show, by the views' names."""
    found = tab.page.locator(".samsegment-title").all_inner_texts()
    return {name: text for name, start in _NAMES.items() for text in found if text.startswith(start)}


def _wait_for_titles(tab, **expected):
    wanted = _MIDDLE | expected
    tab.wait_until(lambda: _titles(tab) == wanted, f"the views do not come to show {wanted}", 10)


def _under_mouse(tab):
    return tab.page.locator(".samsegment-under-mouse").all_inner_texts()


def _yellow(picture):
    """How many pixels have the colour of Slicer's crosshair."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return int(np.count_nonzero((red - blue > 60) & (green - blue > 40)))


def _hover(tab, name, at):
    # A first movement only enters the view.
    tab.page.mouse.move(*tab.place(name, (at[0] - 0.01, at[1])))
    tab.page.mouse.move(*tab.place(name, at), steps=3)


# --- words over the views


@pytest.fixture
def opened():
    """The ball of a scene session, as the viewer has it open."""
    with MRMLScene() as world:
        loop = Loop(world)
        yield SimpleNamespace(volume=volume_from_node(loop.volume_node), volume_node=loop.volume_node, loop=loop)
        loop.scene_session.close()


def _view(xy, name="Red"):
    """An axial view of 1 mm a pixel at S 6 mm, with the mouse at a pixel; its left bottom is at the origin."""
    node = slicer.vtkMRMLSliceNode()
    node.SetFieldOfView(100, 100, 1)
    node.SetDimensions(100, 100, 1)
    node.GetSliceToRAS().DeepCopy((1, 0, 0, 50, 0, 1, 0, 50, 0, 0, 1, 6, 0, 0, 0, 1))
    node.UpdateMatrices()
    interactor = SimpleNamespace(GetEventPosition=lambda: xy)
    return SimpleNamespace(get_view_node=lambda: node, interactor=lambda: interactor, get_singleton_tag=lambda: name)


@pytest.mark.parametrize(
    ("xy", "parts"),
    [
        pytest.param((9, 8), ["voxel 9, 8, 6", "RAS 9.0, 8.0, 6.0 mm", "value 255"], id="in the ball"),
        pytest.param((1, 2), ["voxel 1, 2, 6", "RAS 1.0, 2.0, 6.0 mm", "value 0"], id="beside it"),
        pytest.param((90, 8), ["RAS 90.0, 8.0, 6.0 mm"], id="outside of the image"),
    ],
)
def test_voxel_position_and_value_under_the_mouse_are_told(opened, xy, parts):
    assert described(opened, _view(xy)) == parts


def test_what_is_under_the_mouse_is_read_at_most_ten_times_a_second_and_not_while_it_rests(opened, monkeypatch):
    now, written = [100.0], []
    monkeypatch.setattr("SAMSegmentWeb.under_mouse.time", SimpleNamespace(monotonic=lambda: now[0]))

    class Page:
        pointed_view, under_mouse = "", property(fset=lambda _page, parts: written.append(parts))

    mouse, view = UnderMouse(Page()), _view((9, 8))
    for _ in range(200):  # two seconds of movement, looked at as often as the viewer does
        mouse.mouse_moved(view)
        mouse.look(opened)
        now[0] += 0.01
    assert 15 <= len(written) <= 21
    written.clear()
    for _ in range(200):
        mouse.view_moved(_view((9, 8), "Green"))  # another view
        mouse.look(opened)
        now[0] += 0.01
    assert len(written) <= 1  # what was still to be told
    mouse.view_moved(view)
    now[0] += 1
    mouse.look(opened)
    assert written[-1][0] == "voxel 9, 8, 6"


def test_an_oblique_slice_has_a_number_but_no_one_place_along_an_axis():
    node = slicer.vtkMRMLSliceNode()
    node.GetSliceToRAS().DeepCopy((-0.98, 0.2, 0, 5, 0.2, 0.98, 0, 6, 0, 0, -1, -7.04, 0, 0, 0, 1))
    key = Orientation.AXIAL, 93
    assert view_labels(node, key)["title"] == "Axial 93, I 7.0 mm"
    node.GetSliceToRAS().DeepCopy((1, 0, 0, 5, 0, 0.98, -0.2, 6, 0, 0.2, 0.98, 7, 0, 0, 0, 1))
    assert view_labels(node, key)["title"] == "Axial 93"
    assert view_labels(node)["title"] == "Axial"


def test_views_say_their_slice_and_what_is_under_the_mouse_only_while_it_is_there(tab):
    _wait_for_titles(tab)
    _hover(tab, "Red", (0.5, 0.5))
    tab.wait_until(lambda: len(_under_mouse(tab)) == 1, "nothing is told")
    value = re.search(r"voxel 3[12], 3[12], 12.*RAS .*, 24\.0 mm.*value (\d+)", _under_mouse(tab)[0], re.DOTALL)
    assert value
    assert 80 <= int(value[1]) <= 120
    tab.page.mouse.wheel(0, -120)
    tab.wait_until(lambda: "S 24" not in _titles(tab)["Red"], "the wheel does not scroll")
    tab.wait_until(lambda: "24.0 mm" not in _under_mouse(tab)[0], "the slice before is told")
    _hover(tab, "ThreeD", (0.5, 0.5))
    tab.wait_until(lambda: not _under_mouse(tab), "it stays while the mouse is in the 3D view")
    _hover(tab, "Green", (0.5, 0.5))
    tab.wait_until(lambda: len(_under_mouse(tab)) == 1, "nothing is told in another view")
    tab.page.mouse.move(100, 300)
    tab.wait_until(lambda: not _under_mouse(tab), "it stays when the mouse has left")


@pytest.mark.parametrize("width", [700, 900, 1280])
def test_words_over_a_view_stay_clear_of_one_another(tab, width):
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.wait_for_timeout(1000)
    name = "Red" if width < 760 else "Yellow"
    _hover(tab, name, (0.5, 0.6))
    tab.wait_until(lambda: tab.page.locator(".samsegment-under-mouse > span").count() == 3, "the voxel is not told")
    item = tab.page.locator(".layout-grid-item", has=tab.page.locator(".samsegment-under-mouse"))
    selector = ".samsegment-title, .samsegment-under-mouse > span, .v-btn, .v-slider, .samsegment-letter"
    boxes = [element.bounding_box() for element in item.locator(selector).all()]
    assert len(boxes) == 1 + 3 + 2 + 1 + 4
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            is_apart = any(
                one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at]
                for at, size in (("x", "width"), ("y", "height"))
            )
            assert is_apart, (one, other)


# --- what moves the views


def test_shift_moves_the_other_views_there_with_a_cross_but_makes_none_of_them_the_active_one(tab):
    _wait_for_titles(tab)
    tab.page.keyboard.down("Shift")
    # Straight up: only the coronal view goes to another slice.
    _hover(tab, "Red", (0.5, 0.5))
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.42)), steps=10)
    tab.wait_until(lambda: _titles(tab)["Green"] != _MIDDLE["Green"], "the coronal view does not follow")
    tab.wait_until(lambda: _yellow(tab.picture("Green")) > 5, "there is no cross")
    tab.page.wait_for_timeout(500)
    assert tab.page.locator("#samsegment-slice").inner_text().startswith("Axial slice 12 ")
    assert "axial slices" in tab.page.get_by_text("Range:").inner_text()
    tab.page.keyboard.up("Shift")
    tab.page.mouse.move(100, 300, steps=5)
    tab.wait_until(lambda: _yellow(tab.picture("Green")) == 0, "the cross stays")


def test_arrows_scroll_the_active_view_unless_a_field_or_slider_has_the_keyboard(tab):
    _wait_for_titles(tab)
    for key, title in (("ArrowUp", "13, S 26.0"), ("ArrowDown", "12, S 24.0"), ("PageDown", "2, S 4.0")):
        tab.page.keyboard.press(key)
        _wait_for_titles(tab, Red=f"Axial {title} mm")
    tab.page.keyboard.press("PageDown")
    _wait_for_titles(tab, Red="Axial 0, S 0.0 mm")
    tab.page.get_by_label("Name of the segment").click()
    tab.page.keyboard.press("ArrowUp")
    tab.page.locator(".v-range-slider .v-slider-thumb").first.focus()
    tab.page.keyboard.press("PageUp")
    tab.page.wait_for_timeout(500)
    _wait_for_titles(tab, Red="Axial 0, S 0.0 mm")


def test_fitting_a_view_shows_the_whole_image_with_a_margin_and_keeps_the_slice(tab):
    _wait_for_titles(tab)

    def edge():
        """The brightest pixel at the left edge, between buttons and letter."""
        picture = tab.picture("Red")
        return picture[200:500, :4].max()

    assert edge() < 10  # as it opens: up to the last pixel, what is at the edge seems to be cut off
    tab.page.keyboard.press("PageUp")
    _wait_for_titles(tab, Red="Axial 22, S 44.0 mm")
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.4)))
    tab.page.mouse.down(button="middle")
    tab.page.mouse.move(*tab.place("Red", (0.3, 0.4)), steps=5)
    tab.page.mouse.up(button="middle")
    tab.wait_until(lambda: edge() > 10, "the view does not move")
    tab.page.get_by_label("Fit into the view").first.click()
    tab.wait_until(lambda: edge() < 10, "the view is not fitted")
    _wait_for_titles(tab, Red="Axial 22, S 44.0 mm")


# --- prompts and surface


def test_only_prompts_of_the_chosen_segment_are_shown_and_can_be_dragged(opened):
    session, key = opened.loop.scene_session, (Orientation.AXIAL, 6)
    picked = [Pick(ijk, *key, is_aligned=True) for ijk in ((8, 7, 6), (10, 9, 6))]
    session.add_point(picked[0])
    session.selected_segment_id = "other"
    session.add_point(picked[1])
    session.add_box(*picked)
    scene, viewed = opened.loop.world.scene, {"vtkMRMLSliceNodeRed": key}

    def shown():
        nodes = (
            scene.GetNthNodeByClass(n, "vtkMRMLMarkupsNode")
            for n in range(scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode"))
        )
        return {
            (node.GetAttribute(SEGMENT), node.GetAttribute(KIND))
            for node in nodes
            if node.GetDisplayNode().GetVisibility()
        }

    others = {("other", "positive"), ("other", "box")}
    show_prompts(scene, viewed, "other")
    assert shown() == others
    show_prompts(scene, viewed, "ball")
    assert shown() == {("ball", "positive")}
    show_prompts(scene, {"vtkMRMLSliceNodeRed": (Orientation.AXIAL, 5)}, "other")
    assert shown() == {("other", "positive")}
    show_prompts(scene, viewed, None)
    assert shown() == {("ball", "positive"), *others}


class _ThreeD:
    """A 3D view that counts how often it was fitted."""

    def __init__(self):
        self._renderer = vtk.vtkRenderer()
        self.calls = []
        self.schedule_render = lambda: None

    def renderer(self):
        return self._renderer

    def show(self, center, radius):
        source, actor = vtk.vtkSphereSource(), vtk.vtkActor()
        source.SetCenter(center)
        source.SetRadius(radius)
        actor.SetMapper(vtk.vtkPolyDataMapper())
        actor.GetMapper().SetInputConnection(source.GetOutputPort())
        self._renderer.AddActor(actor)

    def __getattr__(self, name):
        return lambda: self.calls.append(name)


def test_the_3d_camera_frames_a_surface_when_it_comes_and_when_it_has_outgrown_the_frame():
    view = _ThreeD()
    camera = SurfaceCamera(SimpleNamespace(get_threed_views=lambda: [view]))
    camera.frame()
    assert view.calls == []  # there is nothing yet
    view.show((0, 0, 0), 10)
    camera.frame()
    view.show((1, 0, 0), 10)
    camera.frame()
    assert view.calls == ["reset_view"]  # a little more is no reason to move the camera
    view.show((60, 0, 0), 20)
    camera.frame()
    assert view.calls[1:] == ["reset_focal_point", "reset_camera"]  # from where the user looks
    camera.forget()
    camera.frame()
    assert view.calls[3:] == ["reset_view"]
