"""Pictures of the viewer for README and docs: ``python -m Testing.screenshots_web FOLDER``."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from Testing.web.images import real_scan
from Testing.web.pages import ANSWER, ViewerPage
from Testing.web.viewers import ViewerProcess, chromium

_WIDE = {"width": 1280, "height": 800}
_NARROW = {"width": 480, "height": 800}
_BRAIN_BOX = (0.25, 0.3), (0.75, 0.72)


def main() -> None:
    """Make all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    executable = chromium()
    if executable is None:
        sys.exit("There is no Chromium on this machine; install it to make these pictures.")
    with (
        tempfile.TemporaryDirectory() as home,
        ViewerProcess(home=Path(home)) as viewer,
        sync_playwright() as library,
    ):
        browser = library.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        tab = ViewerPage(browser.new_page(viewport=_WIDE), viewer.address)
        _start(tab, folder)
        _error(tab, folder, Path(home))
        _click(tab, folder)
        _result(tab, folder)
        _narrow(tab, folder)
        browser.close()


def _shoot(tab: ViewerPage, path: Path) -> None:
    tab.page.mouse.move(2, 2)  # away from buttons with tooltips
    tab.page.wait_for_timeout(1500)  # views are drawn again in full quality when they have come to rest
    tab.page.screenshot(path=path)


def _start(tab: ViewerPage, folder: Path) -> None:
    tab.page.get_by_text("Open a scan to begin").wait_for()
    _shoot(tab, folder / "web-start.png")


def _error(tab: ViewerPage, folder: Path, home: Path) -> None:
    path = home / "letter.nii.gz"
    path.write_text("Dear colleague, please find the images enclosed.")
    tab.open_files(path)
    tab.message("letter.nii.gz")
    _shoot(tab, folder / "web-error.png")
    tab.close_message()


def _click(tab: ViewerPage, folder: Path) -> None:
    tab.open_files(real_scan())
    tab.button("Open this frame").click()
    tab.wait_for_volume("example4d")
    tab.button("Box").click()
    tab.drag("Red", *_BRAIN_BOX)
    tab.button("Inside").click()
    tab.click("Red", (0.5, 0.45))
    tab.page.get_by_text(ANSWER).wait_for()
    _shoot(tab, folder / "web-click.png")


def _result(tab: ViewerPage, folder: Path) -> None:
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile("^Done: ")).wait_for()
    tab.page.locator("#samsegment-doubtful").scroll_into_view_if_needed()
    tab.page.wait_for_timeout(3000)  # the surface comes a second after the last slice
    _shoot(tab, folder / "web-result.png")


def _narrow(tab: ViewerPage, folder: Path) -> None:
    tab.page.set_viewport_size(_NARROW)
    _shoot(tab, folder / "web-narrow.png")


if __name__ == "__main__":
    main()
