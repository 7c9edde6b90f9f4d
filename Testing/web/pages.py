"""The viewer's page as a user sees it: what is read, pressed and clicked there."""

from __future__ import annotations

import io
import re
import time
from typing import TYPE_CHECKING

import nibabel
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

_WAIT_MS = 60_000

# How sure the model is of the mask that is shown.
ANSWER = re.compile(r"^\d: \d+ %$")


class ViewerPage:
    """One tab with the viewer in it.

    :param page: it is opened at the address here.
    :param wait: until the viewer itself is there.
    """

    def __init__(self, page: Page, address: str, *, wait: bool = True) -> None:
        self.page = page
        page.set_default_timeout(_WAIT_MS)
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        if wait:
            page.locator(".v-app-bar").wait_for()

    def reload(self) -> None:
        """Load the page again; what fails in the old one while it goes (its requests are cut off) is no matter."""
        self.page.reload()
        self.errors.clear()

    # --- files

    def open_files(self, *paths: Path, unsaved: str = "Open without saving") -> None:
        """Choose files as the file dialogue would.

        :param unsaved: the button to press when the page asks what to do with the work on the volume that is open.
        """
        self.page.set_input_files("#samsegment-file", [str(path) for path in paths])
        self._answer(unsaved)

    def open_folder(self, path: Path) -> None:
        """Choose a folder as the folder dialogue would."""
        self.page.set_input_files("#samsegment-folder", str(path))
        self._answer("Open without saving")

    def _answer(self, button: str) -> None:
        self.page.locator(".samsegment-start .v-progress-linear").wait_for(state="detached")
        if self.button(button).is_visible():
            self.button(button).click()
            # The name in the bar may be that of the volume that was open before, too.
            self.page.get_by_text("Open another image?").wait_for(state="hidden")

    def wait_for_volume(self, name: str) -> None:
        """Until the bar shows a volume's name and its views are drawn."""
        self.page.locator(".v-app-bar").get_by_text(name, exact=True).wait_for()
        self.page.locator(".samsegment-start").wait_for(state="detached")
        self.wait_until(lambda: self.picture("Red").std() > 10, "the axial view stays empty")

    def save(self, title: str, path: Path) -> Path:
        """Press Save, choose a kind, and keep the download."""
        self.button("Save").click()
        with self.page.expect_download() as download:
            self.page.get_by_text(title).click()
        download.value.save_as(path)
        return path

    def voxels(self, folder: Path) -> np.ndarray:
        """The segmentation as a saved labelmap holds it, on the image's grid, bool [k, j, i]."""
        path = self.save("Labelmap (.nii.gz)", folder / "saved.nii.gz")
        return np.asarray(nibabel.load(path).dataobj).T > 0

    # --- panel

    def button(self, name: str) -> Locator:
        """A button by its words, or by what a screen reader says."""
        return self.page.get_by_role("button", name=name, exact=True).first

    def message(self, part: str = "") -> str:
        """The sentence that is shown, once it has this in it."""
        text = self.page.locator("#samsegment-message", has_text=part)
        text.wait_for()
        return text.inner_text()

    def close_message(self) -> None:
        self.button("Close").click()
        self.page.locator("#samsegment-message").wait_for(state="hidden")

    def open_section(self, title: str) -> None:
        """Unfold a part of the panel that is folded up."""
        header = self.page.locator(".v-expansion-panel-title", has_text=title)
        if "v-expansion-panel-title--active" not in (header.get_attribute("class") or ""):
            header.click()

    # --- views

    def view(self, name: str) -> Locator:
        """The picture of a view: Red, Green, Yellow (axial, coronal, sagittal) or ThreeD."""
        order = ["Red", "ThreeD", "Green", "Yellow"]
        return self.page.locator(".layout-grid-item img.js-image, .layout-grid-item img").nth(order.index(name))

    def picture(self, name: str) -> np.ndarray:
        """Pixels of a view as they are shown: [row, column, RGB], uint8."""
        shot = self.view(name).screenshot()
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))

    def place(self, name: str, at: tuple[float, float]) -> tuple[float, float]:
        """Where a place in a view (0..1 from its left top) is in the page."""
        box = self.view(name).bounding_box()
        assert box is not None
        return box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"]

    def click(self, name: str, at: tuple[float, float], *keys: str) -> None:
        """Click in a view, with keys held down."""
        self.page.mouse.move(*self.place(name, at))
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.down()
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)

    def drag(self, name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag in a view with the left button."""
        self.page.mouse.move(*self.place(name, start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(name, end), steps=8)
        self.page.mouse.up()

    def wait_until(self, condition, complaint: str, seconds: float = 60.0) -> None:
        """Look again and again until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, complaint
            self.page.wait_for_timeout(100)
