"""Keys are the page's: none of them reaches the views, where VTK would end the process at Q and turn to stereo at 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtkmodules.vtkCommonCore import vtkCommand

if TYPE_CHECKING:
    from vtkmodules.vtkRenderingCore import vtkRenderWindowInteractor

# Before all of VTK's, Slicer's and trame-slicer's own.
_PRIORITY = 100.0
_EVENTS = (vtkCommand.KeyPressEvent, vtkCommand.CharEvent, vtkCommand.KeyReleaseEvent)


def keep_keys_from(interactor: vtkRenderWindowInteractor) -> None:
    """Let nobody hear of keys that are pressed over a view; Shift and Ctrl come with the mouse's events."""
    for event in _EVENTS:
        tags: list[int] = []

        def stop(_interactor: Any, _event: str, tags: list[int] = tags) -> None:
            interactor.GetCommand(tags[0]).SetAbortFlag(1)

        tags.append(interactor.AddObserver(event, stop, _PRIORITY))
