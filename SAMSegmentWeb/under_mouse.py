"""What lies under the mouse in a slice view, in words: voxel, position and grey value."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import apply_transform
from SAMSegmentLib.mrml.picking import voxel_at
from SAMSegmentLib.mrml.volumes import array_of

if TYPE_CHECKING:
    from trame_slicer.views import SliceView

    from .state import ViewState
    from .work import Opened

# Nobody reads faster, and each of them is sent to the page.
_BETWEEN_S = 0.1


class UnderMouse:
    """Reads the voxel under the mouse after mouse or slice have moved, and never more than ten times a second.

    :param state: of the page, which is kept up to date.
    """

    def __init__(self, state: ViewState) -> None:
        self._state = state
        self._view: SliceView | None = None
        self._is_due = False
        self._read_at = 0.0

    def mouse_moved(self, view: SliceView | None) -> None:
        """The mouse has moved in a slice view, or in another view, which has no voxels: None."""
        self._view = view
        self._is_due = True

    def view_moved(self, view: SliceView) -> None:
        """A view shows another slice, or another part of it."""
        self._is_due |= view is self._view

    def look(self, opened: Opened | None) -> None:
        """Tell the page, when it is time to."""
        now = time.monotonic()
        if not self._is_due or now - self._read_at < _BETWEEN_S:
            return
        self._is_due, self._read_at = False, now
        if self._view is None or opened is None:
            self._state.pointed_view, self._state.under_mouse = "", []
        else:
            self._state.pointed_view = self._view.get_singleton_tag()
            self._state.under_mouse = described(opened, self._view)


def described(opened: Opened, view: SliceView) -> list[str]:
    """Voxel (i, j, k), position in RAS mm and grey value under the mouse; outside of the volume only the position."""
    xy = view.interactor().GetEventPosition()
    ras = apply_transform(array_of(view.get_view_node().GetXYToRAS()), [*xy, 0.0])
    position = "RAS " + ", ".join(f"{part:.1f}" for part in ras) + " mm"
    try:
        i, j, k = ijk = voxel_at(opened.volume, opened.volume_node, ras)
    except InputError:  # under a transform that is not linear; it is said to who clicks
        return [position]
    if not opened.volume.contains(ijk):
        return [position]
    return [f"voxel {i}, {j}, {k}", position, f"value {opened.volume.array[k, j, i]:.5g}"]
