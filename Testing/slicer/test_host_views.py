"""The host's views are real slice views, and its pictures show them beside the panel."""

import numpy as np
import pytest

from SAMSegmentLib.volume import Volume
from Testing.paths import REPOSITORY


@pytest.fixture
def volume(host):
    """A bright cube of 4 mm on the right, at the back and at the top of a dark volume of 40 mm."""
    voxels = np.zeros((40, 40, 40), np.int16)
    voxels[30:34, 8:12, 28:32] = 1000
    node = host.world.add_volume(Volume(voxels, np.eye(4)), "volume")
    node.GetDisplayNode().SetAutoWindowLevel(0)
    node.GetDisplayNode().SetWindowLevelMinMax(0, 1000)
    return node


def test_layout_manager_gives_the_views(host):
    import slicer

    manager = slicer.app.layoutManager()
    assert manager.sliceViewNames() == ("Red", "Green", "Yellow")
    for name in manager.sliceViewNames():
        widget = manager.sliceWidget(name)
        assert widget.sliceView().interactor() is host.view(name).interactor
        assert widget.mrmlSliceNode() is host.view(name).slice_node
        assert widget.sliceLogic().GetSliceNode() is widget.mrmlSliceNode()
    assert manager.sliceWidget("Purple") is None


def test_a_changed_layout_is_signalled(host):
    import slicer

    heard = []
    slicer.app.layoutManager().connect("layoutChanged(int)", heard.append)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert heard == [slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView]


def test_a_layout_hides_views_without_forgetting_them(host):
    import slicer

    def shown():
        manager = slicer.app.layoutManager()
        names = manager.sliceViewNames()
        return [name for name in names if manager.sliceWidget(name).mrmlSliceNode().IsMappedInLayout()]

    assert shown() == ["Red", "Green", "Yellow"]
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpYellowSliceView)
    assert shown() == ["Yellow"]
    assert slicer.app.layoutManager().sliceViewNames() == ("Red", "Green", "Yellow")


@pytest.mark.parametrize("name", ["Red", "Green", "Yellow"])
def test_events_reach_observers_at_their_place_with_their_keys(host, volume, name):
    host.show_volume(volume)
    view, heard = host.view(name), []

    def hear(interactor, event):
        heard.append((event, interactor.GetEventPosition(), interactor.GetShiftKey(), interactor.GetKeySym()))

    for event in ("LeftButtonPressEvent", "LeftButtonReleaseEvent", "RightButtonPressEvent", "KeyPressEvent"):
        view.interactor.AddObserver(event, hear, 1.0)
    view.click((30, 50), modifiers=["Shift"])
    view.press((60, 70), button="Right")
    view.key("Delete")
    assert heard == [
        ("LeftButtonPressEvent", (30, 50), 1, None),
        ("LeftButtonReleaseEvent", (30, 50), 1, None),
        ("RightButtonPressEvent", (60, 70), 0, None),
        ("KeyPressEvent", (60, 70), 0, "Delete"),
    ]


def test_slicers_own_interaction_answers(host, volume):
    """The wheel scrolls: the interactor style is Slicer's."""
    host.show_volume(volume)
    view = host.view("Red")
    before = view.slice_node.GetSliceOffset()
    view.wheel((200, 200), up=True)
    assert view.slice_node.GetSliceOffset() == before + 1


def test_an_exception_in_an_observer_is_noted(host):
    def fail(*_):
        raise LookupError("in an observer")

    host.view("Red").interactor.AddObserver("LeftButtonPressEvent", fail)
    with host.expect_problem("in an observer"):
        host.view("Red").click((10, 10))


@pytest.mark.parametrize("name", ["Red", "Green", "Yellow"])
def test_a_picture_shows_a_structure_where_positions_say(host, volume, name):
    from Testing.host.widgets.views import picture_of

    host.show_volume(volume)
    view = host.view(name)
    view.show_ras((30, 10, 32))
    image = picture_of(view.slice_view)
    column, row = (round(value) for value in view.xy_of_ras((30, 10, 32)))
    assert image.pixelColor(column, image.height() - 1 - row).red() > 200
    away, _ = view.xy_of_ras((30 + 8, 10 + 8, 32))
    assert image.pixelColor(round(away), 5).red() < 50


def test_pictures_of_panel_and_views_are_saved(host, volume, tmp_path):
    from PySide6.QtGui import QImage

    panel = host.load_module(REPOSITORY / "Testing/host/example/HostExample.py")
    host.enter("HostExample")
    host.show_volume(volume)
    host.save_panel(tmp_path / "panel.png", panel.parent, width=400)
    host.save_picture(tmp_path / "both.png", panel.parent)
    panel_image, both = QImage(str(tmp_path / "panel.png")), QImage(str(tmp_path / "both.png"))
    assert panel_image.width() == 400
    assert both.width() == 400 + 8 + 400 + 8 + 400
    assert both.height() >= max(panel_image.height(), 808)


def test_a_translucent_segment_lets_the_image_through(host, volume):
    import slicer

    from Testing.host.widgets.views import picture_of

    segmentation = host.world.add_segmentation(volume, "all")
    segmentation.GetSegmentation().GetSegment("all").SetColor(0, 1, 0)
    everywhere = np.ones((40, 40, 40), np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(everywhere, segmentation, "all", volume)
    host.show_volume(volume)
    view = host.view("Red")
    view.show_ras((30, 10, 32))
    image = picture_of(view.slice_view)
    inside, outside = (
        image.pixelColor(round(column), image.height() - 1 - round(row))
        for column, row in (view.xy_of_ras((30, 10, 32)), view.xy_of_ras((24, 10, 32)))
    )
    assert inside.green() > outside.green() > 50
    assert inside.red() > outside.red() + 50


def test_a_layout_with_a_fourth_view_makes_it_once_and_keeps_it(host):
    import slicer

    manager, layouts = slicer.app.layoutManager(), slicer.vtkMRMLLayoutNode
    seen = []
    manager.connect("layoutChanged(int)", lambda _layout: seen.append(manager.sliceViewNames()))
    manager.setLayout(layouts.SlicerLayoutTwoOverTwoView)
    interactor = manager.sliceWidget("Slice4").sliceView().interactor()
    node = manager.sliceWidget("Slice4").mrmlSliceNode()
    assert node.IsMappedInLayout()
    manager.setLayout(layouts.SlicerLayoutFourUpView)
    assert not node.IsMappedInLayout()
    manager.setLayout(layouts.SlicerLayoutTwoOverTwoView)
    assert manager.sliceWidget("Slice4").sliceView().interactor() is interactor
    assert seen == [("Red", "Green", "Yellow", "Slice4")] * 3
