"""The module's section 'Engine and settings', the state line, and the installation."""

import os

import pytest

from SAMSegmentLib.embeddings import default_budget, default_folder
from SAMSegmentLib.errors import EngineError, ModelUnavailableError
from SAMSegmentLib.models.catalogue import catalogue_entry
from SAMSegmentLib.models.weights import find_weights
from Testing.slicer.module_bench import CENTRE, exercises, put_weights

K0 = CENTRE[2]


def open_settings(module):
    module.open_section("settingsSection")


def test_nothing_is_started_before_a_volume_is_chosen(module):
    module.settle()
    assert module.workers == []
    assert "first volume" in module.ui.engineStateLabel.text


def test_the_state_line_says_what_the_engine_is_at(module):
    module.open_ball()
    assert "Ready: model builtin" in module.ui.engineStateLabel.text
    module.worker.is_held = True
    module.click("Red", CENTRE)
    module.wait(lambda: module.ui.engineStateLabel.text == "Working...", "the state")
    module.worker.show_status("starting")
    module.wait(lambda: "getting ready: starting" in module.ui.engineStateLabel.text, "the state")
    module.worker.failure = EngineError("The worker process failed 3 times in a row.")
    module.wait(lambda: "failed 3 times" in module.ui.engineStateLabel.text, "the state")


@exercises("restartButton")
def test_restarting_keeps_prompts_and_masks_and_asks_what_was_not_answered(module):
    module.open_ball()
    module.click("Red", CENTRE)
    mask = module.mask()
    module.worker.is_held = True
    module.click("Red", (CENTRE[0], CENTRE[1], K0 + 2))
    open_settings(module)
    module.press("restartButton")
    assert module.workers[0].is_closed
    module.settle()
    assert len(module.workers) == 2
    assert (module.mask()[K0] == mask[K0]).all()
    assert module.mask()[K0 + 2].any()


@exercises("modelComboBox", "settingsSection")
def test_another_model_starts_when_its_weights_are_here(module):
    module.open_ball()
    open_settings(module)
    module.choose("modelComboBox", "mobile_sam")
    assert len(module.workers) == 1
    assert "weights of mobile_sam are not on this computer" in module.ui.engineStateLabel.text
    assert "Apache-2.0" in module.ui.modelInfoLabel.text
    module.choose("modelComboBox", "builtin")
    put_weights("sam_vit_b")
    module.choose("modelComboBox", "sam_vit_b")
    module.settle()
    assert module.worker.settings.model == "sam_vit_b"


@exercises("deviceComboBox", "threadsSpinBox", "memorySpinBox")
def test_device_threads_and_memory_reach_the_worker_and_the_next_session(module):
    module.open_ball()
    open_settings(module)
    module.choose("deviceComboBox", "Processor (CPU)")
    module.set("threadsSpinBox", 3)
    module.set("memorySpinBox", 1024)
    module.settle()
    settings = module.worker.settings
    assert (settings.device, settings.threads, settings.cache_bytes) == ("cpu", 3, 1 << 30)
    widget = module.reload()
    assert (widget.ui.threadsSpinBox.value, widget.ui.deviceComboBox.currentText) == (3, "Processor (CPU)")


@exercises("folderPathLineEdit", "diskSpinBox", "clearCacheButton")
def test_folder_and_budget_of_prepared_slices_are_the_users(module, tmp_path):
    before = os.environ["SAMSEGMENT_HOME"]
    open_settings(module)
    module.type("folderPathLineEdit", str(tmp_path))
    module.set("diskSpinBox", 7)
    module.wait(lambda: default_folder() == tmp_path / "embeddings", "the folder")
    assert default_budget() == 7 << 30
    module.press("clearCacheButton")
    module.wait(lambda: "0 prepared slices removed" in module.ui.cacheLabel.text, "the removal")
    module.host.unload("SAMSegment")
    assert os.environ["SAMSEGMENT_HOME"] == before


@exercises("weightsPathLineEdit")
def test_a_weights_file_of_the_users_own_is_used_until_another_model_is_chosen(module, tmp_path):
    own = tmp_path / "own.pth"
    own.write_bytes(b"stand-in")
    module.open_ball()
    open_settings(module)
    module.choose("modelComboBox", "sam_vit_b")
    module.type("weightsPathLineEdit", str(own))
    module.wait(lambda: module.worker.settings.weights == own, "the engine")
    started = len(module.workers)
    module.type("weightsPathLineEdit", str(tmp_path / "elsewhere.pth"))
    module.wait(lambda: "elsewhere.pth is not there" in module.said, "the sentence")
    assert len(module.workers) == started, "no engine is started on a path that is half typed"
    module.choose("modelComboBox", "builtin")
    module.settle()
    assert module.worker.settings.weights is None


@exercises("downloadButton", "removeWeightsButton")
def test_weights_are_downloaded_stopped_and_removed(module, monkeypatch):
    told = []

    def download(entry, progress):
        told.append(entry.name)
        for percent in range(100):
            progress(percent, 100)
            module_waits.wait(0.01)
        return put_weights(entry.name)

    import threading

    module_waits = threading.Event()
    monkeypatch.setattr("SAMSegmentLib.models.download.download_weights", download)
    open_settings(module)
    module.choose("modelComboBox", "mobile_sam")
    assert "41 MB" in module.ui.downloadButton.text
    module.press("downloadButton")
    assert module.ui.downloadProgressBar.visible
    module.press("downloadButton")
    module.wait(lambda: "stopped" in module.said, "the download to stop")
    assert find_weights(catalogue_entry("mobile_sam")) is None
    module_waits.set()
    module.press("downloadButton")
    module.wait(lambda: "are here" in module.said, "the download")
    assert not module.ui.downloadButton.enabled
    assert "mobile_sam.pt" in module.ui.modelInfoLabel.text
    module.press("removeWeightsButton")
    assert find_weights(catalogue_entry("mobile_sam")) is None
    assert told == ["mobile_sam", "mobile_sam"]


def test_a_download_that_fails_says_why(module, monkeypatch):
    def download(_entry, _progress):
        raise ModelUnavailableError("There is no connection to the server.")

    monkeypatch.setattr("SAMSegmentLib.models.download.download_weights", download)
    open_settings(module)
    module.choose("modelComboBox", "mobile_sam")
    module.press("downloadButton")
    module.wait(lambda: "no connection" in module.said, "the sentence")


@exercises("installButton")
def test_packages_are_installed_only_after_the_user_agreed(host, monkeypatch, lacking, request):
    from Testing.slicer.module_bench import Module

    module = Module(host, monkeypatch)
    host.testing = False
    module.wait(lambda: "2 Python packages are missing" in module.ui.engineStateLabel.text, "the state")
    assert not module.ui.clearCacheButton.enabled, "what needs the packages cannot be pressed"
    host.answers = [False]
    module.press("installButton")
    assert host.installed == []
    host.answers = [True]
    module.press("installButton")
    assert host.installed == [["msgspec>=0.19"]]
    assert host.extensions.asked == ["PyTorch"]
    assert "restart Slicer" in module.said
    assert "msgspec" in host.messages[-1].text
    assert "PyTorch" in host.messages[-1].text
    assert set(request.function.exercises) <= module.touched


@pytest.fixture
def intel_mac(monkeypatch, lacking):
    """All packages are here but PyTorch, which cannot be had."""
    lacking.discard("msgspec")
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def test_an_intel_mac_is_told_before_anything_is_downloaded(host, monkeypatch, intel_mac):
    from Testing.slicer.module_bench import MODULE_FILE, Module

    module = Module(host, monkeypatch)
    from SAMSegmentPanel.installation import Installation, InstallationError

    module.wait(lambda: "no longer made for Intel Macs" in module.ui.engineStateLabel.text, "the state")
    assert not module.ui.installButton.visible
    with pytest.raises(InstallationError, match="no longer made for Intel Macs"):
        Installation(MODULE_FILE.parent / "Resources" / "requirements.txt").install()
    assert (host.installed, host.extensions.asked) == ([], [])


def test_the_self_test_passes_on_an_intel_mac_with_what_can_be_done_there(host, intel_mac):
    from Testing.slicer.module_bench import MODULE_FILE

    host.load_module(MODULE_FILE)
    result = host.run_self_test("SAMSegment")
    assert (result.testsRun, result.wasSuccessful()) == (2, True)
    ((_test, reason),) = result.skipped
    assert "no longer made for Intel Macs" in reason


def test_the_engine_starts_once_all_is_installed(host, monkeypatch, lacking):
    from Testing.slicer.module_bench import Module

    module = Module(host, monkeypatch)
    host.testing = False
    lacking.discard("torch")
    host.answers = [True]
    monkeypatch.setattr("SAMSegmentPanel.installation._install", lambda _packages: lacking.clear())
    module.press("installButton")
    assert not module.ui.installButton.visible
    module.open_ball()
    assert "Ready" in module.ui.engineStateLabel.text
