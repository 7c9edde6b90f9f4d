"""A slice view in a test's hands: positions, and the events of mouse and keys."""

from collections.abc import Sequence

import numpy as np

from Testing.slicer.mrml_scene import SliceView

Position = Sequence[float]


class HostView:
    """One of the host's slice views. Positions are display pixels from the bottom left, or world RAS in mm."""

    def __init__(self, name: str, view: SliceView) -> None:
        self.name, self.slice_view = name, view
        self.interactor, self.slice_node, self.slice_logic = view.interactor, view.slice_node, view.logic
        self.renderer, self.render_window, self.size = view.renderer, view.window, view.size

    def xy_of_ras(self, ras: Position) -> tuple[float, float]:
        return self.slice_view.xy_of(np.asarray(ras, float))

    def show_ras(self, ras: Position) -> None:
        """Brings the slice to a world position, which comes to lie in the middle."""
        self.slice_view.show_position(np.asarray(ras, float))

    def move(self, xy: Position, modifiers: Sequence[str] = ()) -> None:
        self._at(xy, modifiers)
        self.interactor.InvokeEvent("MouseMoveEvent")

    def press(self, xy: Position, button: str = "Left", modifiers: Sequence[str] = ()) -> None:
        """Presses a button (Left, Middle, Right) where the mouse was moved to."""
        self.move(xy, modifiers)
        self.interactor.InvokeEvent(f"{button}ButtonPressEvent")

    def release(self, xy: Position, button: str = "Left", modifiers: Sequence[str] = ()) -> None:
        self._at(xy, modifiers)
        self.interactor.InvokeEvent(f"{button}ButtonReleaseEvent")

    def click(self, xy: Position, button: str = "Left", modifiers: Sequence[str] = ()) -> None:
        self.press(xy, button, modifiers)
        self.release(xy, button, modifiers)

    def drag(
        self, start: Position, end: Position, *, steps: int = 5, button: str = "Left", modifiers: Sequence[str] = ()
    ) -> None:
        self.press(start, button, modifiers)
        for way in np.linspace(0, 1, steps + 1)[1:]:
            self.move(np.asarray(start) + way * (np.asarray(end) - np.asarray(start)), modifiers)
        self.release(end, button, modifiers)

    def wheel(self, xy: Position, *, up: bool) -> None:
        self._at(xy, ())
        self.interactor.InvokeEvent("MouseWheelForwardEvent" if up else "MouseWheelBackwardEvent")

    def key(self, name: str, modifiers: Sequence[str] = ()) -> None:
        """Presses and releases a key, by its name in VTK (Delete, Escape, a)."""
        self.interactor.SetKeyEventInformation("Control" in modifiers, "Shift" in modifiers, name[:1], 0, name)
        for event in ("KeyPressEvent", "CharEvent", "KeyReleaseEvent"):
            self.interactor.InvokeEvent(event)

    def _at(self, xy: Position, modifiers: Sequence[str]) -> None:
        x, y = (round(float(value)) for value in xy)
        self.interactor.SetEventInformation(x, y, int("Control" in modifiers), int("Shift" in modifiers))
        self.interactor.SetAltKey(int("Alt" in modifiers))
