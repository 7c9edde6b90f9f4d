"""How it looks: grey values, opacity, surface, and which views there are."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState
from trame_slicer.app.ui import SegmentEditorState
from trame_slicer.core import LayoutManager

from SAMSegmentLib.geometry import Orientation, native_orientation

from .layouts import has_large_slice, layouts, only_layout, primary_layout
from .messages import told
from .scene_voxels import surface_voxels
from .state import DisplayState, PageState, PropagationState
from .surface_camera import SurfaceCamera
from .view_fit import fit_image
from .volume_release import VolumeRelease
from .work import show_window

if TYPE_CHECKING:
    from trame_server import Server

    from .work import Work

# A surface is made anew when nothing has changed for this long: it takes longer than a click may.
_QUIET_S = 1.0
# Twice an adult's liver in slices of 512x512 voxels: its surface takes a second.
_MOST_SURFACE_VOXELS = 4_000_000


class DisplayControl:
    """Controls of the display, and the layout of the views.

    The surface is taken away while segments change and made anew when they have come to rest.
    """

    def __init__(self, server: Server, work: Work) -> None:
        self.messages = work.messages
        self._work = work
        self._typed = TypedState(server.state, DisplayState)
        self._page = TypedState(server.state, PageState).data
        self._segments = TypedState(server.state, SegmentEditorState).data.segment_display
        self._release = VolumeRelease(work.slicer)
        self._camera = SurfaceCamera(work.slicer.view_manager)
        self._changed_at: float | None = None
        self._centers_surface = False
        self._is_surface_refused = self._is_surface_asked_for = False
        self._voxel_limits = (0.0, 1.0)
        self._shown_states: object = None
        self._propagation = TypedState(server.state, PropagationState).data
        self.layout_manager = LayoutManager(work.slicer.scene, work.slicer.view_manager, server)
        self.layout_manager.register_layout_dict(layouts())
        self._enlarge(Orientation.AXIAL)
        self._prepare_segment_display()
        self._typed.bind_changes(
            {
                self._typed.name.gray_range: self._gray_range_changed,
                self._typed.name.opacity: self._opacity_changed,
                self._typed.name.is_3d_shown: self._surface_wanted,
            }
        )
        page = TypedState(server.state, PageState)
        page.bind_changes({page.name.is_narrow: self._width_changed})
        work.add_listener(self._refresh)
        # What is drawn by hand, and taken back, changes no state of the session.
        work.undo_stack.index_changed.connect(lambda _index: self._hide_surface_until_quiet())

    @property
    def layout_names(self) -> list[str]:
        """The layouts that can be chosen."""
        names: list[str] = self.layout_manager.get_layout_ids()
        return names

    def set_layout(self, name: str) -> None:
        """Arrange the views in another way."""
        self.layout_manager.set_layout(name)
        self._page.layout = name

    def reset_views(self) -> None:
        """Fit the image into the slice views, which keep their slices, and what is in 3D into that view."""
        manager = self._work.slicer.view_manager
        for view in manager.get_slice_views():
            fit_image(view)
        for view in manager.get_threed_views():
            view.reset_view()

    def show_volume(self) -> None:
        """Take limits and window of the grey values from the volume that was opened."""
        opened = self._work.opened
        if opened is None:
            return
        self._camera.forget()
        self._voxel_limits = float(opened.volume.array.min()), float(opened.volume.array.max())
        data = self._typed.data
        data.is_3d_shown = self._is_surface_refused = self._is_surface_asked_for = False
        if has_large_slice(self._page.layout):
            self._enlarge(native_orientation(opened.volume))
        self._page.is_panel_open = not self._page.is_narrow
        self._show_gray_range()
        data.window = self._work.window
        self._opacity_changed(data.opacity)

    @told
    def show_window(self, window: str) -> None:
        """Show the user, not the model, the grey values of a window that has a name."""
        opened = self._work.opened
        if opened is not None:
            show_window(opened.volume_node, opened.volume, window)
            self._show_gray_range()
            self._typed.data.window = window

    def set_gray_value(self, end: int, text: str) -> None:
        """Show another grey value black (end 0) or white (end 1).

        :param text: as it was typed; what is no such number is refused.
        """
        opened = self._work.opened
        if opened is None:
            return
        wanted = list(self._typed.data.gray_range)
        try:
            wanted[end] = float(text)
        except ValueError:
            wanted[end] = math.nan
        if not (math.isfinite(wanted[end]) and wanted[0] < wanted[1]):
            side = "below the upper one" if end == 0 else "above the lower one"
            self._typed.data.refusals += 1
            self.messages.fail(f"This grey value has to be a number {side}; type another.")
            return
        opened.volume_node.GetDisplayNode().SetWindowLevelMinMax(*wanted)
        self._show_gray_range()
        self._typed.data.window = None

    def show_surface_if_quick(self) -> None:
        """Show the surface of what was propagated, unless it takes seconds, or the user has switched it off."""
        if self._work.scene_session is None or self._typed.data.is_3d_shown or self._is_surface_refused:
            return
        if self._is_surface_quick():
            self._typed.data.is_3d_shown = True
        else:
            self._refuse_surface()

    def set_surface(self, is_wanted: bool) -> None:
        """Show the surface, or not: then it does not come by itself any more while this volume is open."""
        self._is_surface_refused, self._is_surface_asked_for = not is_wanted, bool(is_wanted)
        self._typed.data.is_3d_shown = bool(is_wanted)

    def look(self) -> None:
        """Make the surface anew when the segments have come to rest."""
        is_quiet = self._changed_at is not None and time.monotonic() - self._changed_at > _QUIET_S
        if is_quiet and not self._propagation.is_running:
            self._changed_at = None
            self._show_surface_again()
        if self._centers_surface and self._work.slicer.segmentation_editor.is_surface_representation_enabled():
            self._centers_surface = False
            self._camera.frame()

    # --- inside

    def _prepare_segment_display(self) -> None:
        self._segments.border_thickness.value = 2
        self._segments.opacity_2d.value = self._typed.data.opacity
        self._segments.opacity_3d.value = 1.0
        self._segments.show_3d = False

    def _width_changed(self, is_narrow: bool) -> None:
        opened = self._work.opened
        self._enlarge(native_orientation(opened.volume) if opened else Orientation.AXIAL)
        if opened is not None:
            self._page.is_panel_open = not is_narrow

    def _enlarge(self, orientation: Orientation) -> None:
        """Make an orientation's view the large one; the only one where there is no room for others."""
        self.set_layout(only_layout(orientation) if self._page.is_narrow else primary_layout(orientation))

    def _gray_range_changed(self, gray_range: list[float]) -> None:
        if self._work.opened:
            display = self._work.opened.volume_node.GetDisplayNode()
            if list(gray_range) != [display.GetWindowLevelMin(), display.GetWindowLevelMax()]:
                display.SetWindowLevelMinMax(*sorted(gray_range))
                self._typed.data.window = None

    def _show_gray_range(self) -> None:
        """Show what the display node has; a window may reach beyond the values that there are."""
        if self._work.opened:
            display = self._work.opened.volume_node.GetDisplayNode()
            low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
            data = self._typed.data
            data.gray_low, data.gray_high = min(low, self._voxel_limits[0]), max(high, self._voxel_limits[1])
            data.gray_range = [low, high]

    def _opacity_changed(self, opacity: float) -> None:
        self._segments.opacity_2d.value = opacity

    def _surface_wanted(self, is_wanted: bool) -> None:
        self._segments.show_3d = is_wanted
        self._centers_surface = is_wanted
        self._camera.forget()

    def _show_surface_again(self) -> None:
        """Show the surface as it is now, unless it came by itself and has grown too large for that."""
        if self._typed.data.is_3d_shown and not self._is_surface_asked_for and not self._is_surface_quick():
            self._typed.data.is_3d_shown = False
            self._refuse_surface()
        self._segments.show_3d = self._centers_surface = self._typed.data.is_3d_shown

    def _refuse_surface(self) -> None:
        self._is_surface_refused = True  # said once for each volume
        self.messages.tell(
            "The 3D view stays empty, since its surface takes seconds; the switch under 'Display' makes it."
        )

    def _is_surface_quick(self) -> bool:
        """Whether the surfaces of all segments are made within about a second."""
        opened = self._work.opened
        return opened is None or surface_voxels(opened.segmentation_node.GetSegmentation()) <= _MOST_SURFACE_VOXELS

    def _refresh(self) -> None:
        session = self._work.scene_session
        states = session.session.states if session else None
        if states is not self._shown_states:
            self._hide_surface_until_quiet()
        self._shown_states = states

    def _hide_surface_until_quiet(self) -> None:
        if self._typed.data.is_3d_shown:
            self._segments.show_3d = False
            self._changed_at = time.monotonic()
