"""The door: nothing is served to who does not know the secret, and only one tab at a time is let in."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

_SOCKET_PATH = "/ws"
_PAGES = ("/", "/index.html")
_FREE_PATH = "/samsegment/free"
# Where trame's page asks first for the address of its WebSocket.
_LAUNCHER_PATH = "/paraview/"

_FORBIDDEN = "This address opens only with the secret in it: use the whole address that 'samsegment view' printed.\n"
_TAKEN = "The viewer is open in another tab; close it there first.\n"


class Guard:
    """An aiohttp middleware around everything that the viewer serves, its WebSocket included.

    The secret comes in the printed address and is kept in a cookie of the session, so that reloading the page works
    after the framework has taken it out of the address.

    :param secret: hexadecimal digits.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._open_sockets = 0

    def install(self, application: web.Application) -> None:
        """Stand before all routes of an application that has not been started."""
        application.middlewares.append(self._middleware())
        application.router.add_get(_FREE_PATH, self._answer_free)
        application.router.add_post(_LAUNCHER_PATH, _answer_launcher)

    @property
    def is_taken(self) -> bool:
        """Whether a tab is connected."""
        return self._open_sockets > 0

    def _middleware(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if _port_of(request) is None or not self._knows_secret(request) or _is_of_another_site(request):
                return web.Response(status=HTTPStatus.FORBIDDEN, text=_FORBIDDEN)
            if request.path == _SOCKET_PATH:
                return await self._connect(request, handler)
            if request.path in _PAGES:
                return await self._page(request, handler)
            response = await handler(request)
            _protect(request, response)
            return response

        return guard

    def _knows_secret(self, request: web.Request) -> bool:
        shown = request.query.get("secret") or request.cookies.get(_cookie_name(request)) or ""
        return hmac.compare_digest(shown.encode(errors="replace"), self._secret.encode())

    async def _connect(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.is_taken:
            return web.Response(status=HTTPStatus.CONFLICT, text=_TAKEN)
        self._open_sockets += 1
        try:
            return await handler(request)
        finally:
            self._open_sockets -= 1

    async def _page(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "secret" not in request.query:
            # The page gives the WebSocket's first message the secret that it finds in its address.
            return web.HTTPFound(f"/index.html?secret={self._secret}")
        if self.is_taken:
            # A page that is being reloaded closes its connection only when this answer has come: the waiting page looks
            # again by itself, and says what is wrong only when it stays so.
            response: web.StreamResponse = web.Response(text=_waiting_page(), content_type="text/html")
        else:
            response = await handler(request)
        _protect(request, response)
        response.set_cookie(_cookie_name(request), self._secret, httponly=True, samesite="Strict")
        return response

    async def _answer_free(self, _request: web.Request) -> web.Response:
        return web.json_response({"free": not self.is_taken})


async def _answer_launcher(request: web.Request) -> web.Response:
    scheme = "wss" if request.scheme == "https" else "ws"
    return web.json_response({"sessionURL": f"{scheme}://{request.host}{_SOCKET_PATH}"})


def _is_of_another_site(request: web.Request) -> bool:
    # To cookies, what listens at another port of this machine is the same site: its pages' requests have our cookie.
    # Browsers name the page's origin, with the port, wherever a request could change something.
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != request.host
    except ValueError:  # no address at all, which no browser sends
        return True


def _port_of(request: web.Request) -> int | None:
    """The port that a request's Host header names; None when it is no address."""
    try:
        return urlsplit(f"//{request.host}").port or 80
    except ValueError:
        return None


def _cookie_name(request: web.Request) -> str:
    # Cookies do not tell ports apart, and two viewers may run on one machine.
    return f"samsegment_{_port_of(request)}"


def _waiting_page() -> str:
    return (files("SAMSegmentWeb") / "serve" / "waiting.html").read_text(encoding="utf-8")


def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """Keep the browser from telling others of the page, and the page from loading anything from elsewhere."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cache-Control"] = "no-store"
    # Vue compiles its templates in the page, which needs 'unsafe-eval'. To some browsers 'self' is HTTP alone.
    response.headers["Content-Security-Policy"] = (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
        f"connect-src 'self' ws://{request.host} wss://{request.host} blob:; "
        "frame-ancestors 'none'; form-action 'none'"
    )
