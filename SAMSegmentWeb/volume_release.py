"""Memory of a volume that was closed, let go of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer import vtkMRMLScene

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode
    from trame_slicer.core import SlicerApp
    from trame_slicer.segmentation import Segmentation, SegmentationDisplay


class VolumeRelease:
    """Makes up for what trame-slicer leaves behind with each volume: objects that VTK calls back, which never end."""

    def __init__(self, slicer: SlicerApp) -> None:
        self._scene = slicer.scene
        self._editor = slicer.segmentation_editor
        self._segmentation: Segmentation | None = None
        self._display: SegmentationDisplay | None = None
        # The first signal of a segmentation, when it has no segments yet that somebody could ask about.
        self._editor.active_segment_id_changed.connect(lambda _segment_id: self._share_display())
        self._closing: list[vtkMRMLScalarVolumeNode] = []
        self._scene.AddObserver(vtkMRMLScene.StartCloseEvent, lambda *_: self._note_volumes())
        self._scene.AddObserver(vtkMRMLScene.EndCloseEvent, lambda *_: self._drop_voxels())

    def _share_display(self) -> None:
        """Have everybody given one wrapper of the display node: one is made each time that somebody asks for it."""
        segmentation = self._editor.active_segmentation
        if segmentation is None or segmentation is self._segmentation:
            return
        if self._display is not None:
            self._display.set_wrapped_obj(None)
        self._segmentation = segmentation
        display = self._display = segmentation.get_display()
        segmentation.get_display = lambda: display

    def _note_volumes(self) -> None:
        self._closing = list(self._scene.GetNodesByClass("vtkMRMLScalarVolumeNode"))

    def _drop_voxels(self) -> None:
        """Take the voxels from the nodes, since what draws thresholds keeps those; no view shows them any more."""
        while self._closing:
            self._closing.pop().SetAndObserveImageData(None)
