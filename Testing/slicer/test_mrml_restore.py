"""A scene is saved, closed and loaded, and the next click goes on where the last one was."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Box
from Testing.generated import affine_for, rotation
from Testing.slicer.mrml_late import late_loop
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop, picked

AFFINE = affine_for((0, 1, 2), (1, 1, 1), (0.5, 0.5, 5))
AFFINE[:3, :3] = rotation((8, -5, 12)) @ AFFINE[:3, :3]


@pytest.fixture
def world():
    with MRMLScene() as world:
        yield world


def worked_on(world) -> Loop:
    """Points in two orientations, a box, a chosen candidate, an accepted slice and a correction by hand."""
    loop = Loop(world, affine=AFFINE)
    session = loop.scene_session
    loop.click((9, 8, 6))
    loop.click((7, 8, 6), positive=False)
    loop.click((8, 8, 6))
    loop.click((9, 8, 6), Orientation.CORONAL)
    session.add_box(picked((6, 5, 5)), picked((12, 11, 5)))
    session.choose_candidate("ball", (AXIAL, 5), 1)
    session.accept_slice("ball", (AXIAL, 5))
    loop.click((9, 8, 3), segment_id="other")
    loop.paint("ball", (0, 1, 0, 1, 9, 9))
    return loop


def saved_and_loaded(world, loop, path) -> Loop:
    """The scene after it went through a file, with a new session on it."""
    loop.scene_session.close()
    names = loop.volume_node.GetName(), loop.node.GetName()
    world.save(path)
    world.load(path)
    nodes = tuple(world.scene.GetFirstNodeByName(name) for name in names)
    return Loop(world, nodes=nodes)


def test_prompts_and_voxels_are_back(world, tmp_path):
    loop = worked_on(world)
    prompts, voxels = loop.scene_session.prompts(), loop.masks()
    states = {state.name: dict(state.prompts) for state in loop.scene_session.session.states}
    again = saved_and_loaded(world, loop, tmp_path / "scene.mrb")
    assert sorted(map(repr, again.scene_session.prompts())) == sorted(map(repr, prompts))
    assert {state.name: dict(state.prompts) for state in again.scene_session.session.states} == states
    assert again.masks().keys() == voxels.keys()
    assert all(np.array_equal(mask, voxels[name]) for name, mask in again.masks().items())
    assert again.told == []
    again.scene_session.close()


def test_a_further_click_changes_its_slice_alone(world, tmp_path):
    loop = saved_and_loaded(world, worked_on(world), tmp_path / "scene.mrb")
    before = loop.mask()
    assert loop.engine.cache_counts.misses == 0  # nothing was asked for what is there
    loop.click((9, 8, 7))
    after = loop.mask()
    assert np.array_equal(after[7] & ~before[7], BALL[7] & ~before[7])
    assert np.array_equal(np.delete(after, 7, axis=0), np.delete(before, 7, axis=0))
    loop.scene_session.undo()
    assert np.array_equal(loop.mask(), before)
    loop.scene_session.close()


def test_a_further_click_on_a_prompted_slice_corrects_it(world, tmp_path):
    loop = saved_and_loaded(world, worked_on(world), tmp_path / "scene.mrb")
    before = loop.mask()
    assert before[6, 8, 10]
    loop.click((10, 7, 6), positive=False)
    assert np.argwhere(before != loop.mask()).tolist() == [[6, 7, 10]]
    loop.scene_session.close()


def test_accepted_slices_are_locked_still(world, tmp_path):
    loop = saved_and_loaded(world, worked_on(world), tmp_path / "scene.mrb")
    mask = loop.scene_session.session.state("ball").masks[AXIAL, 5]
    assert mask.is_accepted
    assert np.array_equal(mask.unpack(), loop.mask()[5][::-1, ::-1])  # a picture has left on the right, anterior on top
    loop.scene_session.close()


def test_a_propagation_goes_on_from_what_was_loaded(world, tmp_path):
    loop = Loop(world)
    loop.click((9, 8, 6))
    loop = saved_and_loaded(world, loop, tmp_path / "scene.mrb")
    loop.scene_session.propagate("ball", Propagation(AXIAL)).result()
    assert np.count_nonzero(loop.mask().any(axis=(1, 2))) > 4
    loop.scene_session.close()


def propagated(world) -> Loop:
    loop = Loop(world, affine=AFFINE)
    loop.click((9, 8, 6))
    loop.scene_session.propagate("ball", Propagation(AXIAL)).result()
    return loop


def test_propagated_slices_are_known_again_and_replaced_when_it_is_propagated_again(world, tmp_path):
    loop = propagated(world)
    voxels, before = loop.mask(), dict(loop.scene_session.session.state("ball").masks)
    loop = saved_and_loaded(world, loop, tmp_path / "scene.mrb")
    state = loop.scene_session.session.state("ball")
    again = state.outdated(AXIAL)
    assert {(AXIAL, index) for index in again} == before.keys() - {(AXIAL, 6)}
    for index in again:
        assert state.masks[AXIAL, index].confidence == pytest.approx(before[AXIAL, index].confidence, abs=0.005)
    assert np.array_equal(loop.mask(), voxels)
    loop.scene_session.propagate("ball", Propagation(AXIAL, stops=(8,))).result()
    assert voxels[8:].any()
    assert not loop.mask()[8:].any(), "slices of the propagation before the scene was saved are left over"
    loop.scene_session.undo()
    assert np.array_equal(loop.mask(), voxels)
    loop.scene_session.close()


def test_propagated_slices_that_another_orientation_crosses_are_known_again(world, tmp_path):
    loop = propagated(world)
    loop.click((9, 8, 6), Orientation.CORONAL)
    before = loop.scene_session.session.state("ball").masks
    loop = saved_and_loaded(world, loop, tmp_path / "scene.mrb")
    again = loop.scene_session.session.state("ball").outdated(AXIAL)
    assert {(AXIAL, index) for index in again} == {key for key, mask in before.items() if mask.is_propagated}
    loop.scene_session.close()


def test_a_session_that_ends_amid_a_propagation_leaves_its_slices_to_the_next_one(world):
    loop = late_loop(world)
    loop.engine.answer_all()
    loop.scene_session.propagate("ball", Propagation(AXIAL))
    loop.engine.hand_over(2)
    loop.scene_session.close()
    again = Loop(world, nodes=(loop.volume_node, loop.node))
    left = again.scene_session.session.state("ball").outdated(AXIAL)
    assert len(left) == 2
    assert loop.mask()[left].any(axis=(1, 2)).all()
    again.scene_session.propagate("ball", Propagation(AXIAL, stops=(max(left),))).result()
    assert not again.mask()[: max(left) + 1].any(), "slices of the propagation that was cut off are left over"
    again.scene_session.close()


def test_propagated_slices_that_were_changed_by_hand_since_stay_what_they_are(world, tmp_path):
    loop = propagated(world)
    loop.paint("ball", (0, 1, 0, 1, 8, 8))
    voxels = loop.mask()
    loop = saved_and_loaded(world, loop, tmp_path / "scene.mrb")
    assert 8 not in loop.scene_session.session.state("ball").outdated(AXIAL)
    loop.scene_session.propagate("ball", Propagation(AXIAL, stops=(7,))).result()
    assert np.array_equal(loop.mask()[8], voxels[8])
    assert not loop.mask()[9:].any()
    loop.scene_session.close()


@pytest.mark.parametrize("segment_id", ["liver: left; größe=1", "a~b%20", "1.2.840.1"])
def test_names_and_ids_of_any_letters_survive(world, tmp_path, segment_id):
    loop = Loop(world)
    loop.node.GetSegmentation().AddEmptySegment(segment_id, 'Le "foie" & <b>: gauche; 肝')
    session = loop.scene_session
    loop.click((9, 8, 6), segment_id=segment_id)
    session.add_box(picked((6, 5, 5)), picked((12, 11, 5)), segment_id=segment_id)
    session.choose_candidate(segment_id, (AXIAL, 5), 1)
    session.accept_slice(segment_id, (AXIAL, 6))
    states = [(state.name, dict(state.prompts)) for state in session.session.states]
    again = saved_and_loaded(world, loop, tmp_path / "scene.mrb").scene_session
    assert [(state.name, dict(state.prompts)) for state in again.session.states] == states
    assert again.session.state(again.name_of(segment_id)).masks[AXIAL, 6].is_accepted
    again.close()


def test_a_second_session_on_the_same_nodes_goes_on_as_well(world):
    loop = worked_on(world)
    prompts, voxels, count = loop.scene_session.prompts(), loop.masks(), world.scene.GetNumberOfNodes()
    loop.scene_session.close()
    again = Loop(world, nodes=(loop.volume_node, loop.node))
    assert again.scene_session.prompts() == prompts
    assert all(np.array_equal(mask, voxels[name]) for name, mask in again.masks().items())
    assert world.scene.GetNumberOfNodes() == count
    again.scene_session.close()


def test_prompts_that_were_edited_in_the_file_are_taken_as_they_can_be(world):
    loop = Loop(world)
    loop.click((9, 8, 6))
    loop.scene_session.add_box(picked((6, 5, 5)), picked((12, 11, 5)))
    loop.scene_session.close()
    points = world.scene.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode")
    points.SetNthControlPointDescription(0, "slice six")
    points.AddControlPoint(500.0, 500.0, 500.0)
    segment = loop.node.GetSegmentation().GetSegment("ball")
    loop.node.SetAttribute("SAMSegment.Accepted.ball", "axial 999 0,axial,,coronal -1 0,axial 5 0 0")
    loop.node.SetAttribute("SAMSegment.Candidates.ball", "axial 5 77")
    loop.node.SetAttribute("SAMSegment.Propagated.ball", "axial 999 0,axial 4 12345,axial,coronal -1 0")
    loop.node.SetAttribute("SAMSegment.Confidences.ball", "axial 4 5000")
    segment.SetTag("SAMSegment.Write", "many")
    again = Loop(world, nodes=(loop.volume_node, loop.node))
    entries = again.scene_session.prompts()
    assert [entry.ijk for entry in entries if entry.box is None] == [(9, 8, 6), (19, 15, 11)]
    assert [entry.box for entry in entries if entry.box] == [Box((6, 5, 5), (12, 11, 5))]
    again.click((9, 8, 7))
    assert np.array_equal(again.mask()[7], BALL[7])
    again.scene_session.close()
