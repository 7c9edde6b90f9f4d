"""Stand-ins behave as CTK's and Slicer's widgets where a module would notice."""

import numpy as np
import pytest

from SAMSegmentLib.volume import Volume


@pytest.fixture
def slicer(host):
    import slicer

    return slicer


@pytest.fixture
def volumes(host):
    voxels = Volume(np.zeros((4, 5, 6), np.int16), np.eye(4))
    return [host.world.add_volume(voxels, name) for name in ("first", "second")]


def node_combo(slicer, **properties):
    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    for name, value in properties.items():
        setattr(combo, name, value)
    return combo


def shown(slicer, combo):
    """What the list shows."""
    (inner,) = slicer.util.findChildren(combo, className="QComboBox")
    return [inner.itemText(number) for number in range(inner.count)]


def test_a_node_combo_follows_the_scene(slicer, volumes):
    combo = node_combo(slicer, addEnabled=False, removeEnabled=False, noneEnabled=True, noneDisplay="(choose)")
    heard = []
    combo.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    combo.setMRMLScene(slicer.mrmlScene)
    assert shown(slicer, combo) == ["(choose)", "first", "second"]
    assert combo.currentNode() is None
    combo.setCurrentNode(volumes[1])
    volumes[1].SetName("renamed")
    assert shown(slicer, combo) == ["(choose)", "first", "renamed"]
    slicer.mrmlScene.RemoveNode(volumes[1])
    assert shown(slicer, combo) == ["(choose)", "first"]
    assert combo.currentNodeID == ""
    assert [node and node.GetID() for node in heard] == ["vtkMRMLScalarVolumeNode2", None]


def test_a_node_combo_without_none_takes_the_first_node_there_is(slicer, volumes):
    combo = node_combo(slicer)
    heard = []
    combo.currentNodeChanged.connect(heard.append)
    combo.setMRMLScene(slicer.mrmlScene)
    assert combo.currentNode() is volumes[0]
    slicer.mrmlScene.RemoveNode(volumes[0])
    assert combo.currentNode() is volumes[1]
    slicer.mrmlScene.Clear(0)
    assert combo.currentNode() is None
    assert [node and node.GetName() for node in heard] == ["first", "second", None]


def test_a_node_combo_lists_visible_nodes_of_its_types_and_attributes_only(slicer, host, volumes):
    combo = node_combo(slicer, addEnabled=False, removeEnabled=False, hideChildNodeTypes=["vtkMRMLLabelMapVolumeNode"])
    combo.setMRMLScene(slicer.mrmlScene)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    volumes[0].SetHideFromEditors(1)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "model")
    assert shown(slicer, combo) == ["second"]
    combo.addAttribute("vtkMRMLScalarVolumeNode", "Marked")
    assert combo.nodeCount() == 0
    volumes[1].SetAttribute("Marked", "1")
    assert combo.nodeCount() == 1


def test_a_user_adds_and_removes_nodes_with_a_node_combo(slicer, host):
    combo = node_combo(slicer, nodeTypes=["vtkMRMLSegmentationNode"], baseName="Result", noneEnabled=True)
    added = []
    combo.connect("nodeAddedByUser(vtkMRMLNode*)", added.append)
    combo.setMRMLScene(slicer.mrmlScene)
    combo.show()
    host.choose_node(combo, "addEnabled")
    assert combo.currentNode() is added[0]
    assert added[0].GetName() == "Result"
    host.choose_node(combo, "removeEnabled")
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert combo.currentNode() is None


def test_a_user_choosing_a_node_activates_it(slicer, host, volumes):
    combo = node_combo(slicer, noneEnabled=True)
    combo.setMRMLScene(slicer.mrmlScene)
    activated = []
    combo.connect("nodeActivated(vtkMRMLNode*)", activated.append)
    combo.show()
    combo.setCurrentNode(volumes[1])
    host.choose_node(combo, volumes[0])
    assert activated == [volumes[0]]


@pytest.fixture
def segmentation(host, volumes):
    return host.world.add_segmentation(volumes[0], "liver", "spleen")


def test_a_segments_table_follows_its_segmentation(slicer, segmentation):
    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(slicer.mrmlScene)
    changes = []
    table.connect("selectionChanged(QItemSelection,QItemSelection)", lambda: changes.append(table.selectedSegmentIDs()))
    table.setSegmentationNode(segmentation)
    assert (table.segmentCount, table.selectedSegmentIDs()) == (2, ())
    table.setSelectedSegmentIDs(["spleen"])
    segmentation.GetSegmentation().AddEmptySegment("kidney", "kidney")
    assert table.selectedSegmentIDs() == ("spleen",)
    segmentation.GetSegmentation().RemoveSegment("spleen")
    assert table.displayedSegmentIDs() == ("liver", "kidney")
    assert changes == [("spleen",), ()]
    table.setSegmentationNode(None)
    assert table.segmentCount == 0


def test_a_user_selects_hides_and_renames_segments_in_the_table(slicer, host, segmentation):
    table = slicer.qMRMLSegmentsTableView()
    table.setSegmentationNode(segmentation)
    table.resize(300, 200)
    table.show()
    host.click_row(table, 1, column=3)
    assert table.selectedSegmentIDs() == ("spleen",)
    host.click_row(table, 0, column=0)
    assert not segmentation.GetDisplayNode().GetSegmentVisibility("liver")
    table.tableWidget().item(0, 3).setText("Leber")
    assert segmentation.GetSegmentation().GetSegment("liver").GetName() == "Leber"


def test_a_user_chooses_the_colour_of_a_segment_in_the_table(slicer, host, segmentation):
    from PySide6.QtGui import QColor

    table = slicer.qMRMLSegmentsTableView()
    table.setSegmentationNode(segmentation)
    table.resize(300, 200)
    table.show()
    segment = segmentation.GetSegmentation().GetSegment("spleen")
    before = segment.GetColor()
    for answer, expected in ((None, before), (QColor("#00ff00"), (0.0, 1.0, 0.0))):
        host.answers = [answer]
        host.double_click_row(table, 1, column=1)
        assert segment.GetColor() == expected


def test_a_segment_editor_widget_without_a_scene_shows_nothing(slicer, segmentation):
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    widget.setSegmentationNode(segmentation)
    assert (widget.segmentationNode(), widget.currentSegmentID()) == (None, "")


def test_a_segment_editor_widget_shows_and_sets_its_node(slicer, host, volumes, segmentation):
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    segments = []
    widget.connect("currentSegmentIDChanged(QString)", segments.append)
    widget.setMRMLSegmentEditorNode(node)
    widget.setSegmentationNode(segmentation)
    widget.setSourceVolumeNode(volumes[0])
    assert (node.GetSegmentationNode(), widget.sourceVolumeNode()) == (segmentation, volumes[0])
    node.SetSelectedSegmentID("spleen")
    assert segments == ["liver", "spleen"]
    widget.show()
    host.click(slicer.util.findChild(widget, "Paint"))
    assert node.GetActiveEffectName() == "Paint"
    widget.setActiveEffectByName("")
    assert not slicer.util.findChild(widget, "Paint").checked


def test_a_segment_editor_widget_undoes_with_slicers_own_history(slicer, host, volumes, segmentation):
    from Testing.slicer.mrml_scene import segment_mask

    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    widget.setSegmentationNode(segmentation)
    widget.setSourceVolumeNode(volumes[0])
    widget.saveStateForUndo()
    mask = np.ones((4, 5, 6), np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, "liver", volumes[0])
    widget.undo()
    assert not segment_mask(segmentation, "liver", volumes[0]).any()
    widget.redo()
    assert segment_mask(segmentation, "liver", volumes[0]).all()


def test_a_segment_editor_widget_without_a_node_keeps_what_it_shows(slicer, volumes, segmentation):
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    widget.setSegmentationNode(segmentation)
    assert widget.sourceVolumeNode() is volumes[0], "the reference volume"
    widget.setMRMLSegmentEditorNode(None)
    assert widget.segmentationNode() is segmentation


def test_a_segment_editor_widget_hands_its_nodes_to_its_node_when_a_scene_is_loaded(slicer, volumes, segmentation):
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    widget.setMRMLSegmentEditorNode(node)
    widget.setSegmentationNode(segmentation)
    slicer.mrmlScene.StartState(slicer.mrmlScene.BatchProcessState)
    node.SetAndObserveSegmentationNode(None)
    assert widget.segmentationNode() is segmentation, "nothing is noted meanwhile"
    slicer.mrmlScene.EndState(slicer.mrmlScene.BatchProcessState)
    assert node.GetSegmentationNode() is segmentation


@pytest.fixture
def ctk(host):
    import ctk

    return ctk


def test_a_collapsible_button_hides_its_contents_and_a_click_on_its_header_shows_them(host, ctk):
    import qt

    section = ctk.ctkCollapsibleButton()
    section.text = "More"
    section.collapsed = True
    section.setLayout(qt.QVBoxLayout())
    inner, hidden = qt.QPushButton("inner"), qt.QPushButton("never shown")
    section.layout().addWidget(inner)
    section.layout().addWidget(hidden)
    hidden.hide()
    heard = []
    section.connect("contentsCollapsed(bool)", heard.append)
    section.show()
    host.process_events()
    assert not inner.visible
    host.click(section)
    assert (section.collapsed, inner.visible, hidden.visible, heard) == (False, True, False, [False])
    host.click(inner)
    assert not section.collapsed
    host.click(section)
    assert (inner.visible, heard) == (False, [False, True])


def test_a_range_widget_keeps_its_values_in_order_and_within_its_range(ctk):
    widget = ctk.ctkRangeWidget()
    heard = []
    widget.setRange(0, 40)
    widget.setValues(5, 30)
    widget.connect("valuesChanged(double,double)", lambda low, high: heard.append((low, high)))
    widget.maximumValue = 20
    widget.minimumValue = 35
    assert (widget.minimumValue, widget.maximumValue) == (20, 20)
    widget.maximum = 10
    assert (widget.minimumValue, widget.maximumValue) == (10, 10)
    assert heard == [(5, 20), (20, 20), (10, 10)]


def test_a_slider_widget_clamps_and_signals_once(host, ctk):
    widget = ctk.ctkSliderWidget()
    widget.minimum, widget.maximum, widget.decimals = -1, 1, 3
    heard = []
    widget.connect("valueChanged(double)", heard.append)
    widget.value = 0.125
    widget.value = 7
    assert heard == [0.125, 1]


def test_a_path_edit_is_typed_into_and_browsed(host, ctk):
    edit = ctk.ctkPathLineEdit()
    edit.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Readable
    heard = []
    edit.connect("currentPathChanged(QString)", heard.append)
    edit.show()
    host.type_text(edit, "/data")
    assert edit.currentPath == "/data"
    assert heard[-1] == "/data"
    host.answers = ["/elsewhere"]
    edit.browse()
    assert edit.currentPath == "/elsewhere"


@pytest.mark.parametrize("state", ["visible", "enabled"])
def test_a_test_cannot_use_what_a_person_could_not(host, state):
    import qt

    button = qt.QPushButton("Go")
    button.show()
    setattr(button, state, False)
    with pytest.raises(AssertionError, match="nobody could use it"):
        host.click(button)


class Window:
    """A window with a button, a line to type in, and a shortcut that is heard."""

    def __init__(self):
        import qt

        self.panel, self.heard = qt.QWidget(), []
        self.button, self.line = qt.QPushButton(self.panel), qt.QLineEdit(self.panel)
        self.shortcut = self.add_shortcut()
        self.panel.show()

    def add_shortcut(self):
        import qt

        shortcut = qt.QShortcut(qt.QKeySequence("Shift+E"), self.panel)
        shortcut.connect("activated()", lambda: self.heard.append("E"))
        return shortcut


def test_a_shortcut_is_triggered_from_any_widget_of_the_window_while_it_is_enabled(host):
    window = Window()
    host.key(window.panel, "Shift+E")
    host.key(window.button, "Shift+E")
    window.shortcut.enabled = False
    host.key(window.button, "Shift+E")
    assert window.heard == ["E", "E"]


def test_a_letter_that_is_typed_is_no_shortcut(host):
    window = Window()
    host.key(window.line, "Shift+E")
    assert (window.heard, window.line.text) == ([], "E")


def test_a_shortcut_that_two_have_triggers_none_and_is_noted(host):
    window = Window()
    second = window.add_shortcut()
    with host.expect_problem("ambiguous"):
        host.key(window.button, "Shift+E")
    assert window.heard == []
    assert second.enabled
