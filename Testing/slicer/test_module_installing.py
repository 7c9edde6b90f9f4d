"""The ways by which the module installs what it needs, and what happens then."""

import subprocess
import sys

import numpy as np
import pytest
import slicer

from Testing.slicer.module_bench import BALL, CENTRE, Module


@pytest.fixture
def torch_asked(monkeypatch, lacking):
    """The PyTorch extension is here; with which options it was asked for PyTorch, which is here after that."""
    from Testing.host.slicer_python.small_modules import pytorch_utils_module

    asked = []

    def install(ask_confirmation, requirement):
        asked.append((ask_confirmation, requirement))
        lacking.discard("torch")

    monkeypatch.setitem(sys.modules, "PyTorchUtils", pytorch_utils_module(install))
    return asked


def test_the_pytorch_extension_installs_pytorch_without_asking_again(host, monkeypatch, lacking, torch_asked):
    lacking.discard("msgspec")
    module = Module(host, monkeypatch)
    host.testing = False
    host.answers = [True]
    module.press("installButton")
    assert torch_asked == [(False, ">=2.5")]
    assert (host.installed, host.extensions.asked) == ([], [])
    assert not module.ui.installButton.visible


def test_the_engine_starts_for_the_volume_that_is_open_once_all_is_installed(host, monkeypatch, lacking, torch_asked):
    lacking.discard("msgspec")
    module = Module(host, monkeypatch)
    host.testing = False
    node = slicer.util.addVolumeFromArray(np.where(BALL, 200, 20).astype(np.int16), name="Ball")
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "a session")
    assert module.workers == []
    host.answers = [True]
    module.press("installButton")
    module.wait(lambda: "Ready" in module.ui.engineStateLabel.text, "the engine", 10)
    module.click("Red", CENTRE)
    assert module.mask().any()


def test_slicer_before_5_12_installs_with_pip(older_host, monkeypatch, lacking, torch_asked):
    module = Module(older_host, monkeypatch)
    older_host.testing = False
    older_host.answers = [True]
    module.press("installButton")
    assert older_host.installed == [["msgspec>=0.19"]]
    assert torch_asked == [(False, ">=2.5")]


def test_a_failed_pip_is_told_and_pytorch_is_not_installed_after_it(older_host, monkeypatch, lacking, torch_asked):
    def fail(_packages):
        raise subprocess.CalledProcessError(3, "pip")

    monkeypatch.setattr("slicer.util.pip_install", fail)
    module = Module(older_host, monkeypatch)
    older_host.testing = False
    older_host.answers = [True]
    module.press("installButton")
    assert "pip ended with code 3" in module.said
    assert torch_asked == []
    assert module.ui.installButton.visible


def test_an_extension_that_cannot_be_had_is_told(host, monkeypatch, lacking):
    lacking.discard("msgspec")
    module = Module(host, monkeypatch)
    host.testing = False
    host.extensions.refused = True
    host.answers = [True]
    module.press("installButton")
    assert host.extensions.asked == ["PyTorch"]
    assert "PyTorch extension could not be installed" in module.said
