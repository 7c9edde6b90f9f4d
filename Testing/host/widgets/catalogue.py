"""All stand-ins, by their names."""

from types import ModuleType

from PySide6 import QtCore

from Testing.host.widgets import (
    application,
    buttons,
    files,
    main_window,
    modules,
    mrml,
    node_combo,
    numbers,
    paths,
    segment_editor,
    segments_table,
    views,
)

MODULES = (
    application,
    buttons,
    files,
    main_window,
    modules,
    mrml,
    node_combo,
    numbers,
    paths,
    segment_editor,
    segments_table,
    views,
)


def stand_ins() -> dict[str, type]:
    """Qt classes that carry the name of one of CTK's or Slicer's."""
    return {name: kind for module in MODULES for name, kind in _of(module)}


def _of(module: ModuleType) -> list[tuple[str, type]]:
    return [
        (name, kind)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, QtCore.QObject) and name.startswith(("ctk", "qMRML", "qSlicer"))
    ]
