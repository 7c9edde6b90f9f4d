"""Clicks and drags in a slice view as prompts, from the interactor's events: in Slicer and in the browser alike."""

from __future__ import annotations

from enum import Enum
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import vtk

from ..errors import SAMSegmentError
from ..geometry import apply_transform, slice_axis
from .drawing import LineDrawing, outline, rectangle
from .observers import Observers
from .picking import ALIGN_HINT, pick, pick_nearest
from .volumes import array_of, volume_to_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import slicer
    from numpy.typing import NDArray

    from ..geometry import IJK
    from ..prompts import Box
    from ..worker.interface import SliceAnswer
    from .picking import Pick
    from .scenesession import SceneSession

Position = tuple[int, int]

# Segment editor effects have 1.0 and Slicer's own tools 0: while a tool is chosen here, its clicks are its own.
_PRIORITY = 2.0

_GRAB_PIXELS = 9  # as far as Slicer's markups catch the mouse
_SMALLEST_BOX_PIXELS = 4  # less is a click, not a box

_BAND_COLOR = (1.0, 0.85, 0.2)
_PREVIEW_COLOR = (1.0, 1.0, 1.0)

_OUTSIDE = "This place is outside of the volume; click on the image."


class Tool(Enum):
    """What a left click in a slice view does."""

    NONE = "none"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    BOX = "box"


class SliceViewInput:
    """Makes prompts of what the mouse does in one slice view while a tool is chosen.

    A click beside the selected segment's prompts is a new point, Shift or Ctrl held the opposite one; a drag with the
    box tool is a box. A press on a prompt of that segment is left to Slicer's markups, which then drag it; prompts of
    other segments are in nobody's way: they are dragged when their segment is selected, or no tool is chosen.

    :param session: the scene session of the moment, None when there is none.
    :param tell: is given a sentence when a click cannot be used.
    """

    def __init__(
        self,
        interactor: vtk.vtkRenderWindowInteractor,
        slice_node: slicer.vtkMRMLSliceNode,
        session: Callable[[], SceneSession | None],
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.on_hover: Callable[[Pick | None], None] | None = None
        self._tool = Tool.NONE
        self._interactor = interactor
        self._slice_node = slice_node
        self._session = session
        self._tell = tell
        self._first: tuple[Position, Pick] | None = None
        self._is_pressed = False  # the left button, whoever answers it
        self._holds_button = False  # the press was ours
        self._band = LineDrawing(interactor.GetRenderWindow(), _BAND_COLOR, 2)
        self._preview = LineDrawing(interactor.GetRenderWindow(), _PREVIEW_COLOR, 2)
        self._observers = Observers()
        events = vtk.vtkCommand
        for event, callback in (
            (events.LeftButtonPressEvent, self._pressed),
            (events.LeftButtonDoubleClickEvent, self._double_clicked),
            (events.MouseMoveEvent, self._moved),
            (events.LeftButtonReleaseEvent, self._released),
        ):
            self._watch(event, callback)
        for event in (events.LeaveEvent, events.MouseWheelForwardEvent, events.MouseWheelBackwardEvent):
            self._observers.add(interactor, event, self._left, _PRIORITY)
        self._observers.add(slice_node, events.ModifiedEvent, self._scrolled)

    def close(self) -> None:
        """Leave the view to others."""
        self._observers.clear()
        self._drop_band()
        self.show_preview(None)

    @property
    def tool(self) -> Tool:
        """What a left click does."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self._tool = tool
        self._drop_band()
        self.show_preview(None)

    def show_preview(self, answer: SliceAnswer | None) -> None:
        """Outline what the model would make of a prompt under the mouse, until the view moves; None: nothing."""
        session = self._open_session()
        if answer is None or session is None or session.obstacle:
            if self._preview.hide():
                self._interactor.Render()
            return
        candidates = answer.candidates
        mask = candidates.masks[candidates.best]
        self._preview.show(outline(answer.plane, mask, self._ijk_to_xy(session)))
        self._interactor.Render()

    # --- events

    def _watch(self, event: int, callback: Callable[[], bool]) -> None:
        """Have an event answered by ``callback``, and kept from others if that says so."""

        def handle(_interactor: vtk.vtkRenderWindowInteractor, _event: str) -> None:
            try:
                is_taken = callback()
            except SAMSegmentError as error:
                is_taken = True
                self._tell(str(error))
            command.SetAbortFlag(is_taken)

        command = self._observers.add(self._interactor, event, handle, _PRIORITY)

    def _double_clicked(self) -> bool:
        # Some windows send it instead of the second press, some after it. Slicer would maximize the view.
        return self._holds_button if self._is_pressed else self._pressed()

    def _pressed(self) -> bool:
        self._is_pressed = True
        session = self._open_session()
        if session is None or self._tool is Tool.NONE or self._is_on_prompt(session):
            return False
        self._holds_button = True
        self.show_preview(None)
        picked = self._under_mouse(session)
        if picked is None and self._tool is Tool.BOX:  # a box may begin in the margin, as it may end there
            picked = pick_nearest(session.volume, session.volume_node, self._slice_node, self._position())
        if picked is None:
            self._tell(_OUTSIDE)
            return True
        if not picked.is_aligned:
            self._tell(ALIGN_HINT)
        if self._tool is Tool.BOX:
            self._first = self._position(), picked
        else:
            is_opposite = bool(self._interactor.GetShiftKey() or self._interactor.GetControlKey())
            session.add_point(picked, positive=(self._tool is Tool.POSITIVE) != is_opposite)
        return True

    def _moved(self) -> bool:
        if self._first is not None:
            self._band.show(rectangle(self._first[0], self._position()))
            self._interactor.Render()
        elif not self._is_pressed and self.on_hover and self._tool is not Tool.NONE:
            self.on_hover(self._hovered())
        return self._holds_button

    def _released(self) -> bool:
        self._is_pressed = False
        was_ours, self._holds_button = self._holds_button, False
        first, session = self._first, self._open_session()
        self._drop_band()
        if first is not None and session is not None and self._is_a_drag(first[0]):
            node = session.volume_node
            session.add_box(first[1], pick_nearest(session.volume, node, self._slice_node, self._position()))
        return was_ours

    def _left(self, _interactor: vtk.vtkRenderWindowInteractor, _event: str) -> None:
        self.show_preview(None)
        if self.on_hover:
            self.on_hover(None)

    def _scrolled(self, _slice_node: slicer.vtkMRMLSliceNode, _event: str) -> None:
        self.show_preview(None)

    def _drop_band(self) -> None:
        self._first = None
        if self._band.hide():
            self._interactor.Render()

    # --- where things are

    def _open_session(self) -> SceneSession | None:
        session = self._session()
        return session if session is not None and session.is_open else None

    def _position(self) -> Position:
        x, y = self._interactor.GetEventPosition()
        return x, y

    def _under_mouse(self, session: SceneSession) -> Pick | None:
        return pick(session.volume, session.volume_node, self._slice_node, self._position())

    def _hovered(self) -> Pick | None:
        """Where a click would be a prompt; None where it would not."""
        session = self._open_session()
        if session is None or session.obstacle:
            return None
        try:
            return None if self._is_on_prompt(session) else self._under_mouse(session)
        except SAMSegmentError:  # it is said to who clicks
            return None

    def _is_a_drag(self, start: Position) -> bool:
        return max(abs(a - b) for a, b in zip(start, self._position(), strict=True)) >= _SMALLEST_BOX_PIXELS

    def _is_on_prompt(self, session: SceneSession) -> bool:
        """Whether the mouse is where Slicer's markups take hold of a prompt of the selected segment in this view."""
        picked = pick_nearest(session.volume, session.volume_node, self._slice_node, self._position())
        to_xy = self._ijk_to_xy(session)
        handles = list(_handles(session, picked))
        if not handles:
            return False
        offsets = apply_transform(to_xy, handles)[:, :2] - self._position()
        return bool((np.hypot(*offsets.T) <= _GRAB_PIXELS).any())

    def _ijk_to_xy(self, session: SceneSession) -> NDArray[np.float64]:
        to_world = volume_to_world(session.volume_node) @ session.volume.ijk_to_ras
        to_xy: NDArray[np.float64] = np.linalg.inv(array_of(self._slice_node.GetXYToRAS())) @ to_world
        return to_xy


def _handles(session: SceneSession, picked: Pick) -> Iterator[tuple[float, ...]]:
    """Where, in voxels, a slice's prompts of the selected segment are taken hold of: points, box corners and sides."""
    selected = session.selected_segment_id
    axis = slice_axis(session.volume, picked.orientation)
    for entry in session.prompts():
        if selected not in (None, entry.segment_id):
            continue
        if entry.box is None:
            if entry.ijk[axis] == picked.index:
                yield entry.ijk
        elif entry.key == picked.key:
            ranges = [(low - 0.5, (low + high) / 2, high + 0.5) for low, high in zip(*_corners(entry.box), strict=True)]
            ranges[axis] = (picked.index,) * 3
            middle = tuple(values[1] for values in ranges)
            yield from {place for place in product(*ranges) if place != middle}


def _corners(box: Box) -> tuple[IJK, IJK]:
    return box.ijk_min, box.ijk_max
