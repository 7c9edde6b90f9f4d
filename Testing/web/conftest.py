"""Fixtures for tests of the browser viewer."""

import os

import pytest

from Testing.web.images import write_ball
from Testing.web.pages import ViewerPage
from Testing.web.viewers import ViewerProcess, chromium

_WINDOW = {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def chromium_browser():
    """A real Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    executable = chromium()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium on this machine; continuous integration installs it.")
        pytest.skip("there is no Chromium on this machine")
    # Root may not use Chromium's sandbox, and a container's /dev/shm is too small for it.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with playwright.sync_playwright() as library:
        instance = library.chromium.launch(executable_path=executable, args=arguments)
        yield instance
        instance.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """$SAMSEGMENT_HOME of a module's viewers."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def viewer(home):
    """A viewer that was started without an image."""
    with ViewerProcess(home=home) as process:
        yield process


@pytest.fixture
def new_tab(chromium_browser):
    """Opens tabs that are closed at the end; nothing in any of them may have failed."""
    contexts = []
    tabs = []

    def open_tab(address, *, wait=True, **options):
        contexts.append(chromium_browser.new_context(accept_downloads=True, viewport=_WINDOW, **options))
        tabs.append(ViewerPage(contexts[-1].new_page(), address, wait=wait))
        return tabs[-1]

    yield open_tab
    for context in contexts:
        context.close()
    assert [error for tab in tabs for error in tab.errors] == []


@pytest.fixture
def tab(viewer, new_tab, tmp_path):
    """A page in which the ball is open."""
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    return tab
