"""Stand-ins for Slicer's plain widgets with a scene, and observation of VTK objects by widgets."""

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtWidgets
from PySide6.QtCore import Signal


class Observations:
    """VTK observers of one widget: ended together, at the latest when the widget is gone."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, int]] = []
        weakref.finalize(self, _end, self._made).atexit = False

    def add(self, caller: Any, event: Any, method: Callable) -> None:
        """``method`` of a widget is called as long as Qt has the widget."""
        self._made.append((caller, caller.AddObserver(event, _while_alive(method))))

    def has(self, caller: Any) -> bool:
        return any(each is caller for each, _ in self._made)

    def end(self, *_: Any) -> None:
        _end(self._made)

    def end_of(self, caller: Any) -> None:
        """Those of one object."""
        ended = [pair for pair in self._made if pair[0] is caller]
        self._made[:] = [pair for pair in self._made if pair[0] is not caller]
        _end(ended)


def _end(made: list[tuple[Any, int]]) -> None:
    for caller, tag in made:
        caller.RemoveObserver(tag)
    made.clear()


def _while_alive(method: Callable) -> Callable:
    weak = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        bound = weak()
        if bound is not None and shiboken6.isValid(bound.__self__):
            bound(*arguments)

    if hasattr(method, "CallDataType"):
        call.CallDataType = method.CallDataType
    return call


class SceneWidget(QtWidgets.QWidget):
    """A widget that knows a scene and looks at it again after each change."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._scene_observations = Observations()
        self.destroyed.connect(self._scene_observations.end)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene_observations.end()
        self._scene = scene
        self.observe_scene()

    def observe_scene(self) -> None:
        """What a kind of widget observes. The host's handle."""


class AnnouncingWidget(SceneWidget):
    """Signals a new scene, which .ui files connect to the scenes of the widgets inside."""

    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        is_new = scene is not self._scene
        super().setMRMLScene(scene)
        if is_new:
            self.mrmlSceneChanged.emit(scene)


class qMRMLWidget(AnnouncingWidget):
    """Stands in for Slicer's."""

    def mrmlScene(self) -> Any:
        return self._scene


class qSlicerWidget(AnnouncingWidget):
    """Stands in for Slicer's."""
