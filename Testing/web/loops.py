"""Coroutines in tests: Playwright's own event loop keeps the main thread once a browser has been started."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run_apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns or raises, run in a thread of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
