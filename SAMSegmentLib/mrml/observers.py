"""VTK observers that are taken off together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import vtk


class Observers:
    """Observers of VTK objects, until :meth:`clear`."""

    def __init__(self) -> None:
        self._tags: list[tuple[vtk.vtkObject, int]] = []

    def add(
        self, watched: vtk.vtkObject, event: int | str, callback: Callable[..., None], priority: float = 0.0
    ) -> vtk.vtkCommand:
        """Call ``callback`` with the object and the event's name, and with the event's data if it is typed for it.

        :returns: the command, whose abort flag keeps the event from observers of lower priority.
        """
        tag = watched.AddObserver(event, callback, priority)
        self._tags.append((watched, tag))
        return watched.GetCommand(tag)

    def remove(self, watched: vtk.vtkObject) -> None:
        """Take all observers off one object."""
        for item, tag in self._tags:
            if item is watched:
                item.RemoveObserver(tag)
        self._tags = [(item, tag) for item, tag in self._tags if item is not watched]

    def clear(self) -> None:
        """Take all of them off."""
        for watched, tag in self._tags:
            watched.RemoveObserver(tag)
        self._tags.clear()
