"""The viewer as one trame application: Slicer's scene and views, the page, and the looks at the engine."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trame.app import get_server
from trame_slicer import module as trame_slicer_module
from trame_slicer.core import SlicerApp
from trame_slicer.rca_view import register_rca_factories

from .controllers import Controllers
from .guard import Guard
from .keys import keep_keys_from
from .page import Page
from .quiet import quiet_vtk
from .view_labels import slice_view_overlay

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from trame_server import Server

# Answers of the worker wait this long at the most; a look costs a tenth of a millisecond when there is none.
_BETWEEN_LOOKS_S = 0.01

_SERVED = Path(__file__).with_name("serve")
_SERVED_AS = "samsegment_page"
_FAVICON = f"{_SERVED_AS}/icon.svg"


class _PageModule:
    """What trame serves and loads for the page; it wants a module, or what looks like one."""

    serve = {_SERVED_AS: str(_SERVED)}  # noqa: RUF012 - as trame reads it
    scripts = [f"{_SERVED_AS}/samsegment.js"]  # noqa: RUF012
    styles: list[str] = []  # noqa: RUF012


class Application:
    """Made, started and closed within one asyncio event loop.

    :param secret: hexadecimal digits, which the page's address must have.
    :param folder: private to this viewer.
    """

    def __init__(self, secret: str, folder: Path) -> None:
        self._secret = secret
        self._guard = Guard(secret)
        with _arguments():
            self._server: Server = get_server("samsegment", client_type="vue3")
        self._server.enable_module(trame_slicer_module)
        self._server.enable_module(_PageModule)
        self._server.state.trame__title = "SAMSegment"
        self._server.state.trame__favicon = _FAVICON
        slicer = SlicerApp()
        quiet_vtk()
        register_rca_factories(slicer.view_manager, self._server, slice_view_ui_f=slice_view_overlay)
        self.controllers = Controllers(self._server, slicer, folder)
        _draw_fast(slicer)
        for view in (*slicer.view_manager.get_slice_views(), *slicer.view_manager.get_threed_views()):
            keep_keys_from(view.interactor())
        Page(self._server, self.controllers, self.controllers.display.layout_manager)
        self._server.controller.on_server_bind.add(self._bound)
        self._server.controller.on_client_connected.add(self.controllers.opening.page_connected)

    @property
    def port(self) -> int:
        """Where it listens; 0 before it does."""
        return int(self._server.port or 0)

    @property
    def ready(self) -> asyncio.Future[bool]:
        """Done when pages are served."""
        future: asyncio.Future[bool] = self._server.ready
        return future

    def serve(self, host: str, port: int) -> Coroutine[Any, Any, None]:
        """Serve pages until :meth:`stop`; signals are the caller's business."""
        with _arguments("--authKey", self._secret, "--server", "--nosignalhandlers"):
            coroutine: Coroutine[Any, Any, None] = self._server.start(
                host=host,
                port=port,
                open_browser=False,
                show_connection_info=False,
                exec_mode="coroutine",
                timeout=0,
            )
        return coroutine

    async def look(self) -> None:
        """Keep page and engine up to date until cancelled."""
        while True:
            with self._server.state:
                self.controllers.look()
            await asyncio.sleep(_BETWEEN_LOOKS_S)

    async def stop(self, *, keep_autosave: bool = False) -> str:
        """End the worker process, and serve no more.

        :param keep_autosave: as :meth:`.work.Work.close` takes it.
        :returns: as :meth:`.work.Work.close` does.
        """
        left = self.controllers.work.close(keep_autosave=keep_autosave)
        await self._server.stop()
        return left

    def _bound(self, web_server: Any) -> None:
        self._guard.install(web_server.app)
        self.controllers.uploads.install(web_server.app)
        self.controllers.saving.install(web_server.app)


def _draw_fast(slicer: SlicerApp) -> None:
    """Draw slices with one sample a pixel: eight, as they are made, take most of a click's time without a GPU."""
    for view in slicer.view_manager.get_slice_views():
        view.render_window().SetMultiSamples(0)


@contextmanager
def _arguments(*arguments: str) -> Iterator[None]:
    """Trame reads the process's command line, which is not meant for it, and takes the secret from there only."""
    real = sys.argv
    sys.argv = [real[0], *arguments]
    try:
        yield
    finally:
        sys.argv = real
