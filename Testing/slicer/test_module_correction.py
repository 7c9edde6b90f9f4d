"""The module's section 'Correct by hand': the Segment Editor and prompts on one segment."""

import pytest
import slicer

from SAMSegmentLib.mrml.viewinput import Tool
from Testing.slicer.module_bench import CENTRE, exercises

I0, J0, K0 = CENTRE
PAINTED = (3, 3, K0)


def paint(module, ijk):
    """What the Paint effect does for one voxel."""
    import vtk

    i, j, k = ijk
    stroke = slicer.vtkOrientedImageData()
    stroke.SetExtent(i, i, j, j, k, k)
    stroke.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    stroke.GetPointData().GetScalars().Fill(1)
    matrix = vtk.vtkMatrix4x4()
    module.session.volume_node.GetIJKToRASMatrix(matrix)
    stroke.SetImageToWorldMatrix(matrix)
    module.ui.segmentEditorWidget.saveStateForUndo()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    node, segment = module.session.segmentation_node, module.session.selected_segment_id
    assert logic.SetBinaryLabelmapToSegment(stroke, node, segment, logic.MODE_MERGE_MAX)
    module.settle()


def is_painted(module):
    return bool(module.mask()[K0, 3, 3])


def test_a_hand_correction_stays_after_further_clicks(module):
    module.open_ball()
    module.click("Red", CENTRE)
    paint(module, PAINTED)
    module.click("Red", (I0, J0, K0 + 3))
    module.click("Red", (I0 + 2, J0, K0))
    assert is_painted(module)


def test_undo_takes_back_strokes_and_clicks_in_their_order(module):
    module.open_ball()
    module.click("Red", CENTRE)
    first = module.mask()
    paint(module, PAINTED)
    module.click("Red", (I0, J0, K0 + 3))
    module.press("undoButton")
    module.settle()
    assert is_painted(module)
    assert not module.mask()[K0 + 3].any()
    module.press("undoButton")
    module.settle()
    assert (module.mask() == first).all()
    assert module.prompts() == [("positive", "axial", K0)]


@exercises("acceptCorrectionButton", "correctionSection")
def test_a_corrected_slice_is_accepted_as_it_is_and_propagated_from(module):
    module.open_ball()
    module.click("Red", CENTRE)
    paint(module, PAINTED)
    module.look("Red", CENTRE)
    module.open_section("correctionSection")
    module.press("acceptCorrectionButton")
    module.settle()
    assert is_painted(module)
    state = module.widget.panel.work.segment
    mask = state.masks[module.widget.panel.work.viewed]
    assert mask.is_accepted
    assert mask.unpack().sum() == module.mask()[K0].sum()


def press_effect(module, name):
    """Press one of the buttons within the Segment Editor's widget."""
    from PySide6 import QtWidgets

    editor = module.host.binding.unwrap(module.ui.segmentEditorWidget)
    buttons = {button.text(): button for button in editor.findChildren(QtWidgets.QAbstractButton)}
    assert buttons[name].isVisible()
    buttons[name].click()
    module.touched.add("segmentEditorWidget")


@exercises("segmentEditorWidget")
def test_the_tool_that_was_chosen_last_has_the_mouse(module):
    module.open_ball()
    views, editor = module.widget.panel.views, module.ui.segmentEditorWidget
    module.open_section("correctionSection")
    press_effect(module, "Paint")
    module.settle()
    assert editor.mrmlSegmentEditorNode().GetActiveEffectName() == "Paint"
    assert views.tool is Tool.NONE
    module.press("includeButton")
    module.settle()
    assert views.tool is Tool.POSITIVE
    assert editor.mrmlSegmentEditorNode().GetActiveEffectName() in ("", None)
    press_effect(module, "Paint")
    module.settle()
    module.host.leave("SAMSegment")
    assert editor.mrmlSegmentEditorNode().GetActiveEffectName() in ("", None), "effects are put down with the module"


def test_the_editor_works_on_the_same_segment_as_prompts_do(module):
    module.open_ball()
    module.press("addSegmentButton")
    module.settle()
    node = module.ui.segmentEditorWidget.mrmlSegmentEditorNode()
    assert node.GetSelectedSegmentID() == module.session.selected_segment_id
    assert node.GetSegmentationNode() is module.session.segmentation_node
    assert node.GetSourceVolumeNode() is module.session.volume_node


def choose_window(module, text):
    before = module.session
    module.choose("windowComboBox", text)
    module.wait(lambda: module.session is not None and module.session is not before, "the session with this window")
    module.settle()


def test_undo_in_the_editor_parts_no_prompt_from_its_mask_after_another_window_was_chosen(module):
    module.open_ball()
    module.click("Red", CENTRE)
    mask = module.mask()
    choose_window(module, "All values")
    module.ui.segmentEditorWidget.undo()
    module.settle()
    assert (module.mask() == mask).all()
    module.click("Red", (I0, J0, K0 + 2))
    for _ in range(2):
        module.ui.segmentEditorWidget.undo()
        module.settle()
    assert (module.mask() == mask).all()
    assert module.prompts() == [("positive", "axial", K0)]


def test_the_editor_has_its_node_again_after_that_was_removed(module):
    node = module.open_ball()
    slicer.mrmlScene.RemoveNode(module.session.editor_node)
    module.wait(lambda: module.session is None, "the session to end")
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "the session")
    module.settle()
    editor_node = module.ui.segmentEditorWidget.mrmlSegmentEditorNode()
    assert editor_node is module.session.editor_node
    assert slicer.mrmlScene.IsNodePresent(editor_node)
    module.press("addSegmentButton")
    module.settle()
    assert module.ui.segmentEditorWidget.currentSegmentID() == module.session.segment_ids[1]


def test_the_editor_is_left_without_a_segmentation_where_it_is_left_without_its_node(module):
    module.open_ball()
    module.widget.panel._correction.detach()
    assert module.ui.segmentEditorWidget.segmentationNode() is None
    assert module.ui.segmentEditorWidget.sourceVolumeNode() is None


@pytest.mark.parametrize(
    ("shape", "states"), [((24, 32, 40), 50), ((256, 256, 256), 32), ((200, 512, 512), 10), ((1000, 1000, 1000), 10)]
)
def test_fewer_steps_are_kept_of_volumes_whose_labelmaps_fill_the_memory(module, shape, states):
    module.widget.panel._correction.history.start_anew(shape[0] * shape[1] * shape[2])
    assert module.ui.segmentEditorWidget.maximumNumberOfUndoStates == states
