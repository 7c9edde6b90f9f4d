"""Segments that come and go, in their order among the user's actions; voxels that change behind the session's back."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from Testing.slicer.mrml_scene import MRMLScene, numpy_support, slicer
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop

EDIT = slicer.vtkMRMLSegmentationNode


@pytest.fixture
def world():
    with MRMLScene() as world:
        yield world


@pytest.fixture
def loop(world):
    loop = Loop(world, with_history=True)
    yield loop
    loop.scene_session.close()


def picture(loop):
    """All that undo is to bring back: segments, their voxels, prompts and accepted slices."""
    session = loop.scene_session
    states = {name: session.session.state(session.name_of(name)) for name in session.segment_ids}
    accepted = {(name, key) for name, state in states.items() for key, mask in state.masks.items() if mask.is_accepted}
    voxels = {name: np.packbits(mask).tobytes() for name, mask in loop.masks().items()}
    return voxels, {(item.segment_id, item.kind, item.ijk) for item in session.prompts()}, accepted


def add(loop):
    loop.scene_session.add_segment()


def remove(segment_id):
    return lambda loop: loop.scene_session.remove_segment(segment_id)


def accept(loop):
    loop.scene_session.accept_slice("ball", (AXIAL, 6))


def click(k, segment_id="ball"):
    return lambda loop: loop.click((9, 8, k), segment_id=segment_id)


def stroke(segment_id):
    return lambda loop: loop.paint(segment_id, (0, 2, 0, 2, 0, 0))


@pytest.mark.parametrize(
    "actions",
    [
        pytest.param((click(6), accept, add), id="a segment added after an acceptance"),
        pytest.param((add, click(6), add, click(7)), id="segments added between clicks"),
        pytest.param((add, lambda loop: loop.click((9, 8, 6)), remove("ball")), id="clicks in an added segment"),
        pytest.param((click(6), click(7), remove("ball"), click(6, "other")), id="a segment with clicks removed"),
        pytest.param((click(6), click(7, "other"), remove("other"), accept), id="acceptance after a removal"),
        pytest.param((stroke("other"), click(6), remove("other"), stroke("ball")), id="strokes and a removal"),
    ],
)
def test_added_and_removed_segments_are_undone_and_redone_in_their_turn(loop, actions):
    pictures = [picture(loop)]
    for action in actions:
        action(loop)
        pictures.append(picture(loop))
    for expected in reversed(pictures[:-1]):
        loop.scene_session.undo()
        assert picture(loop) == expected
    assert not loop.scene_session.can_undo
    for expected in pictures[1:]:
        loop.scene_session.redo()
        assert picture(loop) == expected
    assert not loop.scene_session.can_redo


def test_clicks_before_a_removal_that_the_editor_took_back_can_be_undone(loop):
    loop.click((9, 8, 6))
    first = picture(loop)
    loop.click((9, 8, 7))
    loop.editor.save_state()  # as the segment editor's own button does
    loop.node.GetSegmentation().RemoveSegment("ball")
    loop.editor.undo()
    assert len(loop.scene_session.prompts()) == 2
    loop.scene_session.undo()
    assert picture(loop) == first


def test_a_segment_of_an_earlier_session_comes_back_with_its_prompts(loop):
    loop.click((9, 8, 6))
    loop.scene_session.close()
    again = Loop(loop.world, with_history=True, nodes=(loop.volume_node, loop.node))
    before = picture(again)
    again.scene_session.remove_segment("ball")
    again.scene_session.undo()
    assert picture(again) == before
    again.scene_session.close()


def test_a_segment_is_selected_as_long_as_there_is_one(loop):
    session = loop.scene_session
    added = session.add_segment()
    session.undo()
    assert session.selected_segment_id == "other"
    session.redo()
    assert session.selected_segment_id == added
    loop.node.GetSegmentation().RemoveSegment(added)
    assert session.selected_segment_id == "other"


def test_a_mask_whose_segment_is_gone_limits_no_clicks_and_says_so(loop):
    node = loop.scene_session.editor_node
    node.SetMaskMode(EDIT.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID("other")
    loop.scene_session.remove_segment("other")
    assert loop.told == ["The segment that changes were limited to is gone; voxels can be changed everywhere again."]
    loop.click((9, 8, 6))
    assert np.array_equal(loop.mask()[6], BALL[6])


def test_a_mask_that_never_had_a_segment_limits_no_clicks_and_says_so(loop):
    node = loop.scene_session.editor_node
    node.SetMaskMode(EDIT.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID("of another segmentation")
    loop.click((9, 8, 6))
    assert np.array_equal(loop.mask()[6], BALL[6])
    assert len(loop.told) == 1


# --- the volume


def test_voxels_that_a_script_has_changed_end_the_session(loop):
    # What slicer.util.arrayFromVolumeModified does: the image itself says nothing.
    loop.volume_node.GetImageData().GetPointData().GetScalars().Modified()
    loop.volume_node.Modified()
    assert not loop.scene_session.is_open
    assert loop.told == ["The voxels of ball have changed; choose it again to segment it as it is."]


def test_looking_at_a_volume_is_no_change_of_it(loop):
    view = loop.world.add_slice_view()
    view.show(loop.volume_node)
    view.picture()
    display = loop.volume_node.GetDisplayNode()
    display.SetAutoWindowLevel(True)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(40, 80)
    display.SetApplyThreshold(True)
    display.SetAndObserveColorNodeID(loop.world.scene.GetFirstNodeByClass("vtkMRMLColorTableNode").GetID())
    scalars = loop.volume_node.GetImageData().GetPointData().GetScalars()
    scalars.GetRange()
    numpy_support.vtk_to_numpy(scalars).max()
    view.picture()
    frame = slicer.vtkMRMLScalarVolumeNode()
    frame.CopyContent(loop.volume_node, False)
    loop.volume_node.CopyContent(frame, False)  # as a sequence browser does when it shows the same frame again
    loop.click((9, 8, 6))
    loop.volume_node.Modified()
    assert loop.scene_session.is_open
    assert loop.told == []


# --- the segmentation


def test_prompts_go_with_their_segmentation(loop):
    loop.click((9, 8, 6))
    loop.click((9, 8, 7), segment_id="other")
    loop.world.scene.RemoveNode(loop.node)
    assert loop.world.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0
    assert loop.world.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsDisplayNode") == 0
    assert loop.told == ["The segmentation segmentation was removed; choose another one to go on."]
