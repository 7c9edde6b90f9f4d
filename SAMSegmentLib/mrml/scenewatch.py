"""What happens in a scene that a session on it must know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import slicer
import vtk
from vtk.util.misc import calldata_type

from ..errors import InputError
from .observers import Observers
from .volumes import array_of, between_nodes

if TYPE_CHECKING:
    from ..volume import Volume


_FIRST = 1.0  # an observer's priority; without one it is 0


class SceneListener(Protocol):
    """Who is told. No method may raise: VTK would swallow it."""

    def on_end(self, sentence: str) -> None:
        """The session cannot go on; the sentence says why."""

    def on_segmentation_removed(self) -> None:
        """The segmentation is about to be removed from the scene, which goes on without it."""

    def on_segmentation_changed(self) -> None:
        """A segment has come, gone or changed, its name, colour or tags, or the editor's history has restored it."""

    def on_voxels_changed(self) -> None:
        """Voxels of a segment were written, by whomever, but not by the editor's history."""

    def on_node_removed(self, node: slicer.vtkMRMLNode) -> None:
        """Any other node has been removed."""

    def on_volume_moved(self) -> None:
        """The volume or the segmentation is under another transform."""


class SceneWatch:
    """Watches a scene, a volume node and a segmentation node until :meth:`close`."""

    def __init__(
        self,
        volume: Volume,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        listener: SceneListener,
    ) -> None:
        self._volume = volume
        self._volume_node = volume_node
        self._segmentation_node = segmentation_node
        self._listener = listener
        self._voxels = _voxels_of(volume_node)
        self._to_segmentation = between_nodes(volume_node, segmentation_node)
        self._observers = Observers()
        scene = segmentation_node.GetScene()
        add = self._observers.add
        add(scene, scene.StartCloseEvent, self._on_close)
        # Before the application's selectors, which let go of the node, so that the session ends without a word.
        add(scene, scene.NodeAboutToBeRemovedEvent, self._on_removing, _FIRST)
        add(scene, scene.NodeRemovedEvent, self._on_removed)
        add(volume_node, volume_node.ImageDataModifiedEvent, self._on_image)
        add(volume_node, vtk.vtkCommand.ModifiedEvent, self._on_volume)
        for node in (volume_node, segmentation_node):
            add(node, node.TransformModifiedEvent, self._on_transform)
        segmentation = slicer.vtkSegmentation
        for event in (
            segmentation.SegmentAdded,
            segmentation.SegmentRemoved,
            segmentation.SegmentModified,
        ):
            add(segmentation_node, event, self._on_segmentation)
        add(segmentation_node, segmentation.SourceRepresentationModified, self._on_voxels)

    def close(self) -> None:
        """Look no longer."""
        self._observers.clear()

    @property
    def obstacle(self) -> str | None:
        """Why no prompt can be given at the moment, in a sentence: the nodes' transforms were changed."""
        name, other = self._volume_node.GetName(), self._segmentation_node.GetName()
        try:
            is_same = np.allclose(between_nodes(self._volume_node, self._segmentation_node), self._to_segmentation)
        except InputError as error:
            return str(error)
        return None if is_same else f"{name} and {other} lie apart; put both under the same transform to go on."

    def _on_close(self, _scene: slicer.vtkMRMLScene, _event: str) -> None:
        self._listener.on_end("The scene was closed, and the segmentation with it.")

    @calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]  # vtk has no types here
    def _on_removing(self, _scene: slicer.vtkMRMLScene, _event: str, node: slicer.vtkMRMLNode) -> None:
        if node is self._segmentation_node:
            self._listener.on_segmentation_removed()

    @calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]  # vtk has no types here
    def _on_removed(self, _scene: slicer.vtkMRMLScene, _event: str, node: slicer.vtkMRMLNode) -> None:
        if node is self._volume_node:
            self._listener.on_end(f"The volume {node.GetName()} was removed; choose another one to go on.")
        elif node is self._segmentation_node:
            self._listener.on_end(f"The segmentation {node.GetName()} was removed; choose another one to go on.")
        else:
            self._listener.on_node_removed(node)

    def _on_image(self, node: slicer.vtkMRMLScalarVolumeNode, _event: str) -> None:
        self._listener.on_end(f"The voxels of {node.GetName()} have changed; choose it again to segment it as it is.")

    def _on_volume(self, node: slicer.vtkMRMLScalarVolumeNode, event: str) -> None:
        if _voxels_of(node) != self._voxels:
            self._on_image(node, event)
            return
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        if not np.allclose(array_of(matrix), self._volume.ijk_to_ras):
            self._listener.on_end(f"The place of {node.GetName()} has changed; choose it again to segment it there.")

    def _on_transform(self, _node: slicer.vtkMRMLTransformableNode, _event: str) -> None:
        self._listener.on_volume_moved()

    def _on_segmentation(self, _node: slicer.vtkMRMLSegmentationNode, _event: str) -> None:
        self._listener.on_segmentation_changed()

    def _on_voxels(self, _node: slicer.vtkMRMLSegmentationNode, _event: str) -> None:
        self._listener.on_voxels_changed()


def _voxels_of(node: slicer.vtkMRMLScalarVolumeNode) -> tuple[vtk.vtkImageData | None, vtk.vtkDataArray | None, int]:
    """The image, its voxels, and when they were last changed.

    A change of the voxels themselves, as ``slicer.util.arrayFromVolumeModified`` announces it, is an event of the node
    only: the image says nothing.
    """
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image else None
    return image, scalars, scalars.GetMTime() if scalars else 0
