"""Prompts that can be pressed without the other views jumping to them, as Slicer's markups have them do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vtk
from slicer import vtkMRMLInteractionEventData, vtkSlicerMarkupsWidget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slicer import vtkMRMLScene
    from trame_slicer.views import SliceView

_DISPLAY = "vtkMRMLMarkupsDisplayNode"
_MANAGER = "vtkMRMLMarkupsDisplayableManager"


def keep_views_still(scene: vtkMRMLScene, views: Iterable[SliceView]) -> None:
    """Have a click on any markup that is in the scene now move no view; dragging stays. May be called again."""
    count = scene.GetNumberOfNodesByClass(_DISPLAY)
    displays = [scene.GetNthNodeByClass(number, _DISPLAY) for number in range(count)]
    for view in views:
        manager = view.get_displayable_manager_by_class(_MANAGER)
        for display in displays:
            # A view has no widget for what it does not show.
            widget = manager.GetWidget(display)
            if widget is not None:
                widget.SetEventTranslation(
                    vtkSlicerMarkupsWidget.WidgetStateOnWidget,
                    vtkMRMLInteractionEventData.LeftButtonClickEvent,
                    vtk.vtkEvent.NoModifier,
                    vtkSlicerMarkupsWidget.WidgetEventNone,
                )
