"""Prompts are markups that the user sees on their slice, moves and deletes, with Slicer's own tools."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.mrml.promptnodes import BOX, KIND, NEGATIVE, POSITIVE, SEGMENT
from SAMSegmentLib.prompts import Box
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, rotation
from Testing.slicer.mrml_scene import MRMLScene, array_of
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop, picked

CORONAL, SAGITTAL = Orientation.CORONAL, Orientation.SAGITTAL


@pytest.fixture
def loop():
    with MRMLScene() as world:
        loop = Loop(world)
        yield loop
        loop.scene_session.close()


@pytest.fixture
def view(loop):
    view = loop.world.add_slice_view("Axial")
    view.show(loop.volume_node)
    view.logic.GetSliceCompositeNode().SetBackgroundVolumeID(None)  # what is seen then is markups and segments
    loop.node.GetDisplayNode().SetVisibility(False)
    view.show_position((9, 8, 6))
    return view


def nodes_of(loop, kind) -> list:
    scene = loop.world.scene
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode")
    nodes = [scene.GetNthNodeByClass(number, "vtkMRMLMarkupsNode") for number in range(count)]
    return [node for node in nodes if node.GetAttribute(KIND) == kind]


def prompts(loop) -> list[tuple]:
    return [(entry.kind, entry.key, entry.box or entry.ijk) for entry in loop.scene_session.prompts()]


def world_positions(node) -> list[list[float]]:
    return [list(node.GetNthControlPointPositionWorld(number)) for number in range(node.GetNumberOfControlPoints())]


def test_points_are_in_two_lists_of_their_segment(loop):
    loop.click((9, 8, 6))
    loop.click((7, 8, 6), positive=False)
    loop.click((9, 8, 7))
    (positive,), (negative,) = nodes_of(loop, POSITIVE), nodes_of(loop, NEGATIVE)
    assert world_positions(positive) == [[9, 8, 6], [9, 8, 7]]
    assert world_positions(negative) == [[7, 8, 6]]
    assert positive.GetAttribute(SEGMENT) == negative.GetAttribute(SEGMENT) == "ball"
    assert positive.GetDisplayNode().GetSelectedColor() != negative.GetDisplayNode().GetSelectedColor()


@pytest.mark.parametrize("case", AXIS_ORDERS[::5], ids=map(axis_order_name, AXIS_ORDERS[::5]))
def test_a_point_lies_on_its_voxel_and_a_box_around_its_voxels(case):
    affine, parent = affine_for(*case, (0.5, 0.5, 5)), np.eye(4)
    parent[:3, :3], parent[:3, 3] = rotation((10, 20, 30)), (3, 4, 5)
    with MRMLScene() as world:
        first = Loop(world, affine=affine)
        first.scene_session.close()
        world.add_transform(parent, first.volume_node, first.node)
        loop = Loop(world, nodes=(first.volume_node, first.node))
        session = loop.scene_session
        to_world = parent @ affine
        axis = {orientation: case[0].index(ras) for orientation, ras in ((AXIAL, 2), (SAGITTAL, 0), (CORONAL, 1))}
        for orientation in Orientation:
            pick = picked((3, 4, 5), orientation)
            low, high = np.array([2, 3, 4]), np.array([9, 8, 7])
            high[axis[orientation]] = low[axis[orientation]]
            session.session.add_point("ball", pick.ijk, orientation)
            session.session.add_box("ball", Box(tuple(low.tolist()), tuple(high.tolist())), orientation)
            box = nodes_of(loop, BOX)[-1]
            corners = (np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) / 2) * box.GetSize()
            found = array_of(box.GetObjectToWorldMatrix()) @ np.hstack([corners, np.ones((8, 1))]).T
            ijk = (np.linalg.inv(to_world) @ found)[:3]
            np.testing.assert_allclose(ijk.min(axis=1), low - 0.5, atol=1e-4)
            np.testing.assert_allclose(ijk.max(axis=1), high + 0.5, atol=1e-4)
        (points,) = nodes_of(loop, POSITIVE)
        np.testing.assert_allclose(world_positions(points), [(to_world @ [3, 4, 5, 1])[:3]] * 3, atol=1e-4)
        session.close()


def test_prompts_are_shown_on_their_slice_and_hidden_off_it(loop, view):
    empty = view.picture()
    loop.click((9, 8, 6))
    loop.scene_session.add_box(picked((6, 5, 6)), picked((12, 11, 6)))
    shown = view.picture()
    assert (shown != empty).any()
    view.show_position((9, 8, 7))
    assert np.array_equal(view.picture(), empty)
    view.show_position((9, 8, 6))
    assert np.array_equal(view.picture(), shown)


def test_a_point_moved_by_any_tool_is_decoded_where_it_is(loop):
    loop.click((9, 8, 6))
    loop.click((8, 6, 6), positive=False)
    nodes_of(loop, NEGATIVE)[0].SetNthControlPointPosition(0, 10.2, 7.9, 6.1)
    assert prompts(loop)[1] == (NEGATIVE, (AXIAL, 6), (10, 8, 6))
    assert np.argwhere(BALL[6] & ~loop.mask()[6]).tolist() == [[8, 10]]
    assert world_positions(nodes_of(loop, NEGATIVE)[0]) == [[10, 8, 6]]
    loop.scene_session.undo()
    assert np.argwhere(BALL[6] & ~loop.mask()[6]).tolist() == [[6, 8]]
    assert world_positions(nodes_of(loop, NEGATIVE)[0]) == [[8, 6, 6]]


def test_a_point_moved_to_another_slice_is_one_step(loop):
    loop.click((9, 8, 6))
    nodes_of(loop, POSITIVE)[0].SetNthControlPointPosition(0, 9, 8, 4)
    assert prompts(loop) == [(POSITIVE, (AXIAL, 4), (9, 8, 4))]
    assert np.array_equal(loop.mask()[4], BALL[4])
    assert not loop.mask()[6].any()
    loop.scene_session.undo()
    assert prompts(loop) == [(POSITIVE, (AXIAL, 6), (9, 8, 6))]
    assert np.array_equal(loop.mask()[6], BALL[6])
    assert not loop.mask()[4].any()


def test_a_point_moved_out_of_the_volume_stops_at_its_border(loop):
    loop.click((9, 8, 6))
    nodes_of(loop, POSITIVE)[0].SetNthControlPointPosition(0, -50, 8, 6)
    assert prompts(loop) == [(POSITIVE, (AXIAL, 6), (0, 8, 6))]


def test_a_deleted_point_is_no_prompt_any_more(loop):
    loop.click((9, 8, 6))
    loop.click((8, 6, 6), positive=False)
    nodes_of(loop, NEGATIVE)[0].RemoveNthControlPoint(0)
    assert prompts(loop) == [(POSITIVE, (AXIAL, 6), (9, 8, 6))]
    assert np.array_equal(loop.mask()[6], BALL[6])
    loop.scene_session.undo()
    assert len(prompts(loop)) == 2
    assert not loop.mask()[6, 6, 8]


def test_a_point_placed_by_slicers_own_tools_is_a_prompt(loop):
    loop.click((9, 8, 6), CORONAL)
    nodes_of(loop, POSITIVE)[0].AddControlPoint(9.0, 5.0, 6.0)
    assert prompts(loop)[1] == (POSITIVE, (CORONAL, 5), (9, 5, 6))
    assert np.array_equal(loop.mask()[:, 5], BALL[:, 5])


def test_a_point_that_is_only_being_placed_is_none(loop):
    loop.click((9, 8, 6))
    node = nodes_of(loop, POSITIVE)[0]
    node.AddNControlPoints(1, "", [5.0, 5.0, 6.0])
    node.SetNthControlPointPosition(1, 5, 5, 6, node.PositionPreview)
    assert len(prompts(loop)) == 1
    loop.click((8, 8, 6))
    assert len(prompts(loop)) == 2


def test_a_box_that_is_resized_or_moved_is_decoded_anew(loop):
    loop.scene_session.add_box(picked((9, 8, 6)), picked((12, 11, 6)))
    (box,) = nodes_of(loop, BOX)
    box.SetSize(8, 8, 1)
    assert prompts(loop) == [(BOX, (AXIAL, 6), Box((7, 6, 6), (14, 13, 6)))]
    box.SetCenter([9.9, 8.1, 5.2])
    ((kind, key, found),) = prompts(loop)
    assert (kind, key, found.ijk_min[2], found.ijk_max[2]) == (BOX, (AXIAL, 5), 5, 5)
    assert not loop.mask()[6].any()
    assert loop.mask()[5].any()


def test_a_box_squeezed_to_nothing_is_one_voxel(loop):
    loop.scene_session.add_box(picked((6, 5, 6)), picked((12, 11, 6)))
    nodes_of(loop, BOX)[0].SetSize(0.01, 0.01, 0.01)
    assert prompts(loop) == [(BOX, (AXIAL, 6), Box((9, 8, 6), (9, 8, 6)))]


def test_a_deleted_box_is_no_prompt_any_more(loop):
    loop.scene_session.add_box(picked((6, 5, 6)), picked((12, 11, 6)))
    loop.world.scene.RemoveNode(nodes_of(loop, BOX)[0])
    assert prompts(loop) == []
    assert not loop.mask().any()
    loop.scene_session.undo()
    assert len(nodes_of(loop, BOX)) == 1
    assert loop.mask()[6].any()


def test_prompts_of_an_accepted_slice_go_back_to_where_they_were(loop):
    loop.click((9, 8, 6))
    loop.scene_session.accept_slice("ball", (AXIAL, 6))
    before = loop.mask()
    nodes_of(loop, POSITIVE)[0].SetNthControlPointPosition(0, 5, 5, 6)
    assert "accepted" in loop.told[0]
    assert prompts(loop) == [(POSITIVE, (AXIAL, 6), (9, 8, 6))]
    assert world_positions(nodes_of(loop, POSITIVE)[0]) == [[9, 8, 6]]
    assert np.array_equal(loop.mask(), before)


def test_renaming_prompt_nodes_and_restyling_them_is_the_users_business(loop):
    loop.click((9, 8, 6))
    node = nodes_of(loop, POSITIVE)[0]
    node.GetDisplayNode().SetGlyphScale(7)
    node.SetName("mine")
    loop.click((8, 8, 6))
    assert node.GetName() == "mine"
    assert node.GetDisplayNode().GetGlyphScale() == 7
    assert len(prompts(loop)) == 2
    assert loop.scene_session.can_undo
    loop.scene_session.undo()
    assert len(prompts(loop)) == 1


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_a_prompt_moved_to_no_place_at_all_goes_back(loop, wrong, recwarn):
    loop.click((9, 8, 6))
    loop.scene_session.add_box(picked((6, 5, 5)), picked((12, 11, 5)))
    before, masks = prompts(loop), loop.masks()
    (points,), (box,) = nodes_of(loop, POSITIVE), nodes_of(loop, BOX)
    points.SetNthControlPointPosition(0, wrong, 0, 0)
    assert world_positions(points) == [[9, 8, 6]]
    box.SetSize(wrong, 1, 1)
    assert loop.told == ["A prompt has been moved to a place that does not exist; it goes back to where it was."] * 2
    assert box.GetSize() == (7, 7, 1)
    assert prompts(loop) == before
    assert all(np.array_equal(loop.mask(name), mask) for name, mask in masks.items())
    assert not recwarn.list


def test_prompts_of_a_scene_that_have_no_place_are_left_out(loop):
    loop.click((9, 8, 6))
    loop.click((8, 8, 6))
    loop.scene_session.add_box(picked((6, 5, 5)), picked((12, 11, 5)))
    loop.scene_session.close()
    nodes_of(loop, POSITIVE)[0].SetNthControlPointPosition(0, float("nan"), 0, 0)
    nodes_of(loop, BOX)[0].SetSize(float("nan"), 1, 1)
    again = Loop(loop.world, nodes=(loop.volume_node, loop.node))
    assert prompts(again) == [(POSITIVE, (AXIAL, 6), (8, 8, 6))]
    assert nodes_of(loop, BOX) == []
    again.scene_session.close()
