"""VTK's words: errors go to Python's log, warnings that users can do nothing about go nowhere."""

from __future__ import annotations

import logging
from typing import Any

from vtkmodules.vtkCommonCore import vtkCommand, vtkLogger, vtkOutputWindow

_log = logging.getLogger(__name__)


def quiet_vtk() -> None:
    """Keep warnings off the terminal: of missing X servers and renamed events there is one for each view.

    Called after the scene was made, which sets up an output of its own.
    """
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    output = vtkOutputWindow.GetInstance()
    output.SetDisplayModeToNever()
    output.AddObserver(vtkCommand.ErrorEvent, _log_error)


def _log_error(_output: Any, _event: str, text: str = "") -> None:
    _log.error("%s", text.strip() or "VTK reported an error")


# VTK hands the text over only to observers that say which type it has.
_log_error.CallDataType = "string0"  # type: ignore[attr-defined]
