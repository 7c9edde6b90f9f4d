"""Section 'Export'."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.i18n import tr as _

from SAMSegmentLib.errors import OutputError, SAMSegmentError
from SAMSegmentLib.mrml.plaintext import node_name

from .export_files import dicom_folder, numbered_image, write_file
from .export_reading import SegmentReading

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from SAMSegmentLib.mrml.scenesession import SceneSession

    from .work import Work

# In the order of the combo box; "" stands for a node in the scene.
_ENDINGS = (".seg.nrrd", ".nii.gz", ".nrrd", ".dcm", "")


class ExportSection:
    """Writes all segments as they stand, hand corrections included."""

    def __init__(self, ui: Any, work: Work) -> None:
        self.ui = ui
        self._work = work
        # Compressing a large volume takes seconds.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="samsegment-export")
        self._reading: tuple[SegmentReading, Path | None, tuple[Path, str] | None] | None = None
        self._working: tuple[Future[Any], Callable[[Any], None]] | None = None  # what the thread does, and what then
        self.ui.exportFormatComboBox.connect("currentIndexChanged(int)", self._show_format)
        self.ui.exportPathLineEdit.connect("currentPathChanged(QString)", lambda _path: work.note_change())
        self.ui.exportButton.connect("clicked()", self._export)
        work.bound.connect(self._propose_path)

    def refresh(self) -> None:
        """Show whether something can be exported."""
        session = self._work.scene_session
        is_told_where = not self._ending() or bool(self.ui.exportPathLineEdit.currentPath.strip())
        self.ui.exportPathLineEdit.enabled = bool(self._ending())
        is_busy = self._reading is not None or self._working is not None
        self.ui.exportButton.enabled = bool(session and session.segment_ids and is_told_where and not is_busy)
        self.ui.exportResultLabel.visible = bool(self.ui.exportResultLabel.text)
        self.ui.exportButton.text = _("Exporting...") if is_busy else _("Export")

    def tick(self) -> None:
        """Go on with reading segments; see whether what was made of them is there."""
        if self._reading:
            self._read()
        elif self._working and self._working[0].done():
            work, finish = self._working
            self._working = None
            try:
                finish(work.result())
            except SAMSegmentError as error:
                self._say(str(error))

    def close(self) -> None:
        """A file that is being written is written to its end."""
        self._stop_reading()
        self._thread.shutdown(wait=False)

    # --- inside

    def _ending(self) -> str:
        return _ENDINGS[self.ui.exportFormatComboBox.currentIndex]

    def _say(self, text: str) -> None:
        self.ui.exportResultLabel.text = text
        self._work.note_change()

    def _propose_path(self) -> None:
        session = self._work.scene_session
        self._say("")
        self._stop_reading()
        if session:
            name = "".join(c if c.isalnum() or c in " -_." else "_" for c in session.segmentation_node.GetName())
            self.ui.exportPathLineEdit.currentPath = str(Path.home() / (name + (self._ending() or _ENDINGS[0])))

    def _show_format(self, _number: int) -> None:
        path, ending = self.ui.exportPathLineEdit.currentPath.strip(), self._ending()
        old = next((old for old in _ENDINGS if old and path.endswith(old)), "")
        if path and ending:
            self.ui.exportPathLineEdit.currentPath = path.removesuffix(old) + ending
        self._work.note_change()

    def _export(self) -> None:
        self._say("")
        session, ending = self._work.scene_session, self._ending()
        try:
            path = self._chosen_path() if ending else None
            dicom = dicom_folder(session.volume_node) if ending == ".dcm" else None
        except SAMSegmentError as error:
            self._say(str(error))
            return
        self._reading = SegmentReading(session), path, dicom
        self._work.note_change()

    def _chosen_path(self) -> Path:
        path = Path(self.ui.exportPathLineEdit.currentPath.strip()).expanduser()
        if not path.name.endswith(self._ending()):
            raise OutputError(_("{path}: the name must end in {ending}.").format(path=path, ending=self._ending()))
        return path

    def _read(self) -> None:
        reading, path, dicom = self._reading
        if not reading.step():
            return
        segments, session = reading.segments(), self._work.scene_session
        self._stop_reading()
        if path:
            work = self._thread.submit(write_file, path, session.volume, segments, dicom)
            self._working = work, partial(self._tell_written, path)
        else:
            names = [segment.name for segment in segments]
            self._working = self._thread.submit(numbered_image, segments), partial(self._add_labelmap, session, names)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading[0].close()
            self._reading = None

    def _tell_written(self, path: Path, notes: tuple[str, ...]) -> None:
        self._say(" ".join((_("Written: {path}.").format(path=path), *notes)))

    def _add_labelmap(self, session: SceneSession, names: list[str], image: vtk.vtkImageData) -> None:
        if session is not self._work.scene_session:
            self._say(_("The volume was left before its labelmap was made."))
            return
        name = node_name(_("{name} labelmap").format(name=session.segmentation_node.GetName()))
        name = slicer.mrmlScene.GenerateUniqueName(name)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
        matrix = vtk.vtkMatrix4x4()
        session.volume_node.GetIJKToRASMatrix(matrix)
        node.SetIJKToRASMatrix(matrix)
        node.SetAndObserveTransformNodeID(session.volume_node.GetTransformNodeID())
        node.SetAndObserveImageData(image)
        node.CreateDefaultDisplayNodes()
        numbered = ", ".join(f"{number} = {name}" for number, name in enumerate(names, start=1))
        self._say(_("{name} is in the scene: {numbered}.").format(name=node.GetName(), numbered=numbered))
