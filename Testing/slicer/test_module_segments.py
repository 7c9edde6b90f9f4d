"""The module's section 'Volume and segments', used as a user does."""

import numpy as np
import slicer
import vtk

from Testing.slicer.module_bench import CENTRE, exercises

I0, J0, K0 = CENTRE


@exercises("volumeSelector")
def test_choosing_a_volume_makes_a_segmentation_with_a_first_segment_on_its_grid(module):
    node = module.open_ball((0.5, 0.5, 5.0))
    segmentation = module.ui.segmentationSelector.currentNode()
    role = segmentation.GetReferenceImageGeometryReferenceRole()
    assert segmentation.GetNodeReference(role) is node
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
    assert segmentation.GetDisplayNode() is not None
    composite = module.host.view("Red").slice_logic.GetSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == node.GetID()


def test_a_volume_that_was_worked_on_before_has_its_segmentation_again(module):
    first = module.open_ball()
    module.click("Red", CENTRE)
    mask, segmentation = module.mask(), module.session.segmentation_node
    other = slicer.util.addVolumeFromArray(np.zeros((8, 9, 10), np.int16), name="Other")
    module.choose_node("volumeSelector", other)
    module.wait(lambda: module.session and module.session.volume_node is other, "the other volume")
    assert module.session.segmentation_node is not segmentation
    module.choose_node("volumeSelector", first)
    module.wait(lambda: module.session and module.session.volume_node is first, "the first volume")
    assert module.session.segmentation_node is segmentation
    assert (module.mask() == mask).all()
    assert module.prompts() == [("positive", "axial", K0)]


@exercises("segmentationSelector")
def test_another_segmentation_is_worked_on_when_it_is_chosen(module):
    module.open_ball()
    module.click("Red", CENTRE)
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Own")
    module.choose_node("segmentationSelector", own)
    module.wait(lambda: module.session and module.session.segmentation_node is own, "the own segmentation")
    assert module.prompts() == []
    module.click("Red", CENTRE)
    assert module.mask()[K0, J0, I0]


@exercises("addSegmentButton", "removeSegmentButton", "segmentsTable")
def test_prompts_go_to_the_selected_segment(module):
    module.open_ball()
    module.click("Red", CENTRE)
    first = module.mask()
    module.press("addSegmentButton")
    module.settle()
    assert module.ui.promptTable.rowCount == 0, "the list shows the selected segment's prompts"
    module.click("Red", (I0, J0, K0 + 2))
    assert module.mask()[K0 + 2].any()
    assert not module.mask()[K0].any()
    module.click_row("segmentsTable", 0, 3)
    module.settle()
    assert (module.mask() == first).all()
    module.press("removeSegmentButton")
    module.settle()
    assert len(module.session.segment_ids) == 1
    assert module.mask()[K0 + 2].any(), "the other segment is selected now, and whole"


def test_a_volume_that_cannot_be_segmented_is_refused_with_a_sentence(module):
    node = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6, 3), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode")
    scalar = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Without image")
    module.choose_node("volumeSelector", scalar)
    module.settle()
    assert module.session is None
    assert "Without image" in module.said
    assert module.ui.volumeSelector.currentNodeID != node.GetID()


def test_leaving_the_choice_of_a_volume_empty_ends_the_session(module):
    module.open_ball()
    module.choose_node("volumeSelector", None)
    module.settle()
    assert module.session is None
    assert not module.ui.includeButton.enabled


def test_a_volume_that_is_deleted_in_the_middle_of_a_request_ends_the_session(module):
    node = module.open_ball()
    module.worker.is_held = True
    module.click("Red", CENTRE)
    slicer.mrmlScene.RemoveNode(node)
    module.worker.is_held = False
    module.wait(lambda: module.session is None, "the session to end")
    module.settle()
    assert "Choose a volume" in module.ui.promptHintLabel.text


def test_a_volume_whose_voxels_have_changed_is_worked_on_when_it_is_chosen_again(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    changed = slicer.util.arrayFromVolume(node)[K0 + 2]
    changed[:, I0 + 1 :] = 20  # half of the ball's slice is gone
    slicer.util.arrayFromVolumeModified(node)
    module.wait(lambda: module.session is None, "the session to end")
    assert "have changed; choose it again" in module.said
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "the session")
    assert module.said == "", "what was to be done is done"
    assert module.mask()[K0].any(), "what was made before is there"
    module.click("Red", (I0, J0, K0 + 2))
    assert np.array_equal(module.mask()[K0 + 2], changed == 200), "the model sees the slice as it is"


def test_a_refused_segmentation_is_opened_when_its_cause_is_mended_and_the_module_entered_again(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    segmentation = module.session.segmentation_node
    module.choose_node("volumeSelector", None)
    node.SetOrigin(5, 0, 0)
    module.choose_node("volumeSelector", node)
    module.settle()
    module.wait(lambda: "other voxels" in module.said, "the sentence")
    assert module.session is None
    node.SetOrigin(0, 0, 0)
    module.host.leave("SAMSegment")
    module.host.enter("SAMSegment")
    module.wait(lambda: module.session is not None, "the session")
    assert module.session.segmentation_node is segmentation
    assert module.mask()[K0].any()


def test_a_volume_goes_under_a_transform_and_its_segmentation_after_it(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    session, mask = module.session, module.mask()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 7.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    module.settle()
    assert module.session is session, "the work does not end"
    module.click("Red", (I0, J0, K0 + 2))
    assert "lie apart" in module.said
    session.segmentation_node.SetAndObserveTransformNodeID(transform.GetID())
    module.settle()
    assert module.session is session
    assert [entry.ijk for entry in session.prompts()] == [CENTRE]
    assert (module.mask() == mask).all()
