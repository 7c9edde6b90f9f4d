"""The host loads a scripted module from its file and lives through its whole life, as Slicer does."""

import sys

import numpy as np
import pytest

from SAMSegmentLib.volume import Volume
from Testing.paths import REPOSITORY

EXAMPLE = REPOSITORY / "Testing/host/example/HostExample.py"


@pytest.fixture
def panel(host):
    return host.load_module(EXAMPLE)


@pytest.fixture
def volume(host):
    return host.world.add_volume(Volume(np.arange(120, dtype=np.int16).reshape(4, 5, 6), np.eye(4)), "volume")


def test_a_module_is_known_to_slicer_with_its_panel(host, panel):
    import slicer

    module = slicer.modules.hostexample
    assert (module.name, module.title, module.categories) == ("HostExample", "Host Example", ("Testing",))
    assert slicer.util.getModuleWidget("HostExample") is panel
    assert slicer.util.modulePath("HostExample") == str(EXAMPLE)
    assert slicer.modules.HostExampleWidget is panel
    assert panel.parent.layout().count() == 1


def test_work_after_the_start_waits_for_its_end(host, panel):
    assert host.sample_data == []
    host.complete_startup()
    assert [source["sampleName"] for source in host.sample_data] == ["Nothing"]


def test_the_panels_scene_reaches_its_widgets(panel, volume):
    assert panel.ui.volumeSelector.nodeCount() == 1


def test_real_clicks_and_choices_reach_the_module(host, panel, volume):
    host.enter("HostExample")
    with pytest.raises(AssertionError, match="disabled"):
        host.click(panel.ui.applyButton)
    host.choose_node(panel.ui.volumeSelector, volume)
    host.click(panel.ui.applyButton)
    assert panel.events == ["enter", "apply"]
    assert [(message.kind, message.text) for message in host.messages] == [("info", "Applied.")]


def test_panel_and_parameter_node_follow_each_other(host, panel, volume):
    host.enter("HostExample")
    host.click(panel.ui.section)
    host.choose_node(panel.ui.volumeSelector, volume)
    host.set_slider(panel.ui.amountSlider, 7.25)
    host.choose(panel.ui.wayBox, "upwards")
    host.type_text(panel.ui.labelEdit, "liver")
    host.click(panel.ui.shownBox)
    node = panel.logic.getParameterNode()
    assert (node.volume, node.amount, node.way.name, node.label, node.shown) == (volume, 7.25, "UP", "liver", False)
    node.amount = 1.0
    assert panel.ui.amountSlider.value == 1


def test_timers_run_while_the_test_waits(host, panel):
    panel.timer.start(1)
    host.wait_until(lambda: panel.events.count("timer") >= 3, what="three ticks")
    with pytest.raises(AssertionError, match=r"in vain for a miracle"):
        host.wait_until(lambda: False, seconds=0.05, what="a miracle")


def test_entering_and_leaving_follow_a_persons_way(host, panel):
    assert not panel.parent.isEntered
    host.enter("HostExample")
    assert panel.parent.isEntered
    assert panel.ui.applyButton.visible
    host.leave("HostExample")
    assert (panel.parent.isEntered, panel.ui.applyButton.visible) == (False, False)
    assert panel.events == ["enter", "exit"]


def test_a_closed_scene_and_a_loaded_one_are_followed(host, panel, volume, tmp_path):
    host.enter("HostExample")
    host.choose_node(panel.ui.volumeSelector, volume)
    host.click(panel.ui.section)
    host.type_text(panel.ui.labelEdit, "kept")
    host.save_scene(tmp_path / "scene.mrb")
    host.close_scene()
    assert panel.ui.volumeSelector.currentNode() is None
    assert panel.ui.labelEdit.text == ""
    host.load_scene(tmp_path / "scene.mrb")
    host.leave("HostExample")
    host.enter("HostExample")
    assert panel.ui.labelEdit.text == "kept"
    assert panel.ui.volumeSelector.currentNode().GetName() == "volume"


def test_reloading_makes_a_new_panel_and_ends_the_old_one(host, panel):
    host.enter("HostExample")
    renewed = host.reload("HostExample")
    assert renewed is not panel
    assert panel.events[-1] == "cleanup"
    host.enter("HostExample")
    assert renewed.ui.applyButton.visible


def test_unloading_leaves_the_module_and_deletes_its_panel(host, panel):
    host.enter("HostExample")
    frame = panel.parent
    host.unload("HostExample")
    assert panel.events[-2:] == ["exit", "cleanup"]
    assert not frame


def test_the_modules_own_tests_are_run(host, panel, volume):
    result = host.run_self_test("HostExample")
    assert (result.testsRun, result.wasSuccessful()) == (1, True)
    panel.onReloadAndTest()  # the developer's button


def test_without_a_main_window_there_are_no_views_and_the_panel_still_stands(windowless_host):
    import slicer

    panel = windowless_host.load_module(EXAMPLE)
    windowless_host.enter("HostExample")
    assert panel.ui.applyButton.visible
    assert slicer.app.layoutManager() is None
    assert slicer.util.mainWindow() is None


def test_nothing_of_a_host_is_left_in_python(qt_libraries_present):
    import slicer

    from Testing.host.host import Host

    before = (set(vars(slicer)), set(sys.path))
    host = Host()
    host.load_module(EXAMPLE)
    host.close()
    assert (set(vars(slicer)), set(sys.path)) == before
    names = ("qt", "ctk", "HostExample", "SampleData", "slicer.ScriptedLoadableModule", "slicer.packaging")
    assert [name for name in names if name in sys.modules] == []


def test_a_form_with_an_unknown_class_or_property_is_noted(host, tmp_path):
    import slicer

    form = tmp_path / "form.ui"
    text = (EXAMPLE.parent / "Resources/UI/HostExample.ui").read_text()
    form.write_text(text.replace('name="collapsed"', 'name="folded"').replace("QCheckBox", "QMagicBox"))
    with host.expect_problem("no property folded"), host.expect_problem("QMagicBox"), host.expect_problem("Qt:"):
        slicer.util.loadUI(str(form))


def test_the_main_window_holds_the_panel_and_selects_modules(host, panel):
    import slicer

    window = slicer.util.mainWindow()
    slicer.util.selectModule("HostExample")
    host.enter("HostExample")
    assert (panel.parent.parent(), panel.events) == (window, ["enter"])
    host.leave("HostExample")
    slicer.util.selectModule("HostExample")
    assert panel.events == ["enter", "exit", "enter"]
    assert slicer.util.showStatusMessage("Ready")
    assert window.statusBar().currentMessage() == "Ready"


def test_shortcuts_of_the_main_window_are_triggered_from_panel_and_window(host, panel):
    import qt
    import slicer

    heard = []
    shortcut = qt.QShortcut(qt.QKeySequence("Shift+E"), slicer.util.mainWindow())
    shortcut.connect("activated()", lambda: heard.append("E"))
    host.enter("HostExample")
    host.key(slicer.util.mainWindow(), "Shift+E")
    host.key(panel.ui.volumeSelector, "Shift+E")
    assert heard == ["E", "E"]


def test_a_module_that_fails_at_its_end_does_not_spoil_what_comes_after(qt_libraries_present):
    from Testing.host.host import Host

    def fail():
        raise RuntimeError("cannot leave")

    host = Host()
    panel = host.load_module(EXAMPLE)
    host.enter("HostExample")
    panel.exit = fail
    with pytest.raises(RuntimeError, match="cannot leave"):
        host.close()
    assert "qt" not in sys.modules
