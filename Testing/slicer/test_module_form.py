"""The form's widgets with a scene: Slicer's own do little or nothing before they are given one."""

import xml.etree.ElementTree as ET

from Testing.host.facts import Facts
from Testing.slicer.module_bench import CENTRE, UI_FILE

SET_SCENE = "setMRMLScene(vtkMRMLScene*)"
SCENE_CHANGED = "mrmlSceneChanged(vtkMRMLScene*)"


def scene_widgets(form):
    """All widgets of a form that take a scene, without the panel itself."""
    facts = Facts()
    inside = [widget for widget in form.iter("widget") if widget is not form.find("widget")]
    members = {widget.get("name"): facts.member(widget.get("class"), "setMRMLScene") for widget in inside}
    return {name for name, member in members.items() if member is not None and SET_SCENE in member.detail}


def test_every_widget_that_takes_a_scene_is_given_the_modules():
    form = ET.parse(UI_FILE).getroot()  # noqa: S314 - the project's own file
    texts = [{part.tag: part.text for part in each} for each in form.iter("connection")]
    panel = form.find("widget").get("name")
    told = {
        each["receiver"]
        for each in texts
        if (each["sender"], each["signal"], each["slot"]) == (panel, SCENE_CHANGED, SET_SCENE)
    }
    expected = scene_widgets(form)
    assert expected >= {"volumeSelector", "segmentsTable", "segmentEditorWidget"}
    assert told == expected


def test_every_widget_that_takes_a_scene_has_the_applications(module):
    for name in scene_widgets(ET.parse(UI_FILE).getroot()):  # noqa: S314 - the project's own file
        assert getattr(module.ui, name).mrmlScene() is module.host.scene, name


def test_the_segment_editor_shows_what_is_worked_on(module):
    node = module.open_ball()
    module.click("Red", CENTRE)
    editor = module.ui.segmentEditorWidget
    assert editor.segmentationNode() is module.session.segmentation_node
    assert editor.sourceVolumeNode() is node
    assert editor.currentSegmentID() == module.session.selected_segment_id


def test_nothing_of_a_scene_that_was_closed_is_held_while_another_module_is_open(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.host.leave("SAMSegment")
    module.host.close_scene()
    assert module.ui.segmentEditorWidget.mrmlSegmentEditorNode() is None
    assert module.ui.segmentsTable.segmentationNode() is None
    assert module.widget.panel.work.parameters is None
