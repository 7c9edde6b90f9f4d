"""Volumes and segmentations that go, move and come back while the module works on them or another one is shown."""

import threading

import numpy as np
import pytest
import slicer
import vtk

from SAMSegmentLib.embeddings import Usage
from SAMSegmentLib.worker.interface import EmbeddingProgress
from Testing.slicer.module_bench import BALL, CENTRE

I0, J0, K0 = CENTRE


def transform_of(degrees: float, shift: tuple[float, float, float]):
    turn = vtk.vtkTransform()
    turn.Translate(*shift)
    turn.RotateZ(degrees)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(turn.GetMatrix())
    return node


@pytest.mark.parametrize(
    ("degrees", "shift"),
    [pytest.param(0, (7, -11, 13), id="shifted"), pytest.param(20, (5, 0, -3), id="turned by 20 degrees")],
)
def test_a_volume_under_a_transform_is_segmented_where_it_is_clicked(module, degrees, shift):
    node = slicer.util.addVolumeFromArray(np.where(BALL, 200, 20).astype(np.int16), name="Ball")
    node.SetAndObserveTransformNodeID(transform_of(degrees, shift).GetID())
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "a session")
    module.wait(lambda: "Ready" in module.ui.engineStateLabel.text, "the engine")
    view = module.host.view("Red")
    view.slice_node.RotateToVolumePlane(node)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    world = node.GetParentTransformNode().GetMatrixTransformToParent().MultiplyPoint(matrix.MultiplyPoint((*CENTRE, 1)))
    view.slice_node.JumpSliceByOffsetting(*world[:3])
    view.click(view.xy_of_ras(tuple(world[:3])))
    module.settle()
    assert [entry.ijk for entry in module.session.prompts()] == [CENTRE]
    assert np.array_equal(module.mask()[K0], BALL[K0])
    assert module.session.segmentation_node.GetTransformNodeID() == node.GetTransformNodeID()


def test_a_volume_that_has_just_changed_can_be_chosen_again_at_once(module):
    node = module.open_ball()
    ended = module.session
    slicer.util.arrayFromVolumeModified(node)
    module.widget.panel._binding.open_again()  # what the selector calls, before the panel has noticed the end
    module.wait(lambda: module.session is not None and module.session is not ended, "another session")
    assert module.session.is_open


def test_the_next_volume_does_not_get_the_segmentation_of_one_that_was_removed(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    segmentation = module.session.segmentation_node
    slicer.mrmlScene.RemoveNode(node)
    module.wait(lambda: module.session is None, "the session to end")
    second = module.open_ball()
    assert module.session.volume_node is second
    assert module.session.segmentation_node is not segmentation
    assert module.prompts() == []
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1, "it stays for who wants it"


def test_a_segmentation_from_a_file_is_that_of_the_volume_that_it_is_chosen_with(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    loaded = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Loaded")
    loaded.GetSegmentation().DeepCopy(module.session.segmentation_node.GetSegmentation())
    module.choose_node("volumeSelector", None)
    module.choose_node("segmentationSelector", loaded)
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "the session")
    assert module.session.segmentation_node is loaded
    role = loaded.GetReferenceImageGeometryReferenceRole()
    assert loaded.GetNodeReference(role) is node, "also when the scene is loaded again"


def test_a_segmentation_that_is_deleted_in_another_module_stays_deleted_and_its_prompts_go(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.host.leave("SAMSegment")
    slicer.mrmlScene.RemoveNode(module.session.segmentation_node)
    module.host.process_events(100)
    assert module.session is None
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsNode") == []
    module.host.enter("SAMSegment")
    module.wait(lambda: module.session is not None, "a new segmentation")
    assert module.prompts() == []


def test_undo_takes_an_added_segment_back_before_what_was_done_earlier(module):
    module.open_ball()
    module.click("Red", CENTRE)
    first = module.session.selected_segment_id
    module.press("acceptSliceButton")
    module.press("addSegmentButton")
    added = module.session.selected_segment_id
    module.press("undoButton")
    module.settle()
    assert module.session.segment_ids == (first,)
    assert module.session.selected_segment_id == first
    module.press("redoButton")
    module.settle()
    assert module.session.segment_ids == (first, added)
    for _ in range(2):
        module.press("undoButton")
    module.settle()
    assert module.prompts() == [("positive", "axial", K0)]
    assert not module.widget.panel.work.segment.masks["axial", K0].is_accepted


def test_reports_of_a_preparation_that_was_stopped_change_nothing(module, monkeypatch):
    module.open_ball()
    reports = []
    prepare = module.worker.embed_all
    monkeypatch.setattr(module.worker, "embed_all", lambda *values: reports.append(values[-1]) or prepare(*values))
    module.worker.is_held = True
    module.press("prepareButton")
    module.press("prepareButton")
    shown = module.ui.embeddingProgressBar.format
    reports[0](EmbeddingProgress(3, 24, 3, 1.0))
    assert module.ui.embeddingProgressBar.format == shown


def test_prepared_slices_are_deleted_beside_the_work(module, monkeypatch):
    cleared_in = []

    def clear(store):
        cleared_in.append(threading.current_thread())
        return Usage(3, 2_000_000, {})

    monkeypatch.setattr("SAMSegmentLib.embeddings.DiskStore.clear", clear)
    module.open_section("settingsSection")
    module.press("clearCacheButton")
    module.wait(lambda: module.ui.cacheLabel.text == "3 prepared slices removed (2 MB).", "the removal")
    assert cleared_in != [threading.main_thread()]
