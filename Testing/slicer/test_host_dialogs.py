"""Nobody waits for a person: dialogs take the test's answers, packages and extensions are only asked for."""

import pytest

from Testing.host import fixtures, qt_libraries


@pytest.fixture
def slicer(host):
    import slicer

    return slicer


@pytest.mark.parametrize(
    ("display", "kind"), [("infoDisplay", "info"), ("warningDisplay", "warning"), ("errorDisplay", "error")]
)
def test_messages_are_recorded_and_not_shown_while_testing(host, slicer, display, kind):
    getattr(slicer.util, display)("Something to read.")
    assert [(message.kind, message.text) for message in host.messages] == [(kind, "Something to read.")]


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("display", ["confirmOkCancelDisplay", "confirmYesNoDisplay", "confirmRetryCloseDisplay"])
def test_a_question_gets_the_tests_answer(host, slicer, display, answer):
    host.testing = False
    host.answers = [answer]
    assert getattr(slicer.util, display)("Really?") is answer
    assert host.answers == []


def test_confirmations_while_testing_are_not_a_yes(host, slicer):
    """As in Slicer, whose documentation says otherwise: no tested path may depend on it."""
    assert not slicer.util.confirmOkCancelDisplay("Really?")


def test_an_unexpected_dialog_is_noted_instead_of_waiting(host):
    import qt

    with host.expect_problem("Nobody answered"):
        dialog = qt.QMessageBox()
        dialog.text = "Who is there?"
        assert dialog.exec_() != qt.QMessageBox.Ok


@pytest.mark.parametrize("method", ["getOpenFileName", "getSaveFileName", "getExistingDirectory"])
def test_a_file_dialog_gives_one_path(host, method):
    import qt

    host.answers = ["/data/volume.nrrd"]
    assert getattr(qt.QFileDialog, method)(None, "Choose", "/data") == "/data/volume.nrrd"


def test_an_error_is_shown_once_and_raised_while_testing(host, slicer):
    with pytest.raises(KeyError), slicer.util.tryWithErrorDisplay("Failed to compute results."):
        raise KeyError("volume")


def test_packages_are_asked_for_and_not_installed(host, slicer, tmp_path):
    (tmp_path / "requirements.txt").write_text("# needed\nmsgspec>=0.19\nsafetensors\n")
    wanted = slicer.packaging.load_requirements(tmp_path / "requirements.txt")
    assert not slicer.packaging.pip_check(wanted)
    slicer.packaging.pip_ensure(wanted)
    assert host.installed == []  # in testing mode Slicer's own does nothing, too
    slicer.packaging.pip_ensure(wanted, skip_in_testing=False)
    slicer.util.pip_install("one two>=2")
    assert host.installed == [["msgspec>=0.19", "safetensors"], ["one", "two>=2"]]
    assert slicer.packaging.pip_check(wanted)


def test_an_older_slicer_has_no_packaging_module(qt_libraries_present):
    from Testing.host.host import Host

    host = Host(without_packaging=True)
    try:
        with pytest.raises(ImportError):
            import slicer.packaging  # noqa: F401
    finally:
        host.close()


def test_extensions_are_asked_for_and_not_downloaded(host, slicer):
    manager = slicer.app.extensionsManagerModel()
    assert not manager.isExtensionInstalled("PyTorch")
    manager.interactive = False
    assert manager.installExtensionFromServer("PyTorch")
    assert manager.isExtensionInstalled("PyTorch")
    assert host.extensions.asked == ["PyTorch"]


def test_a_missing_library_is_named_with_its_package(monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("PySide6"):
            raise ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert qt_libraries.why_not() == "Qt cannot be loaded: libEGL.so.1 is missing (apt-get install libegl1)."


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_qt_tests_skip_and_under_continuous_integration_fail(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="libEGL"):
        fixtures.stop_without_qt("libEGL.so.1 is missing")
