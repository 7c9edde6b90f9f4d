"""Stand-ins for Slicer's slice widgets and layout manager, over real off-screen slice views."""

from collections.abc import Callable
from typing import Any

import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal
from vtk.util.numpy_support import vtk_to_numpy

from Testing.host.widgets.mrml import qMRMLWidget
from Testing.host.widgets.stored import stored
from Testing.slicer.mrml_scene import SliceView

ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
FOUR_UP = 3  # vtkMRMLLayoutNode's numbers
ONE_UP_3D = 4
TWO_OVER_TWO = 27
# The slice views of layouts that do not show just the three; Slice4 is axial in Slicer, too.
LAYOUTS = {ONE_UP_3D: (), 6: ("Red",), 7: ("Yellow",), 8: ("Green",), TWO_OVER_TWO: (*ORIENTATIONS, "Slice4")}


class ctkVTKAbstractView(QtWidgets.QWidget):
    """Stands in for CTK's: a widget around a render window."""

    def scheduleRender(self) -> None:
        self.update()

    def forceRender(self) -> None:
        self.update()


class ctkVTKSliceView(ctkVTKAbstractView):
    """Stands in for CTK's: a view of slices."""


class qMRMLSliceView(ctkVTKSliceView):
    """Stands in for Slicer's: shows what the off-screen view renders."""

    def __init__(self, view: SliceView) -> None:
        super().__init__()
        self._view = view
        self.setMinimumSize(60, 60)

    def interactor(self) -> Any:
        return self._view.interactor

    def renderWindow(self) -> Any:
        return self._view.window

    def mrmlSliceNode(self) -> Any:
        return self._view.slice_node

    def sliceViewInteractorStyle(self) -> Any:
        return self._view.style

    def interactorStyle(self) -> Any:
        return self._view.interactor.GetInteractorStyle()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.drawImage(self.rect(), picture_of(self._view))
        painter.end()


class qMRMLAbstractViewWidget(qMRMLWidget):
    """Stands in for Slicer's base of view widgets."""


class qMRMLSliceWidget(qMRMLAbstractViewWidget):
    """Stands in for Slicer's: a slice view with its logic and nodes. It has no controller bar."""

    def __init__(self, view: SliceView) -> None:
        super().__init__()
        self._view = view
        self._slice_view = qMRMLSliceView(view)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slice_view)

    def sliceView(self) -> qMRMLSliceView:
        return self._slice_view

    def viewWidget(self) -> qMRMLSliceView:
        return self._slice_view

    def sliceLogic(self) -> Any:
        return self._view.logic

    def logic(self) -> Any:
        return self._view.logic

    def mrmlSliceNode(self) -> Any:
        return self._view.slice_node

    def mrmlAbstractViewNode(self) -> Any:
        return self._view.slice_node

    def mrmlSliceCompositeNode(self) -> Any:
        return self._view.logic.GetSliceCompositeNode()

    def interactorStyle(self) -> Any:
        return self._view.interactor.GetInteractorStyle()

    def fitSliceToBackground(self) -> None:
        self._view.logic.FitSliceToBackground()

    def _read_orientation(self) -> str:
        return self._view.slice_node.GetOrientation()

    def setSliceOrientation(self, orientation: str) -> None:
        self._view.slice_node.SetOrientation(orientation)

    sliceOrientation = Property(str, _read_orientation, setSliceOrientation)

    def _read_name(self) -> str:
        return self._view.slice_node.GetLayoutName()

    sliceViewName = Property(str, _read_name)


class qSlicerLayoutManager(QtCore.QObject):
    """Stands in for Slicer's: three slice views, a fourth when a layout first asks for it, no 3D view.

    A layout is a number that says which of them are shown; views stay when the layout does not show them.
    """

    layoutChanged = Signal(int)
    threeDViewCount = stored(int, "threeDViewCount", 0)
    plotViewCount = stored(int, "plotViewCount", 0)
    tableViewCount = stored(int, "tableViewCount", 0)
    enabled = stored(bool, "enabled", True)

    def __init__(
        self, widgets: dict[str, qMRMLSliceWidget], logics: Any, make_view: Callable[[str, str], None]
    ) -> None:
        super().__init__()
        self._widgets, self._logics, self._make_view = widgets, logics, make_view
        self._layout = FOUR_UP
        self._map()

    def sliceViewNames(self) -> list[str]:
        """Those that are hidden, too, as in Slicer."""
        return list(self._widgets)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        return self._logics

    def resetSliceViews(self) -> None:
        for widget in self._widgets.values():
            widget.fitSliceToBackground()

    def pauseRender(self) -> None:
        """Nothing is rendered here before a picture is taken."""

    def resumeRender(self) -> None:
        """Nothing is rendered here before a picture is taken."""

    def _read_layout(self) -> int:
        return self._layout

    def setLayout(self, number: int) -> None:
        self._layout = int(number)
        self._map()
        self.layoutChanged.emit(self._layout)

    def _map(self) -> None:
        shown = LAYOUTS.get(self._layout, tuple(ORIENTATIONS))
        for name in shown:
            if name not in self._widgets:
                self._make_view(name, "Axial")
        for name, widget in self._widgets.items():
            widget.mrmlSliceNode().SetMappedInLayout(name in shown)

    layout = Property(int, _read_layout, setLayout)


def picture_of(view: SliceView) -> QtGui.QImage:
    """What the view shows: the slice as Slicer's slice logic makes it, with markups and segments over it."""
    actor = _slice_actor(view.logic.GetImageDataConnection())
    if actor is not None:
        _add_behind(view.renderer, actor)
    view.window.Render()
    image = _grabbed(view.window)
    if actor is not None:
        view.renderer.RemoveViewProp(actor)
    return image


def _grabbed(window: Any) -> QtGui.QImage:
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].copy()
    return QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888).copy()


def _slice_actor(connection: Any) -> Any:
    """CTK's light box shows the slice in Slicer, and is not in slicer-core: an image does it here. None: no volume."""
    if connection is None:
        return None
    mapper = vtk.vtkImageMapper()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    mapper.SetInputConnection(connection)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    return actor


def _add_behind(renderer: Any, actor: Any) -> None:
    """As the first of the renderer's things: where another one is drawn before, its depth would hide the image."""
    props = renderer.GetViewProps()
    others = [props.GetItemAsObject(number) for number in range(props.GetNumberOfItems())]
    for each in others:
        props.RemoveItem(each)
    renderer.AddViewProp(actor)
    for each in others:
        props.AddItem(each)
