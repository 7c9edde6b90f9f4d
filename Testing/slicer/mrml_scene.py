"""A MRML scene with Slicer's application logic and off-screen slice views, for tests without Slicer's Qt application.

The nodes, logics, displayable managers and the slice views' interactor style are Slicer's own (package slicer-core);
what Qt does in Slicer, a window and its events, is done here by the test.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

if TYPE_CHECKING:
    from pathlib import Path

    from SAMSegmentLib.volume import Volume

_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
)

Position = tuple[int, int]

# Without a display VTK tries the X server first and says so in each test.
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


class MRMLScene:
    """A scene as Slicer's application starts with: logics of the modules registered, orientations and colours there."""

    def __init__(self) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.views: list[SliceView] = []
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        self.app_logic = slicer.vtkSlicerApplicationLogic()
        self.app_logic.SetMRMLScene(self.scene)
        self.app_logic.GetColorLogic().SetMRMLScene(self.scene)
        self.app_logic.GetColorLogic().AddDefaultColorNodes()
        self.app_logic.SetSliceLogics(vtk.vtkCollection())
        self.app_logic.SetViewLogics(vtk.vtkCollection())
        self.factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self.factory.SetMRMLApplicationLogic(self.app_logic)
        self.logics = {
            "Colors": slicer.vtkMRMLColorLogic(),
            "Markups": slicer.vtkSlicerMarkupsLogic(),
            "Volumes": slicer.vtkSlicerVolumesLogic(),
            "Segmentations": slicer.vtkSlicerSegmentationsModuleLogic(),
            "SubjectHierarchy": slicer.vtkSlicerSubjectHierarchyModuleLogic(),
        }
        for name, logic in self.logics.items():
            logic.SetMRMLScene(self.scene)
            logic.SetMRMLApplicationLogic(self.app_logic)
            self.app_logic.SetModuleLogic(name, logic)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)

    def __enter__(self) -> MRMLScene:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the views and the scene down in the order in which Slicer does."""
        for view in self.views:
            view.close()
        self.views.clear()
        self.scene.Clear(True)
        for logic in self.logics.values():
            logic.SetMRMLScene(None)
        self.app_logic.SetMRMLScene(None)

    def save(self, path: Path) -> None:
        """Write the scene as an MRB."""
        assert self.scene.WriteToMRB(str(path), None)

    def load(self, path: Path) -> None:
        """Close the scene and read an MRB; it is unpacked beside the file."""
        cache, data_io = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
        cache.SetRemoteCacheDirectory(str(path.parent))
        cache.SetMRMLScene(self.scene)
        data_io.SetCacheManager(cache)
        self.scene.SetCacheManager(cache)
        self.scene.SetDataIOManager(data_io)
        self.scene.Clear(False)
        assert self.scene.ReadFromMRB(str(path), False)

    def add_volume(self, volume: Volume, name: str = "volume") -> slicer.vtkMRMLScalarVolumeNode:
        """A scalar volume node with a volume's voxels and geometry."""
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        image = vtk.vtkImageData()
        image.SetDimensions(volume.shape_ijk)
        image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(volume.array.ravel(), deep=True))
        node.SetIJKToRASMatrix(vtk_matrix(volume.ijk_to_ras))
        node.SetAndObserveImageData(image)
        node.CreateDefaultDisplayNodes()
        return node

    def add_segmentation(
        self, volume_node: slicer.vtkMRMLScalarVolumeNode, *names: str
    ) -> slicer.vtkMRMLSegmentationNode:
        """A segmentation of a volume with empty segments, whose ids are their names."""
        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
        for name in names:
            node.GetSegmentation().AddEmptySegment(name, name)
        return node

    def add_transform(self, matrix: np.ndarray, *children: slicer.vtkMRMLTransformableNode):
        """A linear transform node above some nodes."""
        node = self.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        node.SetMatrixTransformToParent(vtk_matrix(matrix))
        for child in children:
            child.SetAndObserveTransformNodeID(node.GetID())
        return node

    def add_slice_view(self, orientation: str = "Axial", size: Position = (400, 400)) -> SliceView:
        """An off-screen slice view; orientation is Axial, Sagittal or Coronal."""
        view = SliceView(self, f"{orientation}{len(self.views)}", orientation, size)
        self.views.append(view)
        return view


class SliceView:
    """One slice view with Slicer's displayable managers and interactor style, fed with real interactor events."""

    def __init__(self, world: MRMLScene, name: str, orientation: str, size: Position) -> None:
        self.size = size
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.Initialize()
        for manager in _MANAGERS:
            if not world.factory.IsDisplayableManagerRegistered(manager):
                world.factory.RegisterDisplayableManager(manager)
        self.managers = slicer.vtkMRMLDisplayableManagerGroup()
        self.managers.Initialize(world.factory, self.renderer)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(world.app_logic)
        self.logic.SetMRMLScene(world.scene)
        world.app_logic.GetSliceLogics().AddItem(self.logic)
        self.slice_node = self.logic.AddSliceNode(name)
        self.slice_node.SetOrientation(orientation)
        self.managers.SetMRMLDisplayableNode(self.slice_node)
        self.style = slicer.vtkMRMLSliceViewInteractorStyle()
        self.style.SetSliceLogic(self.logic)
        self.style.SetDisplayableManagers(self.managers)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.style.SetInteractor(self.interactor)
        self.logic.ResizeSliceNode(*size)

    def close(self) -> None:
        """Let go of the scene and the window."""
        self.style.SetInteractor(None)
        self.managers.SetMRMLDisplayableNode(None)
        self.logic.SetMRMLScene(None)
        self.window.Finalize()

    def show(self, volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
        """Put a volume into the background, turn the view to its axes, fill the view with it."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
        self.slice_node.RotateToVolumePlane(volume_node)
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()

    def show_position(self, ras: np.ndarray) -> None:
        """Bring the slice to a world RAS position, which comes to lie in the middle of the view."""
        self.slice_node.JumpSliceByCentering(*ras)

    def xy_of(self, ras: np.ndarray) -> tuple[float, float]:
        """Where in the view a world RAS position lies, in pixels from the bottom left."""
        inverse = np.linalg.inv(array_of(self.slice_node.GetXYToRAS()))
        x, y, *_ = inverse @ [*ras, 1.0]
        return float(x), float(y)

    def picture(self) -> np.ndarray:
        """What the view shows, uint8 [row from the bottom, column, RGB]."""
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        grabber.Update()
        image = grabber.GetOutput()
        columns, rows, _ = image.GetDimensions()
        return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, 3).copy()

    # --- events

    def move(self, xy: Position) -> None:
        """Move the mouse."""
        self._at(xy)
        self.interactor.InvokeEvent("MouseMoveEvent")

    def press(self, xy: Position, *, shift: bool = False) -> None:
        """Press the left button, the mouse having come from beside."""
        self._at(xy, shift=shift)
        self.interactor.InvokeEvent("MouseMoveEvent")
        self.interactor.InvokeEvent("LeftButtonPressEvent")

    def release(self, xy: Position, *, shift: bool = False) -> None:
        """Release the left button."""
        self._at(xy, shift=shift)
        self.interactor.InvokeEvent("LeftButtonReleaseEvent")

    def click(self, xy: Position, *, shift: bool = False) -> None:
        """Press and release the left button in one place."""
        self.press(xy, shift=shift)
        self.release(xy, shift=shift)

    def drag(self, start: Position, end: Position, steps: int = 5) -> None:
        """Drag with the left button in a straight line."""
        self.press(start)
        for step in range(1, steps + 1):
            way = step / steps
            self.move((round(start[0] + way * (end[0] - start[0])), round(start[1] + way * (end[1] - start[1]))))
        self.release(end)

    def key(self, name: str) -> None:
        """Press and release a key, by its name in VTK (Delete, Escape, a)."""
        self.interactor.SetKeySym(name)
        self.interactor.InvokeEvent("KeyPressEvent")
        self.interactor.InvokeEvent("KeyReleaseEvent")

    def _at(self, xy: Position, *, shift: bool = False) -> None:
        self.interactor.SetEventInformation(int(xy[0]), int(xy[1]), 0, int(shift))


def vtk_matrix(matrix: np.ndarray) -> vtk.vtkMatrix4x4:
    """A 4x4 array as VTK's matrix."""
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=float).ravel().tolist())
    return result


def array_of(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """VTK's matrix as a 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def segment_mask(segmentation_node, segment_id: str, volume_node) -> np.ndarray:
    """A segment's voxels, bool [k, j, i], on the grid of a volume node; nothing is added to the scene."""
    image = slicer.vtkOrientedImageData()
    if not segmentation_node.GetBinaryLabelmapRepresentation(segment_id, image):
        raise AssertionError(f"no labelmap of segment {segment_id}")
    columns, rows, slices = volume_node.GetImageData().GetDimensions()
    result = np.zeros((slices, rows, columns), dtype=bool)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    if i1 >= i0 and image.GetPointData().GetScalars() is not None:
        voxels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        result[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = voxels.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1) != 0
    return result
