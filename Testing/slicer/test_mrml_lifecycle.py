"""Whatever else happens in the scene, the session goes on or says why it ended, and leaves nothing behind."""

import gc
import weakref

import numpy as np
import psutil
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.prompts import Box, Point, PromptSet
from SAMSegmentLib.savedmask import SavedMask
from SAMSegmentLib.sessionfile import SavedSegment
from Testing.generated import volume_of
from Testing.slicer.mrml_late import late_loop
from Testing.slicer.mrml_scene import MRMLScene, vtk
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop, picked


@pytest.fixture
def world():
    with MRMLScene() as world:
        yield world


@pytest.fixture
def loop(world):
    loop = Loop(world)
    yield loop
    loop.scene_session.close()


@pytest.fixture
def late(world):
    """A session whose answer to a click is on its way."""
    loop = late_loop(world)
    yield loop
    loop.scene_session.close()


# --- segments


def test_a_renamed_segment_keeps_its_prompts_and_gets_its_answer(late):
    late.node.GetSegmentation().GetSegment("ball").SetName("spleen")
    assert late.scene_session.name_of("ball") == "spleen"
    late.engine.answer_all()
    assert np.array_equal(late.mask()[6], BALL[6])
    assert late.scene_session.session.segment_names == ("spleen", "other")
    assert "spleen" in late.world.scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode").GetName()


def test_segments_of_one_name_are_kept_apart(loop):
    loop.node.GetSegmentation().GetSegment("other").SetName("ball")
    loop.click((9, 8, 6), segment_id="other")
    assert loop.mask("other").any()
    assert not loop.mask("ball").any()


def test_a_segment_removed_elsewhere_takes_its_prompts_along(late):
    late.click((9, 8, 4), segment_id="other")
    late.node.GetSegmentation().RemoveSegment("ball")
    late.engine.answer_all()
    assert [entry.segment_id for entry in late.scene_session.prompts()] == ["other"]
    assert np.array_equal(late.mask("other")[4], BALL[4])
    assert late.scene_session.session.segment_names == ("other",)
    with pytest.raises(InputError):
        late.click((9, 8, 7), segment_id="ball")
    late.scene_session.undo()
    late.scene_session.undo()
    assert late.scene_session.prompts() == []


def test_a_removed_segment_that_the_editor_brings_back_has_its_prompts(world):
    loop = Loop(world, with_history=True)
    loop.click((9, 8, 6))
    before = loop.masks()
    loop.scene_session.remove_segment("ball")
    assert loop.scene_session.prompts() == []
    loop.editor.undo()
    assert np.array_equal(loop.mask(), before["ball"])
    assert [entry.ijk for entry in loop.scene_session.prompts()] == [(9, 8, 6)]
    loop.click((9, 8, 7))
    assert np.array_equal(loop.mask()[7], BALL[7])
    loop.scene_session.close()


def test_a_new_segment_with_the_id_of_a_removed_one_is_empty(world):
    loop = Loop(world)
    loop.click((9, 8, 6))
    segmentation = loop.node.GetSegmentation()
    segmentation.RemoveSegment("ball")
    segmentation.AddEmptySegment("ball", "ball")
    assert loop.scene_session.prompts() == []
    loop.click((9, 8, 7))
    assert not loop.mask()[6].any()
    loop.scene_session.undo()
    loop.scene_session.undo()
    assert not loop.mask().any()
    loop.scene_session.close()


def test_a_segment_added_elsewhere_takes_prompts(loop):
    loop.node.GetSegmentation().AddEmptySegment("new", "new one")
    loop.click((9, 8, 6), segment_id="new")
    assert np.array_equal(loop.mask("new")[6], BALL[6])


def test_a_segment_added_here_is_selected_and_coloured(loop):
    name = loop.scene_session.add_segment("tumour")
    loop.click((9, 8, 6))
    assert loop.scene_session.selected_segment_id == name
    assert loop.mask(name).any()
    found = {segment.name: segment for segment in loop.scene_session.segments()}
    assert found["tumour"].color == (0, 158, 115)
    assert np.array_equal(found["tumour"].mask, loop.mask(name))


def test_segments_added_without_a_name_have_names_that_differ(loop):
    ids = [loop.scene_session.add_segment() for _ in range(2)]
    names = [loop.scene_session.name_of(segment_id) for segment_id in ids]
    assert len(set(ids)) == len(set(names)) == 2
    assert all(names)


def test_a_colour_chosen_elsewhere_is_the_sessions(loop):
    loop.node.GetSegmentation().GetSegment("ball").SetColor(1, 0, 0)
    assert loop.scene_session.session.state("ball").color == (255, 0, 0)


# --- nodes


def test_a_deleted_list_of_points_takes_its_prompts_along(loop):
    loop.click((9, 8, 6))
    loop.scene_session.add_box(picked((6, 5, 5)), picked((12, 11, 5)))
    loop.world.scene.RemoveNode(loop.world.scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode"))
    assert [entry.kind for entry in loop.scene_session.prompts()] == ["box"]
    assert not loop.mask()[6].any()
    loop.click((9, 8, 7))
    assert np.array_equal(loop.mask()[7], BALL[7])


@pytest.mark.parametrize("what", ["volume", "segmentation"])
def test_a_deleted_node_ends_the_session_with_a_sentence(late, what):
    node = late.volume_node if what == "volume" else late.node
    late.world.scene.RemoveNode(node)
    late.engine.answer_all()
    assert_ended(late, f"The {what} {node.GetName()} was removed; choose another one to go on.")


def test_a_closed_scene_ends_the_session_with_a_sentence(late):
    late.world.scene.Clear(False)
    late.engine.answer_all()
    assert_ended(late, "The scene was closed, and the segmentation with it.")
    assert late.world.scene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 0


def test_changed_voxels_end_the_session_with_a_sentence(late):
    late.volume_node.GetImageData().Modified()
    assert_ended(late, "The voxels of ball have changed; choose it again to segment it as it is.")


def test_another_image_ends_the_session_with_a_sentence(late):
    image = vtk.vtkImageData()
    image.DeepCopy(late.volume_node.GetImageData())
    late.volume_node.SetAndObserveImageData(image)
    assert_ended(late, "The voxels of ball have changed; choose it again to segment it as it is.")


def test_a_volume_that_is_moved_alone_ends_the_session_with_a_sentence(late):
    late.volume_node.SetOrigin(1, 2, 3)
    assert_ended(late, "The place of ball has changed; choose it again to segment it there.")


def test_windowing_and_renaming_the_volume_are_no_changes_of_it(loop):
    loop.volume_node.SetName("scan")
    loop.volume_node.GetDisplayNode().SetAutoWindowLevel(False)
    loop.volume_node.GetDisplayNode().SetWindowLevel(40, 80)
    assert loop.scene_session.is_open
    assert loop.told == []


def assert_ended(loop, sentence) -> None:
    assert not loop.scene_session.is_open
    assert loop.told == [sentence]
    with pytest.raises(InputError):
        loop.click((9, 8, 7))
    loop.scene_session.undo()
    loop.scene_session.redo()
    assert loop.scene_session.prompts() == []
    assert not loop.scene_session.can_undo


# --- closing


def test_closing_leaves_prompts_and_segments_and_no_nodes_of_its_own(world):
    volume_node = world.add_volume(volume_of(BALL.astype(np.uint8) * 255), "ball")
    nodes = volume_node, world.add_segmentation(volume_node, "ball", "other")
    before = world.scene.GetNumberOfNodes()
    loop = Loop(world, nodes=nodes)
    loop.scene_session.close()
    loop.scene_session.close()
    assert world.scene.GetNumberOfNodes() == before


def test_a_closed_session_is_let_go(world):
    loop = Loop(world)
    loop.click()
    loop.scene_session.close()
    session = weakref.ref(loop.scene_session._core)
    del loop
    gc.collect()
    assert session() is None


# --- prompts from a file


def test_a_saved_segment_is_one_step(loop):
    prompts = (PromptSet(AXIAL, 6, (Point((9, 8, 6)),)), PromptSet(AXIAL, 7, boxes=(Box((5, 4, 7), (13, 12, 7)),)))
    accepted = SavedMask.of(AXIAL, 3, np.ones((16, 20), bool))
    before = loop.masks()
    name = loop.scene_session.add_saved(SavedSegment("liver", (10, 20, 30), prompts, (), (accepted,)))
    assert np.array_equal(loop.mask(name)[[6, 7]], BALL[[6, 7]])
    assert loop.mask(name)[3].all()
    assert loop.scene_session.session.state("liver").color == (10, 20, 30)
    loop.scene_session.undo()
    assert not loop.mask(name).any()
    assert all(np.array_equal(loop.mask(segment_id), mask) for segment_id, mask in before.items())


def test_a_saved_segment_of_another_volume_is_refused_and_leaves_nothing(loop):
    saved = SavedSegment(
        "liver", None, (PromptSet(AXIAL, 6, (Point((9, 8, 6)),)), PromptSet(AXIAL, 99, (Point((9, 8, 99)),))), ()
    )
    with pytest.raises(InputError):
        loop.scene_session.add_saved(saved)
    saved = SavedSegment("liver", None, (), (), (SavedMask.of(AXIAL, 3, np.ones((5, 5), bool)),))
    with pytest.raises(InputError, match="'liver': the saved mask of axial slice 3 has 5x5 pixels, the slice 16x20"):
        loop.scene_session.add_saved(saved)
    assert loop.scene_session.segment_ids == ("ball", "other")
    assert not loop.scene_session.can_undo


def test_two_sessions_in_one_scene_do_not_disturb_each_other(world):
    one, other = Loop(world), Loop(world)
    one.click()
    other.click((9, 8, 7))
    one.scene_session.close()
    other.click((9, 8, 8))
    assert np.array_equal(one.mask()[6], BALL[6])
    assert np.array_equal(other.mask()[[7, 8]], BALL[[7, 8]])
    other.scene_session.close()


# --- nothing is left behind


def test_two_hundred_clicks_add_no_nodes_and_no_memory(loop):
    def click(number: int) -> None:
        loop.click((6 + number % 7, 8, 3 + number % 7), positive=number % 5 != 4)
        if number % 10 == 9:
            loop.scene_session.clear_slice("ball", (AXIAL, 3 + number % 7))

    for number in range(20):
        click(number)
    process, scene = psutil.Process(), loop.world.scene
    nodes = node_classes(scene)
    before = process.memory_info().rss
    for number in range(200):
        click(number)
    assert node_classes(scene) == nodes
    assert process.memory_info().rss - before < 20 << 20


def test_boxes_that_come_and_go_leave_no_nodes(loop):
    before = node_classes(loop.world.scene)
    for _ in range(5):
        loop.scene_session.add_box(picked((6, 5, 5)), picked((12, 11, 5)))
        loop.scene_session.remove_box("ball", (AXIAL, 5), 0)
    assert node_classes(loop.world.scene) == before


def node_classes(scene) -> dict[str, int]:
    names = [scene.GetNthNode(number).GetClassName() for number in range(scene.GetNumberOfNodes())]
    return {name: names.count(name) for name in names}
