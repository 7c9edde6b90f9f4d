"""A web server on this machine that serves one file, and misbehaves when told to."""

import hashlib
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PIECE = 1 << 14


class FileServer:
    """What is served, how, and what was asked for.

    :param content: of the file.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.tagged = True  # with an ETag and a date; else without any mark of the version
        self.takes_ranges = True
        self.tells_length = True
        self.stops_after: int | None = None  # bytes of an answer, then the connection is closed
        self.status = 200
        self.redirects_to: str | None = None
        self.at_byte: dict[int, Callable[[], None]] = {}  # called before that byte of an answer is sent
        self.url = ""
        self.asked: list[dict[str, str]] = []  # the headers of each request, names in lower case

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()}"'

    def start_of(self, headers: dict[str, str]) -> int:
        """Where an answer to a request starts."""
        match = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not (match and self.takes_ranges and headers.get("if-range") == self.tag):
            return 0
        return int(match[1])


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """Serve a file until the block ends."""
    files = FileServer(content)

    class Handler(_Handler):
        served = files

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files.url = f"http://127.0.0.1:{server.server_port}/weights.pth"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def answering(answer: bytes, *, hangs: bool = False) -> Iterator[str]:
    """Give these bytes to whoever asks for anything, and yield the address.

    :param hangs: then keep the connection open until the block ends, and send nothing more.
    """
    ended = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            self.request.sendall(answer)
            if hangs:
                ended.wait(20)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/weights.pth"
        finally:
            ended.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: FileServer

    def do_GET(self) -> None:
        served = self.served
        headers = {name.lower(): value for name, value in self.headers.items()}
        served.asked.append(headers)
        if served.redirects_to:
            self.send_response(302)
            self.send_header("Location", served.redirects_to)
            self.end_headers()
        elif served.status != 200:
            self.send_error(served.status)
        elif (start := served.start_of(headers)) > len(served.content):
            self.send_error(416)
        else:
            self._send(served, start)

    def _send(self, served: FileServer, start: int) -> None:
        total = len(served.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if served.tells_length:
            self.send_header("Content-Length", str(total - start))
        if served.tagged:
            self.send_header("ETag", served.tag)
            self.send_header("Last-Modified", "Wed, 05 Apr 2023 12:00:00 GMT")
        self.end_headers()
        answer = served.content[start:][: served.stops_after]
        for place in range(0, len(answer), _PIECE):
            for byte in [byte for byte in served.at_byte if place <= byte < place + _PIECE]:
                served.at_byte.pop(byte)()
            self.wfile.write(answer[place : place + _PIECE])

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client went away: some tests kill it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
        """Say nothing."""
