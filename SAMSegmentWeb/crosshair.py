"""Slicer's crosshair: while Shift is held, other views go to the place under the mouse, and a cross marks it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer import vtkMRMLCrosshairDisplayableManager

if TYPE_CHECKING:
    from slicer import vtkMRMLScene
    from vtkmodules.vtkRenderingCore import vtkRenderWindowInteractor


class Crosshair:
    """Shows the cross, and tells when it was the crosshair that has moved the views."""

    def __init__(self, scene: vtkMRMLScene) -> None:
        self._node = vtkMRMLCrosshairDisplayableManager().FindCrosshairNode(scene)
        self._place = self._node.GetCrosshairRAS()
        self._is_held = False

    def mouse_moved(self, interactor: vtkRenderWindowInteractor) -> None:
        """To be called before Slicer hears of it."""
        self._is_held = bool(interactor.GetShiftKey())
        if not self._is_held:
            self.hide()

    def hide(self) -> None:
        """Take the cross out of all views."""
        self._node.SetCrosshairMode(self._node.NoCrosshair)

    def look(self) -> bool:
        """Whether it has moved the views since the last look; then the cross is shown."""
        place = self._node.GetCrosshairRAS()
        has_moved = self._is_held and place != self._place  # closing a volume puts it back, too
        self._place = place
        if has_moved:
            self._node.SetCrosshairMode(self._node.ShowSmallBasic)
        return has_moved
