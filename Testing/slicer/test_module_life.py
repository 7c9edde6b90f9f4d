"""The module's life: entered and left, loaded anew, without a main window, with scenes that come and go."""

import numpy as np
import pytest
import slicer

from Testing.slicer.module_bench import CENTRE, MODULE_FILE, exercises

I0, J0, K0 = CENTRE


@exercises("segmentsSection", "promptsSection", "propagationSection")
def test_sections_open_and_close(module):
    for name in ("segmentsSection", "promptsSection", "propagationSection"):
        module.press(name)
        assert getattr(module.ui, name).collapsed


def test_the_panel_can_be_read_at_400_pixels(module):
    from PySide6 import QtWidgets

    panel = module.host.binding.unwrap(module.widget.parent)
    panel.resize(400, 2000)
    for name in ("correctionSection", "exportSection", "settingsSection"):
        module.open_section(name)
    module.widget.panel.work.tell("/a-folder-with-a-very-long-name" * 8 + " cannot be written.")
    module.settle()
    assert panel.minimumSizeHint().width() <= 400, "long paths do not widen the panel"
    cut = [
        button.objectName()
        for button in panel.findChildren(QtWidgets.QPushButton)
        if button.isVisible() and button.fontMetrics().horizontalAdvance(button.text()) + 4 > button.width()
    ]
    assert cut == []


def test_the_module_left_in_the_middle_goes_on_when_it_is_entered_again(module):
    module.open_ball()
    module.worker.is_held = True
    module.click("Red", CENTRE)
    module.host.leave("SAMSegment")
    module.worker.is_held = False
    module.settle()
    assert module.mask()[K0].any(), "the answer comes while another module is shown"
    place = module.place("Red", (I0, J0, K0 + 3))
    module.host.view("Red").click(place)
    module.settle()
    assert len(module.prompts()) == 1, "the mouse is the other module's"
    module.host.enter("SAMSegment")
    module.click("Red", (I0, J0, K0 + 3))
    assert len(module.prompts()) == 2


def test_the_module_is_loaded_anew_with_its_library(module):
    module.open_ball()
    module.click("Red", CENTRE)
    before = module.widget
    after = module.reload()
    assert after is not before
    assert type(after.panel) is not type(before.panel)
    assert module.workers[0].is_closed
    module.host.wait_until(lambda: after.panel.work.scene_session is not None, 60, "the session after the reload")
    assert [entry.ijk for entry in after.panel.work.scene_session.prompts()] == [CENTRE]


def test_the_module_opens_without_a_main_window(monkeypatch, qt_libraries_present):
    from Testing.host.host import Host

    host = Host(main_window=False)
    try:
        host.load_module(MODULE_FILE)
        host.enter("SAMSegment")
        node = slicer.util.addVolumeFromArray(np.zeros((8, 9, 10), np.int16), name="Dark")
        widget = slicer.util.getModuleWidget("SAMSegment")
        monkeypatch.setattr("SAMSegmentPanel.engine.worker_engine", _no_worker)
        host.choose_node(widget.ui.volumeSelector, node)
        host.wait_until(lambda: widget.panel.work.scene_session is not None, 60, "a session")
        host.leave("SAMSegment")
    finally:
        host.close()
    assert not host.problems


def _no_worker(settings, tell, show_status):
    from Testing.slicer.module_bench import StandInWorker

    return StandInWorker(settings, tell, show_status)


def test_a_closed_scene_leaves_an_empty_panel_that_takes_the_next_volume(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.host.close_scene()
    module.settle()
    assert module.session is None
    assert module.ui.promptTable.rowCount == 0
    module.open_ball()
    module.click("Red", CENTRE)
    assert module.mask()[K0].any()


def test_a_saved_scene_continues_with_prompts_masks_and_a_further_click(module, tmp_path):
    module.open_ball((0.5, 0.5, 5.0))
    module.click("Red", CENTRE)
    module.click("Green", CENTRE)
    prompts, mask = module.prompts(), module.mask()
    module.host.save_scene(tmp_path / "work.mrb")
    module.host.load_scene(tmp_path / "work.mrb")
    module.wait(lambda: module.session is not None, "a session on the saved scene")
    module.settle()
    assert sorted(module.prompts()) == sorted(prompts)
    assert (module.mask() == mask).all()
    module.click("Red", (I0, J0, K0 + 4))
    assert module.mask()[K0 + 4].any()
    assert len(module.prompts()) == len(prompts) + 1


def test_a_scene_that_is_closed_while_another_module_is_shown_is_forgotten(module):
    module.open_ball()
    module.host.leave("SAMSegment")
    module.host.close_scene()
    assert module.session is None
    module.host.enter("SAMSegment")
    module.open_ball()
    module.click("Red", CENTRE)
    assert module.mask()[K0].any()


def test_a_segmentation_is_never_named_so_that_a_saved_scene_cannot_be_read(module):
    node = slicer.util.addVolumeFromArray(np.zeros((8, 9, 10), np.int16), name="T1 & T2")
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "a session")
    assert module.session.segmentation_node.GetName() == "T1 T2 segmentation"


def test_many_clicks_leave_no_further_nodes_in_the_scene(module):
    module.open_ball()
    module.click("Red", CENTRE)
    before = slicer.mrmlScene.GetNumberOfNodes()
    for number in range(12):
        module.click("Red", (I0 - 5 + number, J0 + number % 3 * 7, K0 - 2 + number % 4))
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_sample_data_come_from_slicers_collection_with_checksums(module):
    module.host.complete_startup()
    names = {entry["sampleName"] for entry in module.host.sample_data}
    assert names == {"SAMSegmentMRHead", "SAMSegmentCTChest"}
    assert all(entry["checksums"].startswith("SHA256:") for entry in module.host.sample_data)


@pytest.mark.worker_process
def test_the_modules_own_test_passes_with_a_real_worker(host):
    host.load_module(MODULE_FILE)
    result = host.run_self_test("SAMSegment")
    assert result.testsRun == 2
    assert [trace for _test, trace in (*result.failures, *result.errors)] == []
    assert result.skipped == []
