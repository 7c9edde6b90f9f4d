"""``samsegment view``: the viewer in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError
from .report import print_line, print_status

if TYPE_CHECKING:
    from pathlib import Path

# What the extra 'web' brings along.
_OF_THE_EXTRA = {
    "aiohttp",
    "slicer",
    "trame",
    "trame_server",
    "trame_slicer",
    "undo_stack",
    "vtk",
    "vtkmodules",
    "wslink",
}


def run_view(image: Path | None, host: str, port: int, *, allow_remote: bool, open_browser: bool) -> None:
    """Serve the viewer until Ctrl+C.

    :raises InputError: the extra packages are missing, the image cannot be opened, or the address not be listened on.
    """
    try:
        from SAMSegmentWeb.viewer import ViewOptions, run_viewer

        run_viewer(
            ViewOptions(image=image, host=host, port=port, allow_remote=allow_remote, open_browser=open_browser),
            print_line,
            print_status,
        )
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_THE_EXTRA:
            raise
        raise InputError(
            "The viewer needs its extra packages; install 'samsegment[web]', "
            "in a checkout with: pip install --constraint constraints.txt '.[web]'"
        ) from error
