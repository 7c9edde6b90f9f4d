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
BRAIN_CLICK, BRAIN_BOX = (64, 30, 12), ((32, 2, 12), (95, 89, 12))
# The ventricles end within the volume: propagation is in doubt about the slices in which they do.
VENTRICLE_CLICK, VENTRICLE_BOX = (64, 58, 12), ((50, 50, 12), (78, 70, 12))
FIELD = {"Red": 0.85, "Yellow": 1.08, "Green": 0.85}  # of what fits; the scan has a dark border
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
        self.fit_views()
        self.host.choose_node(self.ui.volumeSelector, node)
        self.wait(lambda: self.ui.windowComboBox.enabled, "a session")
        self.host.choose(self.ui.windowComboBox, "All values")
        self.wait(lambda: self.session is not None and self.session.session.window == "full", "the window")
        self.session.segmentation_node.GetSegmentation().GetSegment(self.session.segment_ids[0]).SetName("Brain")
        self.wait(lambda: "Ready" in self.ui.engineStateLabel.text, "the engine")

    def give_prompts(self, click: tuple[int, int, int], box: tuple[tuple[int, int, int], tuple[int, int, int]]) -> None:
        self.show_sections(("segmentsSection", "promptsSection"))
        self.press(self.ui.includeButton)
        self.host.view("Red").click(self.place("Red", click))
        self.settle()
        self.press(self.ui.boxButton)
        begin, end = (self.place("Red", corner) for corner in box)
        self.host.view("Red").drag(begin, end)
        self.settle()

    def press(self, button) -> None:
        """Have a button that stays down pressed."""
        if not button.checked:
            self.host.click(button)

    def add_segment(self, name: str) -> None:
        self.host.click(self.ui.addSegmentButton)
        self.session.segmentation_node.GetSegmentation().GetSegment(self.session.selected_segment_id).SetName(name)
        self.settle()

    def propagate(self) -> None:
        self.show_sections(("segmentsSection", "propagationSection"))
        self.host.click(self.ui.propagateButton)
        self.wait(lambda: "Done" in self.ui.propagationProgressBar.format, "propagation")
        self.settle()

    def look_at_doubtful_slice(self) -> None:
        self.host.click(self.ui.nextDoubtfulButton)
        self.settle()

    def picture(self, name: str, sections: tuple[str, ...]) -> None:
        """Panel and views, these sections open."""
        self.show_sections(sections)
        self.fit_views()
        self.host.save_picture(self.folder / name, self.widget.parent, VIEWS, PANEL_WIDTH)

    def panel(self, name: str) -> None:
        """The whole panel."""
        self.ui.exportPathLineEdit.currentPath = "brain.seg.nrrd"
        self.show_sections(SECTIONS)
        self.host.save_panel(self.folder / name, self.widget.parent, PANEL_WIDTH)

    def fit_views(self) -> None:
        """All of the volume's slices in the views, which stay at their slices."""
        for name in VIEWS:
            view = self.host.view(name)
            offset = view.slice_node.GetSliceOffset()
            view.slice_logic.FitSliceToBackground()
            width, height, depth = view.slice_node.GetFieldOfView()
            view.slice_node.SetFieldOfView(FIELD[name] * width, FIELD[name] * height, depth)
            view.slice_node.SetSliceOffset(offset)

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
        screenshots.give_prompts(BRAIN_CLICK, BRAIN_BOX)
        screenshots.picture("module-prompts.png", ("segmentsSection", "promptsSection"))
        screenshots.propagate()
        screenshots.add_segment("Ventricles")
        screenshots.give_prompts(VENTRICLE_CLICK, VENTRICLE_BOX)
        screenshots.propagate()
        screenshots.look_at_doubtful_slice()
        screenshots.picture("module-propagated.png", ("segmentsSection", "propagationSection"))
        screenshots.panel("module-panel.png")
    finally:
        screenshots.host.close()
    print(f"Pictures are in {folder} ({time.monotonic() - began:.0f} s).")  # noqa: T201 - a script


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "Resources" / "Screenshots")
