"""Keys for what is done with one hand while the other has the mouse.

Shift and a letter, because these are free: the slice views take b, f, g, r, t, v, V, brackets, braces and the arrows;
the Segment Editor takes i, q, w, y, z, Space, Escape, digits (with and without Shift) and some signs; the 3D view takes
keypad and cursor keys; Ctrl+letter and Ctrl+Shift+letter are the application's and the Markups tool bar's (Slicer 5.12:
vtkMRMLSliceIntersectionWidget, qMRMLSegmentEditorWidget, vtkMRMLCameraWidget, qMRMLMarkupsToolBar, qSlicerMainWindow).
While text is typed, Qt gives the letter to the text field. Undo and redo (Ctrl+Z, Ctrl+Y) are the Segment Editor's own
shortcuts: the session takes part in its history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Shortcuts:
    """Keys that work everywhere in the main window while the module is open. Without a main window there are none."""

    def __init__(self, actions: Mapping[str, Callable[[], None]]) -> None:
        self._actions = actions
        self._installed: list[qt.QShortcut] = []

    def install(self) -> None:
        """From entering the module on."""
        window = slicer.util.mainWindow()
        if window is None or self._installed:
            return
        for keys, action in self._actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(keys), window)
            shortcut.connect("activated()", action)
            self._installed.append(shortcut)

    def remove(self) -> None:
        """Until it is left."""
        for shortcut in self._installed:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._installed.clear()
