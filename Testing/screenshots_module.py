"""Make the pictures of the Slicer module in Resources/Screenshots: ``python -m Testing.screenshots_module [FOLDER]``.

The real module, engine and built-in model on the stand-in host, on the scan that nibabel brings along; the clicks are
those of ``samsegment demo``.
"""

import os
import sys
import time
from importlib.resources import as_file, files
from pathlib import Path

from Testing.paths import REPOSITORY

PANEL_WIDTH = 400
VIEWS = ("Red", "Yellow", "Green")
CLICK, BOX = (64, 30, 12), ((32, 2, 12), (95, 89, 12))
ZOOM = {"Red": 0.8, "Yellow": 1.0, "Green": 0.8}
PATIENCE_S = 180.0
SECTIONS = (
    "segmentsSection",
    "promptsSection",
    "propagationSection",
    "correctionSection",
    "exportSection",
    "settingsSection",
)


class Screenshots:
    """A user at work, and pictures of it."""

    def __init__(self, folder: Path) -> None:
        from Testing.host.host import Host

        self.folder = folder
        self.host = Host()
        self.widget = self.host.load_module(REPOSITORY / "SAMSegment" / "SAMSegment.py")
        self.ui = self.widget.ui
        self.host.enter("SAMSegment")

    def open_volume(self) -> None:
        from SAMSegmentLib.io.read import read_volume
        from SAMSegmentLib.mrml.volumes import add_volume_node

        with as_file(files("nibabel") / "tests" / "data" / "example4d.nii.gz") as scan:
            node = add_volume_node(self.host.scene, read_volume(Path(scan), frame=0))
        node.SetName("MR of a head")
        self.host.show_volume(node)
        for view, part in ZOOM.items():
            slice_node = self.host.view(view).slice_node
            width, height, depth = slice_node.GetFieldOfView()
            slice_node.SetFieldOfView(part * width, part * height, depth)
        self.host.choose_node(self.ui.volumeSelector, node)
        self.wait(lambda: self.session is not None, "a session")
        self.host.choose(self.ui.windowComboBox, "All values")
        self.wait(lambda: self.session is not None and self.session.session.window == "full", "the window")
        self.session.segmentation_node.GetSegmentation().GetSegment(self.session.segment_ids[0]).SetName("Brain")
        self.wait(lambda: "Ready" in self.ui.engineStateLabel.text, "the engine")

    def give_prompts(self) -> None:
        self.host.view("Red").click(self.place("Red", CLICK))
        self.settle()
        self.host.click(self.ui.boxButton)
        begin, end = (self.place("Red", corner) for corner in BOX)
        self.host.view("Red").drag(begin, end)
        self.settle()

    def propagate(self) -> None:
        self.show_sections(("segmentsSection", "propagationSection"))
        self.host.click(self.ui.propagateButton)
        self.wait(lambda: "Done" in self.ui.propagationProgressBar.format, "propagation")
        self.host.click(self.ui.nextDoubtfulButton)
        self.settle()

    def picture(self, name: str, sections: tuple[str, ...]) -> None:
        """Panel and views, these sections open."""
        self.show_sections(sections)
        self.host.save_picture(self.folder / name, self.widget.parent, VIEWS, PANEL_WIDTH)

    def panel(self, name: str) -> None:
        """The whole panel."""
        self.ui.exportPathLineEdit.currentPath = "brain.seg.nrrd"
        self.show_sections(SECTIONS)
        self.host.save_panel(self.folder / name, self.widget.parent, PANEL_WIDTH)

    def show_sections(self, names: tuple[str, ...]) -> None:
        for name in SECTIONS:
            getattr(self.ui, name).collapsed = name not in names
        self.host.process_events(300)

    @property
    def session(self):
        return self.widget.panel.work.scene_session

    def place(self, view: str, ijk: tuple[int, int, int]) -> tuple[float, float]:
        ras = (self.session.volume.ijk_to_ras @ [*ijk, 1])[:3]
        self.host.view(view).slice_node.JumpSliceByOffsetting(*ras)
        return self.host.view(view).xy_of_ras(ras)

    def settle(self) -> None:
        self.host.process_events(100)
        self.wait(lambda: self.widget.panel.work.engine.state.condition.value == "ready", "the answer")
        self.host.process_events(200)

    def wait(self, condition, what: str) -> None:
        self.host.wait_until(condition, PATIENCE_S, what)


def main(folder: Path) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    screenshots = Screenshots(folder)
    try:
        screenshots.open_volume()
        screenshots.give_prompts()
        screenshots.picture("module-prompts.png", ("segmentsSection", "promptsSection"))
        screenshots.propagate()
        screenshots.picture("module-propagated.png", ("segmentsSection", "propagationSection"))
        screenshots.panel("module-panel.png")
    finally:
        screenshots.host.close()
    print(f"Pictures are in {folder} ({time.monotonic() - began:.0f} s).")  # noqa: T201 - a script


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "Resources" / "Screenshots")
