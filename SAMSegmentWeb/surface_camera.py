"""The 3D camera: it frames the surface when that comes, and again when it has grown out of the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtkmodules.vtkCommonDataModel import vtkBoundingBox

if TYPE_CHECKING:
    from trame_slicer.core import ViewManager
    from trame_slicer.views import ThreeDView

# Of its diagonal: a surface that has grown by less is still in view, and the camera stays where the user put it.
_GROWTH = 0.1


class SurfaceCamera:
    """Frames what is seen in 3D views."""

    def __init__(self, view_manager: ViewManager) -> None:
        self._view_manager = view_manager
        self._framed: dict[ThreeDView, vtkBoundingBox] = {}

    def forget(self) -> None:
        """Frame whatever is seen next, from the front."""
        self._framed.clear()

    def frame(self) -> None:
        """Bring a surface that has come or grown into view; a direction that the user has turned to stays."""
        for view in self._view_manager.get_threed_views():
            seen = vtkBoundingBox(view.renderer().ComputeVisiblePropBounds())
            if not seen.IsValid():
                continue
            framed = self._framed.get(view)
            if framed is None:
                view.reset_view()
            elif framed.Contains(seen):
                continue
            else:
                view.reset_focal_point()
                view.reset_camera()
                view.schedule_render()
            seen.Inflate(_GROWTH * seen.GetDiagonalLength())
            self._framed[view] = seen
