"""``samsegment view``: start the viewer, print its address, and end it cleanly."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from SAMSegmentLib.io.checks import check_readable

from .address import check_address
from .private_folder import private_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .application import Application
    from .opening import Source

_SECRET_BYTES = 16


@dataclass(frozen=True)
class ViewOptions:
    """What ``samsegment view`` was given.

    :param image: opened at the start; None: the page asks for one.
    :param port: 0 for a free one.
    """

    image: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    allow_remote: bool = False
    open_browser: bool = True


def run_viewer(options: ViewOptions, say: Callable[[str], None], wait: Callable[[str], None]) -> None:
    """Serve the viewer until Ctrl+C or SIGTERM; then nothing of it is left, neither process nor file.

    :param say: is given lines for the terminal; the address is one of them.
    :param wait: is given lines on what is being waited for.
    :raises InputError: the image does not exist or cannot be read, or the address cannot be listened on.
    """
    if options.image is not None:
        check_readable(options.image)
    check_address(options.host, options.port, allow_remote=options.allow_remote)
    wait("Starting the viewer ...")
    # Ctrl+C is how it ends, so no error either before it listens for that.
    with suppress(KeyboardInterrupt):
        # Slicer's libraries take seconds to load, and within the event loop Ctrl+C would wait for them.
        from . import application  # noqa: F401

        with private_folder() as folder:
            asyncio.run(_serve(options, folder, say))


async def _serve(options: ViewOptions, folder: Path, say: Callable[[str], None]) -> None:
    from .application import Application
    from .opening import Source

    stopped = _stop_event()
    secret = secrets.token_hex(_SECRET_BYTES)
    application = Application(secret, folder)
    running: list[asyncio.Task[Any]] = [
        asyncio.create_task(application.serve(options.host, options.port)),
        asyncio.create_task(application.look()),
        asyncio.create_task(stopped.wait()),
    ]
    try:
        if await _is_first(application.ready, running):
            _greet(options, f"http://{_in_url(options.host)}:{application.port}/?secret={secret}", say)
            if options.image is None or await _is_first(_opened(application, Source(options.image)), running):
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            if task.done():
                task.result()  # a look that failed is a defect, and must not be silent
    finally:
        for task in running[1:]:
            task.cancel()
        left = await application.stop(keep_autosave=any(map(_has_failed, running)))
        if left:
            say(left)
        await asyncio.gather(*running, return_exceptions=True)


def _has_failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


async def _is_first(awaited: Awaitable[Any], running: list[asyncio.Task[Any]]) -> bool:
    """Whether something is done before one of the tasks ends."""
    future = asyncio.ensure_future(awaited)
    await asyncio.wait([future, *running], return_when=asyncio.FIRST_COMPLETED)
    if future.done():
        future.result()
    return not any(task.done() for task in running)


async def _opened(application: Application, source: Source) -> None:
    await application.controllers.opening.open(source)


def _stop_event() -> asyncio.Event:
    """Set by Ctrl+C and SIGTERM."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows' loops have no signal handlers: there Ctrl+C cancels this task, which ends the same way.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, event.set)
    return event


def _greet(options: ViewOptions, address: str, say: Callable[[str], None]) -> None:
    if options.allow_remote:
        say(
            "Other machines can reach this viewer. Whoever has the address below can see the images and change the "
            "segmentation, and the connection is not encrypted: keep it to a network that you trust."
        )
    say(f"The viewer is at {address}")
    say("It works in one browser tab at a time. Ctrl+C ends it.")
    if options.open_browser and _has_screen():
        # Some browsers' starters return only when the browser has ended.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _has_screen() -> bool:
    """Without one, a browser for terminals would be opened, over the lines that were printed there."""
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what was asked for with --allow-remote
        import socket

        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
