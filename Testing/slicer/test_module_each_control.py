"""Each control alone does what it says: where several were used one after the other, another might have done it."""

import os

import pytest
import slicer

from SAMSegmentLib.embeddings import default_budget, default_folder
from Testing.slicer.module_bench import CENTRE, exercises, put_weights

I0, J0, K0 = CENTRE

# The tick boxes that are saved with the scene.
SAVED_BOXES = ["hoverCheckBox", "followCheckBox", "connectedCheckBox", "fillHolesCheckBox", "smoothCheckBox"]


# --- Engine and settings


@pytest.mark.parametrize(
    ("name", "way", "chosen", "setting", "expected"),
    [
        ("deviceComboBox", "choose", "Processor (CPU)", "device", "cpu"),
        ("threadsSpinBox", "set", 3, "threads", 3),
        ("memorySpinBox", "set", 1024, "cache_bytes", 1 << 30),
    ],
)
def test_one_setting_reaches_the_worker_without_any_other(module, name, way, chosen, setting, expected):
    module.open_ball()
    module.open_section("settingsSection")
    getattr(module, way)(name, chosen)
    module.settle()
    assert getattr(module.worker.settings, setting) == expected


@exercises("diskSpinBox")
def test_the_room_on_disk_is_set_without_a_folder(module):
    module.open_section("settingsSection")
    module.set("diskSpinBox", 7)
    module.settle()
    assert default_budget() == 7 << 30


@exercises("folderPathLineEdit")
def test_the_folder_is_set_without_a_budget(module, tmp_path):
    module.open_section("settingsSection")
    module.type("folderPathLineEdit", str(tmp_path))
    module.wait(lambda: default_folder() == tmp_path / "embeddings", "the folder", 10)
    assert os.environ["SAMSEGMENT_HOME"] == str(tmp_path)


@exercises("modelComboBox", "downloadButton")
def test_weights_that_come_start_the_model_that_waits_for_them(module, monkeypatch):
    monkeypatch.setattr(
        "SAMSegmentLib.models.download.download_weights", lambda entry, _progress: put_weights(entry.name)
    )
    module.open_ball()
    module.open_section("settingsSection")
    module.choose("modelComboBox", "mobile_sam")
    assert "not on this computer" in module.ui.engineStateLabel.text
    module.press("downloadButton")
    module.wait(lambda: len(module.workers) == 2, "the engine with the new weights", 10)
    assert module.worker.settings.model == "mobile_sam"


@exercises("removeWeightsButton")
def test_weights_that_go_are_missed_in_the_state_line(module):
    put_weights("mobile_sam")
    module.open_section("settingsSection")
    module.choose("modelComboBox", "mobile_sam")
    module.wait(lambda: "first volume" in module.ui.engineStateLabel.text, "the state", 10)
    module.press("removeWeightsButton")
    module.wait(lambda: "not on this computer" in module.ui.engineStateLabel.text, "the state", 10)


# --- Prompts


@exercises("promptTable")
def test_a_prompt_that_is_selected_by_key_can_be_gone_to_and_deleted(module):
    module.open_ball()
    module.click("Red", CENTRE)
    buttons = (module.ui.goToPromptButton, module.ui.deletePromptButton)
    assert not any(button.enabled for button in buttons)
    module.host.key(module.ui.promptTable, "Down")
    module.touched.add("promptTable")
    assert all(button.enabled for button in buttons)
    module.press("deletePromptButton")
    module.settle()
    assert module.prompts() == []


def test_choosing_a_tool_ends_the_placing_of_markups(module):
    module.open_ball()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SwitchToSinglePlaceMode()
    module.settle()
    module.press("includeButton")
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


@exercises("excludeButton")
def test_a_tool_is_put_down_with_the_module_which_begins_with_include_again(module):
    module.open_ball()
    module.press("excludeButton")
    module.host.leave("SAMSegment")
    module.settle()
    assert not module.ui.excludeButton.checked
    module.host.enter("SAMSegment")
    module.settle()
    assert (module.ui.includeButton.checked, module.ui.excludeButton.checked) == (True, False)


@exercises("windowComboBox")
def test_the_model_is_shown_the_grey_values_as_they_are_displayed(module):
    node = module.open_ball()
    before = module.session
    display = node.GetScalarVolumeDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(10, 15)
    module.choose("windowComboBox", "As displayed now")
    module.wait(lambda: module.session not in (None, before), "the session with this window")
    module.settle()
    assert module.ui.windowComboBox.currentText == "As displayed now"
    assert module.session.session.window == "15,10"
    module.click("Red", CENTRE)
    assert module.mask()[K0].all(), "the dark surroundings, 20, are displayed as bright as the ball"


@exercises("prepareButton")
def test_preparing_ends_with_the_volume_that_it_was_for(module):
    module.open_ball()
    module.worker.is_held = True
    module.press("prepareButton")
    assert module.ui.prepareButton.text == "Stop preparing"
    before = module.session
    module.choose("windowComboBox", "All values")
    module.wait(lambda: module.session not in (None, before), "the session with this window")
    module.worker.is_held = False
    module.settle()
    assert module.ui.prepareButton.text == "Prepare whole volume"
    assert module.ui.embeddingProgressBar.format == "Slices are prepared as you look at them"


# --- Propagation


@exercises("stopCheckBox")
def test_a_copy_of_a_segmentation_has_no_stops_and_nothing_propagated(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    module.look("Red", (I0, J0, K0 + 4))
    module.press("stopCheckBox")
    assert f"It ends before: {K0 + 4}." in module.ui.keySlicesLabel.text
    module.propagate()
    assert "Done" in module.ui.propagationProgressBar.format
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Copy")
    copy.SetReferenceImageGeometryParameterFromVolumeNode(node)
    copy.GetSegmentation().AddEmptySegment(module.session.selected_segment_id, "Copy")
    module.choose_node("segmentationSelector", copy)
    module.wait(lambda: module.session and module.session.segmentation_node is copy, "the copy")
    module.click("Red", CENTRE)
    assert "It ends before" not in module.ui.keySlicesLabel.text
    assert module.ui.propagationProgressBar.format == "Not propagated"


# --- Export


@exercises("exportPathLineEdit")
def test_there_is_no_export_without_a_path(module, tmp_path):
    module.open_ball()
    module.open_section("exportSection")
    module.settle()
    assert module.ui.exportButton.enabled
    module.type("exportPathLineEdit", "")
    module.settle()
    assert not module.ui.exportButton.enabled
    module.type("exportPathLineEdit", str(tmp_path / "ball.seg.nrrd"))
    module.settle()
    assert module.ui.exportButton.enabled


# --- Sections


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("settingsSection", "downloadProgressBar"),
        ("settingsSection", "cacheLabel"),
        ("exportSection", "exportResultLabel"),
    ],
)
def test_a_section_that_opens_does_not_show_what_has_nothing_to_say(module, section, name):
    module.settle()
    module.open_section(section)
    module.settle()
    assert not getattr(module.ui, name).visible


# --- The scene


@pytest.mark.parametrize("name", SAVED_BOXES)
def test_a_tick_goes_with_its_scene_and_comes_back_with_it(module, name, tmp_path):
    module.open_ball()
    module.press(name)
    module.host.save_scene(tmp_path / "ticked.mrb")
    module.host.close_scene()
    module.settle()
    assert not getattr(module.ui, name).checked, "another scene has its own"
    module.host.load_scene(tmp_path / "ticked.mrb")
    module.wait(lambda: module.session is not None, "the session")
    module.settle()
    assert getattr(module.ui, name).checked


@pytest.mark.parametrize("name", ["volumeSelector", "segmentationSelector"])
def test_what_was_refused_is_taken_when_it_is_chosen_once_more(module, name):
    node = module.open_ball()
    module.click("Red", CENTRE)
    segmentation = module.session.segmentation_node
    module.choose_node("volumeSelector", None)
    node.SetOrigin(5, 0, 0)
    module.choose_node("volumeSelector", node)
    module.wait(lambda: "other voxels" in module.said, "the refusal")
    node.SetOrigin(0, 0, 0)
    module.choose_node(name, node if name == "volumeSelector" else segmentation)
    module.wait(lambda: module.session is not None, "the session", 10)
    assert module.session.segmentation_node is segmentation


# --- The list of segments


@exercises("segmentsTable")
def test_the_eye_of_the_list_hides_a_segment_and_shows_it_again(module):
    module.open_ball()
    module.click("Red", CENTRE)
    display, segment_id = module.session.segmentation_node.GetDisplayNode(), module.session.selected_segment_id
    for is_shown in (False, True):
        module.click_row("segmentsTable", 0, 0)
        module.settle()
        assert bool(display.GetSegmentVisibility(segment_id)) is is_shown
    assert module.mask()[K0].any()
    assert module.prompts() == [("positive", "axial", K0)]


@exercises("segmentsTable")
def test_a_segment_has_the_colour_that_was_chosen_in_the_list(module):
    from PySide6 import QtGui

    module.open_ball()
    module.click("Red", CENTRE)
    module.host.answers = [QtGui.QColor("#0000ff")]
    module.host.double_click_row(module.ui.segmentsTable, 0, 1)
    module.touched.add("segmentsTable")
    module.settle()
    segment = module.session.segmentation_node.GetSegmentation().GetSegment(module.session.selected_segment_id)
    assert segment.GetColor() == (0.0, 0.0, 1.0)
    assert module.prompts() == [("positive", "axial", K0)]


@exercises("segmentsTable")
def test_a_segment_that_is_renamed_in_the_list_keeps_prompts_and_mask(module):
    module.open_ball()
    module.click("Red", CENTRE)
    mask = module.mask()
    module.host.double_click_row(module.ui.segmentsTable, 0, 3)
    module.type("segmentsTable", "Liver")
    module.settle()
    assert module.ui.keySlicesLabel.text.startswith("Liver is carried from axial slice")
    assert (module.mask() == mask).all()
    module.click("Red", (I0, J0, K0 + 2))
    assert module.prompts() == [("positive", "axial", K0), ("positive", "axial", K0 + 2)]
    assert module.mask()[K0 + 2].any()
