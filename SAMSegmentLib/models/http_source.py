"""A file over HTTPS, from its start or from where an earlier transfer stopped.

RFC 9110, HTTP Semantics: sections 13.1.5 (If-Range), 14.2 (Range), 15.3.7 (206 Partial Content).
"""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from .. import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 30.0  # seconds without an answer or a further byte
_BLOCK = 1 << 18

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PARTIAL, _UNSATISFIABLE = 206, 416


class TransferError(Exception):
    """A server cannot be reached, refuses, or breaks off; the message says so in a clause."""


class RangeRefusedError(TransferError):
    """The server does not go on from where the earlier transfer stopped; start again."""


@dataclass(frozen=True)
class Reply:
    """A server's answer.

    :param offset: of the first byte that comes, in the whole file.
    :param total: bytes of the whole file, None where the server does not say.
    :param validator: an ETag or a date that tells whether the file is still the same later; None where there is none.
    :param blocks: the bytes; raises :class:`TransferError` when the connection breaks.
    """

    offset: int
    total: int | None
    validator: str | None
    blocks: Iterator[bytes]


@contextmanager
def open_url(url: str, offset: int = 0, validator: str | None = None) -> Iterator[Reply]:
    """Ask for a file.

    :param url: https; http on this machine only. Redirections must be https, too.
    :param offset: where to go on; takes effect with a validator only, and if the file is still the same. The reply says
        where it really starts.
    :param validator: of the reply that the first bytes came with.
    :raises RangeRefusedError: the server cannot go on from there.
    :raises TransferError: there is no file to be had.
    """
    _require_safe(url)
    headers = {"User-Agent": f"samsegment/{__version__}"}
    if offset and validator:
        headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    opener = urllib.request.build_opener(_SafeRedirections)
    with _failures_described():
        response = opener.open(request, timeout=_TIMEOUT)
    with closing(response):
        start, total = _extent(response)
        if start not in (0, offset):
            raise RangeRefusedError("the server goes on from another place than it was asked to")
        yield Reply(start, total, _validator(response.headers), _blocks(response))


class _SafeRedirections(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to https, or within this machine, and no other."""

    def redirect_request(self, req: urllib.request.Request, *answer: Any) -> urllib.request.Request | None:
        new_url = answer[-1]
        _require_safe(new_url, within_this_machine=_is_loopback(req.full_url))
        return super().redirect_request(req, *answer)


def _require_safe(url: str, *, within_this_machine: bool = True) -> None:
    if not (url.startswith("https://") or (within_this_machine and _is_loopback(url))):
        raise TransferError("it leads to an address that is not https")


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where in the file the bytes start that come, and the size of the whole file."""
    if response.status != _PARTIAL:
        length = re.fullmatch(r"\d{1,18}", response.headers.get("Content-Length", ""))
        return 0, int(length[0]) if length else None
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", response.headers.get("Content-Range", ""))
    if match is None:
        raise RangeRefusedError("the server does not say which part of the file it sends")
    return int(match[1]), int(match[2])


def _validator(headers: http.client.HTTPMessage) -> str | None:
    """What If-Range takes: a strong ETag, else the date of the last change."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified")


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        with _failures_described():
            # What there is, up to a block: a slow connection shows progress and can be stopped.
            block = response.read1(_BLOCK)
        if not block:
            return
        yield block


@contextmanager
def _failures_described() -> Iterator[None]:
    """What goes wrong between here and the server, as a :class:`TransferError`."""
    try:
        yield
    except HTTPError as error:
        error.close()
        kind = RangeRefusedError if error.code == _UNSATISFIABLE else TransferError
        # The server's own words for the code are not shown: they may hold anything.
        raise kind(f"the server answers {error.code} {http.client.responses.get(error.code, '')}".rstrip()) from error
    except URLError as error:
        cause = error.reason if isinstance(error.reason, BaseException) else error
        raise TransferError(f"it cannot be reached ({_words(cause)})") from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(f"the connection broke ({_words(error)})") from error
    except ValueError as error:  # what urllib and its codecs raise on addresses that they cannot take apart
        raise TransferError("it cannot be reached (its redirection, or the proxy, has no valid address)") from error


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer for {_TIMEOUT:.0f} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
