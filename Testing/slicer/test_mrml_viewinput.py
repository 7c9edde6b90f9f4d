"""Mouse events in real slice views become prompts at the voxel under the mouse."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.mrml.picking import ALIGN_HINT, pick
from SAMSegmentLib.mrml.promptnodes import BOX, NEGATIVE, POSITIVE
from SAMSegmentLib.mrml.scenesession import SceneSession
from SAMSegmentLib.mrml.viewinput import SliceViewInput, Tool
from SAMSegmentLib.mrml.volumes import volume_from_node
from SAMSegmentLib.prompts import Box
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, rotation, volume_of
from Testing.sessions import WINDOW
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import BALL, Loop

SIZES = {0: (14, 0.5), 1: (18, 0.5), 2: (6, 5.0)}  # voxels and mm along R, A and S
VIEWS = {"Axial": (Orientation.AXIAL, 2), "Sagittal": (Orientation.SAGITTAL, 0), "Coronal": (Orientation.CORONAL, 1)}
PARENT = np.eye(4)
PARENT[:3, :3] = rotation((25, -40, 10))
PARENT[:3, 3] = 40, -12, 5.5


@pytest.fixture(scope="module")
def three_views():
    with MRMLScene() as world:
        yield world, [world.add_slice_view(name) for name in VIEWS]


@pytest.fixture
def loop():
    with MRMLScene() as world:
        loop = Loop(world)
        loop.view = world.add_slice_view("Axial")
        loop.view.show(loop.volume_node)
        loop.view.show_position((9, 8, 6))
        loop.input = SliceViewInput(
            loop.view.interactor, loop.view.slice_node, lambda: loop.scene_session, tell=loop.told.append
        )
        yield loop
        loop.input.close()
        loop.scene_session.close()


def at(loop, ijk) -> tuple[int, int]:
    """The pixel of a voxel, whose IJK is its RAS."""
    x, y = loop.view.xy_of(ijk)
    return round(x), round(y)


def prompts(loop) -> list[tuple]:
    return [(item.kind, item.ijk) for item in loop.scene_session.prompts()]


@pytest.mark.parametrize("parent", [np.eye(4), PARENT], ids=["as it lies", "transformed"])
@pytest.mark.parametrize("case", AXIS_ORDERS, ids=map(axis_order_name, AXIS_ORDERS))
def test_a_click_in_any_view_is_a_prompt_at_the_voxel_under_it(three_views, case, parent):
    world, views = three_views
    order, signs = case
    affine = affine_for(order, signs, tuple(SIZES[axis][1] for axis in order))
    shape = tuple(SIZES[axis][0] for axis in order)[::-1]
    node = world.add_volume(volume_of(np.zeros(shape, np.int16), affine))
    segmentation = world.add_segmentation(node, "a")
    transform = world.add_transform(parent, node, segmentation)
    volume = volume_from_node(node)
    session = SceneSession(volume, InProcessEngine(ThresholdModel(), volume, WINDOW), node, segmentation)
    session.selected_segment_id = "a"
    for view, (orientation, axis) in zip(views, VIEWS.values(), strict=True):
        view_input = SliceViewInput(view.interactor, view.slice_node, lambda: session)
        view_input.tool = Tool.POSITIVE
        view.show(node)
        view.show_position((parent @ affine @ [*(count // 2 for count in shape[::-1]), 1])[:3])
        x, y = 237, 160
        view.click((x, y))
        there = [view.slice_node.GetXYToRAS().MultiplyPoint((x, y, 0, 1))[n] for n in range(3)]
        expected = tuple(np.rint(np.linalg.inv(parent @ affine) @ [*there, 1])[:3].astype(int).tolist())
        (entry,) = session.prompts()
        assert (entry.ijk, entry.key) == (expected, (orientation, expected[order.index(axis)]))
        session.undo()
        view_input.close()
    session.close()
    for item in (segmentation, node, transform):
        world.scene.RemoveNode(item)


def test_a_click_segments_what_is_under_it(loop):
    loop.input.tool = Tool.POSITIVE
    loop.view.click(at(loop, (9, 8, 6)))
    assert prompts(loop) == [(POSITIVE, (9, 8, 6))]
    assert np.array_equal(loop.mask()[6], BALL[6])


@pytest.mark.parametrize(
    ("tool", "shift", "kind"),
    [
        (Tool.POSITIVE, False, POSITIVE),
        (Tool.POSITIVE, True, NEGATIVE),
        (Tool.NEGATIVE, False, NEGATIVE),
        (Tool.NEGATIVE, True, POSITIVE),
    ],
)
def test_shift_gives_the_opposite_of_the_tool(loop, tool, shift, kind):
    loop.input.tool = tool
    loop.view.click(at(loop, (9, 8, 6)), shift=shift)
    assert prompts(loop) == [(kind, (9, 8, 6))]


def test_without_a_tool_clicks_are_slicers(loop):
    loop.view.click(at(loop, (9, 8, 6)))
    assert prompts(loop) == []


def test_a_drag_with_the_box_tool_is_a_box(loop):
    loop.input.tool = Tool.BOX
    loop.view.drag(at(loop, (5, 4, 6)), at(loop, (13, 12, 6)))
    (entry,) = loop.scene_session.prompts()
    assert (entry.kind, entry.box) == (BOX, Box((5, 4, 6), (13, 12, 6)))


def test_a_box_that_is_dragged_beyond_the_image_ends_at_its_border(loop):
    loop.input.tool = Tool.BOX
    loop.view.drag(at(loop, (5, 4, 6)), (1, 1))
    (entry,) = loop.scene_session.prompts()
    inside = np.array([entry.box.ijk_min, entry.box.ijk_max])
    assert (inside >= 0).all()
    assert (inside[1] <= (19, 15, 11)).all()


def test_a_box_may_begin_in_the_margin(loop):
    loop.input.tool = Tool.BOX
    loop.view.drag((1, 1), at(loop, (9, 8, 6)))
    (entry,) = loop.scene_session.prompts()
    assert entry.box == Box((9, 0, 6), (19, 8, 6))


def test_a_box_is_drawn_while_it_is_dragged(loop):
    loop.input.tool = Tool.BOX
    empty = picture(loop)
    x, y = at(loop, (5, 4, 6))
    loop.view.press((x, y))
    loop.view.move((x + 60, y + 30))
    assert (picture(loop) != empty).any()
    loop.view.move((x + 1, y))
    loop.view.release((x + 1, y))
    assert np.array_equal(picture(loop), empty)
    assert prompts(loop) == []  # a click is no box


def test_a_click_outside_of_the_volume_is_refused_with_a_sentence(loop):
    loop.input.tool = Tool.POSITIVE
    loop.view.click((1, 1))
    assert prompts(loop) == []
    assert "outside" in loop.told[0]


def test_a_click_in_a_turned_view_says_how_to_align_it(loop):
    loop.view.slice_node.GetSliceToRAS().DeepCopy(
        (np.block([[rotation((20, 0, 0)), np.array([[9], [8], [6]])], [0, 0, 0, 1]])).ravel().tolist()
    )
    loop.view.slice_node.UpdateMatrices()
    loop.input.tool = Tool.POSITIVE
    loop.view.click((200, 200))
    assert loop.told == [ALIGN_HINT]
    (entry,) = loop.scene_session.prompts()
    assert entry.key == (Orientation.AXIAL, 6)


def test_a_click_on_an_accepted_slice_is_refused_with_a_sentence(loop):
    loop.input.tool = Tool.POSITIVE
    loop.view.click(at(loop, (9, 8, 6)))
    loop.scene_session.accept_slice("ball", (Orientation.AXIAL, 6))
    loop.view.click(at(loop, (6, 8, 6)))
    assert prompts(loop) == [(POSITIVE, (9, 8, 6))]
    assert "accepted" in loop.told[0]


def test_a_click_without_a_session_does_nothing(loop):
    loop.input.tool = Tool.POSITIVE
    loop.scene_session.close()
    loop.view.click(at(loop, (9, 8, 6)))
    assert loop.told == []


def test_a_prompt_is_dragged_to_where_the_mouse_lets_go(loop):
    loop.input.tool = Tool.POSITIVE
    loop.view.click(at(loop, (9, 8, 6)))
    loop.view.window.Render()
    loop.view.drag(at(loop, (9, 8, 6)), at(loop, (6, 9, 6)))
    assert prompts(loop) == [(POSITIVE, (6, 9, 6))]
    loop.scene_session.undo()
    assert prompts(loop) == [(POSITIVE, (9, 8, 6))]


def test_a_dragged_negative_point_takes_its_hole_along(loop):
    loop.click((9, 8, 6))
    loop.click((8, 6, 6), positive=False)
    loop.view.window.Render()
    holes = []
    loop.view.press(at(loop, (8, 6, 6)))
    for place in ((8, 7, 6), (8, 9, 6), (10, 10, 6)):
        loop.view.move(at(loop, place))
        holes.append(np.argwhere(BALL & ~loop.mask())[:, ::-1].tolist())
    loop.view.release(at(loop, (10, 10, 6)))
    others = np.argwhere(BALL)[np.argwhere(BALL)[:, 0] != 6][:, ::-1].tolist()
    assert [[ijk for ijk in hole if ijk not in others] for hole in holes] == [[[8, 7, 6]], [[8, 9, 6]], [[10, 10, 6]]]
    assert prompts(loop) == [(POSITIVE, (9, 8, 6)), (NEGATIVE, (10, 10, 6))]


def test_hovering_tells_the_voxel_under_the_mouse(loop):
    seen = []
    loop.input.on_hover = seen.append
    loop.input.tool = Tool.POSITIVE
    loop.view.move(at(loop, (7, 5, 6)))
    loop.view.move((1, 1))
    assert [item and item.ijk for item in seen] == [(7, 5, 6), None]


def test_nothing_is_hovered_while_a_prompt_is_dragged(loop):
    seen = []
    loop.input.tool = Tool.POSITIVE
    loop.view.click(at(loop, (9, 8, 6)))
    loop.view.window.Render()
    loop.view.press(at(loop, (9, 8, 6)))
    loop.input.on_hover = seen.append
    for place in ((8, 8, 6), (6, 9, 6)):
        loop.view.move(at(loop, place))
    assert seen == []
    loop.view.release(at(loop, (6, 9, 6)))
    loop.view.move(at(loop, (12, 9, 6)))
    assert [item.ijk for item in seen] == [(12, 9, 6)]
    assert prompts(loop) == [(POSITIVE, (6, 9, 6))]


def test_nothing_is_hovered_or_told_while_volume_and_segmentation_lie_apart(loop):
    seen = []
    loop.input.tool = Tool.POSITIVE
    loop.input.on_hover = seen.append
    loop.world.add_transform(PARENT, loop.node)
    loop.view.move(at(loop, (7, 5, 6)))
    assert (seen, loop.told) == ([None], [])
    loop.view.click(at(loop, (7, 5, 6)))
    assert len(loop.told) == 1
    assert "lie apart" in loop.told[0]
    assert prompts(loop) == []


def test_a_prompt_of_another_segment_is_in_nobodys_way(loop):
    loop.input.tool = Tool.POSITIVE
    loop.click((9, 8, 6), segment_id="other")
    loop.view.window.Render()
    loop.view.click(at(loop, (9, 8, 6)))
    assert [entry.segment_id for entry in loop.scene_session.prompts()] == ["ball", "other"]
    loop.scene_session.undo()
    loop.scene_session.selected_segment_id = "other"
    loop.view.drag(at(loop, (9, 8, 6)), at(loop, (6, 9, 6)))
    assert prompts(loop) == [(POSITIVE, (6, 9, 6))]


@pytest.mark.parametrize("is_after_press", [False, True], ids=["instead of the press", "after the press"])
def test_the_second_click_of_a_double_click_is_a_prompt_and_not_slicers(loop, is_after_press):
    taken = []
    for event in ("LeftButtonPressEvent", "LeftButtonDoubleClickEvent"):
        loop.view.interactor.AddObserver(event, lambda _caller, event: taken.append(event), 1.5)
    loop.input.tool = Tool.POSITIVE
    loop.view.click(at(loop, (9, 8, 6)))
    loop.view.move(at(loop, (6, 8, 6)))
    if is_after_press:
        loop.view.press(at(loop, (6, 8, 6)))
    loop.view.interactor.InvokeEvent("LeftButtonDoubleClickEvent")
    loop.view.release(at(loop, (6, 8, 6)))
    assert prompts(loop) == [(POSITIVE, (9, 8, 6)), (POSITIVE, (6, 8, 6))]
    assert taken == []


def test_a_preview_is_drawn_and_taken_away_without_nodes(loop):
    count = loop.world.scene.GetNumberOfNodes()
    picked = pick(loop.scene_session.volume, loop.volume_node, loop.view.slice_node, at(loop, (9, 8, 6)))
    empty = picture(loop)
    loop.input.show_preview(loop.scene_session.preview(picked).result())
    assert (picture(loop) != empty).any()
    assert not loop.mask().any()
    loop.input.show_preview(None)
    assert np.array_equal(picture(loop), empty)
    loop.input.show_preview(loop.scene_session.preview(picked).result())
    loop.view.show_position((9, 8, 7))
    loop.view.show_position((9, 8, 6))
    assert np.array_equal(picture(loop), empty)
    assert loop.world.scene.GetNumberOfNodes() == count


def picture(loop) -> np.ndarray:
    return loop.view.picture()
