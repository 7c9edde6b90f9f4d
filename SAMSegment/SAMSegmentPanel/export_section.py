"""Section 'Export'."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from SAMSegmentLib.errors import OutputError, SAMSegmentError
from SAMSegmentLib.mrml.plaintext import node_name

from .export_files import dicom_folder, write_file

if TYPE_CHECKING:
    from SAMSegmentLib.segments import Segment

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
        self._writing: tuple[Path, Future[tuple[str, ...]]] | None = None
        self.ui.exportFormatComboBox.connect("currentIndexChanged(int)", self._show_format)
        self.ui.exportPathLineEdit.connect("currentPathChanged(QString)", lambda _path: work.note_change())
        self.ui.exportButton.connect("clicked()", self._export)
        work.bound.connect(self._propose_path)

    def refresh(self) -> None:
        """Show whether something can be exported."""
        session = self._work.scene_session
        is_told_where = not self._ending() or bool(self.ui.exportPathLineEdit.currentPath.strip())
        self.ui.exportPathLineEdit.enabled = bool(self._ending())
        self.ui.exportButton.enabled = bool(session and session.segment_ids and is_told_where and not self._writing)
        self.ui.exportResultLabel.visible = bool(self.ui.exportResultLabel.text)
        self.ui.exportButton.text = _("Writing...") if self._writing else _("Export")

    def tick(self) -> None:
        """See whether a file is written."""
        if self._writing and self._writing[1].done():
            path, written = self._writing
            self._writing = None
            try:
                self._say(" ".join((_("Written: {path}.").format(path=path), *written.result())))
            except SAMSegmentError as error:
                self._say(str(error))
            self._work.note_change()

    def close(self) -> None:
        """A file that is being written is written to its end."""
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
        try:
            segments = self._work.scene_session.segments()
            if self._ending():
                self._write(Path(self.ui.exportPathLineEdit.currentPath.strip()).expanduser(), segments)
            else:
                self._say(self._add_labelmap(segments))
        except SAMSegmentError as error:
            self._say(str(error))
        self._work.note_change()

    def _write(self, path: Path, segments: list[Segment]) -> None:
        if not path.name.endswith(self._ending()):
            raise OutputError(_("{path}: the name must end in {ending}.").format(path=path, ending=self._ending()))
        session = self._work.scene_session
        dicom = dicom_folder(session.volume_node) if self._ending() == ".dcm" else None
        self._writing = path, self._thread.submit(write_file, path, session.volume, segments, dicom)

    def _add_labelmap(self, segments: list[Segment]) -> str:
        session = self._work.scene_session
        labels = np.zeros(session.volume.array.shape, dtype=np.uint8 if len(segments) <= 255 else np.uint16)
        for number, segment in enumerate(segments, start=1):
            labels[segment.mask] = number
        name = node_name(_("{name} labelmap").format(name=session.segmentation_node.GetName()))
        name = slicer.mrmlScene.GenerateUniqueName(name)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
        matrix = vtk.vtkMatrix4x4()
        session.volume_node.GetIJKToRASMatrix(matrix)
        node.SetIJKToRASMatrix(matrix)
        node.SetAndObserveTransformNodeID(session.volume_node.GetTransformNodeID())
        slicer.util.updateVolumeFromArray(node, labels)
        node.CreateDefaultDisplayNodes()
        numbered = ", ".join(f"{number} = {segment.name}" for number, segment in enumerate(segments, start=1))
        return _("{name} is in the scene: {numbered}.").format(name=name, numbered=numbered)
