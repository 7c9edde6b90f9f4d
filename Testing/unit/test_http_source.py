"""Whatever a server, a redirection or a proxy answers, it ends as bytes or as a :class:`TransferError`."""

import pytest

from SAMSegmentLib.models import http_source
from SAMSegmentLib.models.http_source import TransferError, open_url
from Testing.fileserver import answering

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def fetched(answer: bytes, **options) -> tuple[bytes, int | None]:
    """All bytes that come, and the size that was announced."""
    with answering(answer, **options) as url, open_url(url) as reply:
        return b"".join(reply.blocks), reply.total


def clause_for(answer: bytes, **options) -> str:
    with pytest.raises(TransferError) as caught:
        fetched(answer, **options)
    return str(caught.value)


def redirection(address: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: " + address + b"\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "total"),
    [
        (b"Content-Length: 4\r\n", 4),
        (b"", None),
        (b"Content-Length: four\r\n", None),
        (b"Content-Length: -4\r\n", None),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n", None),
    ],
    ids=["told", "not told", "words", "negative", "5000 digits"],
)
def test_a_length_is_a_whole_number_or_not_known(headers, total):
    assert fetched(OK + headers + b"\r\nbody") == (b"body", total)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe\x00" * 100 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"a" * 70_000 + b"\r\n\r\n",
        OK + b"A: b\r\n" * 200 + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nno number\r\nbody",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1000\r\nbody",
    ],
    ids=["nothing", "no HTTP", "long line", "many headers", "damaged chunk", "cut chunk"],
)
def test_an_answer_that_is_no_http_is_a_broken_connection(answer):
    assert clause_for(answer).startswith("the connection broke (")


@pytest.mark.parametrize(
    "address", [b"https://[bad/", b"https://" + b"a" * 70 + b".org/", b"https://a..b/", b"https://\xff\xfe/"], ids=repr
)
def test_a_redirection_to_no_valid_address_is_told(address):
    assert "no valid address" in clause_for(redirection(address))


def test_a_proxy_without_a_valid_address_is_told(monkeypatch):
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http:/proxy")
    assert "the proxy, has no valid address" in clause_for(OK + b"\r\nbody")


@pytest.mark.parametrize("start", [b"", OK + b"Content-Length: 9\r\n\r\nbody"], ids=["at once", "half way"])
def test_a_server_that_falls_silent_is_given_up(monkeypatch, start):
    monkeypatch.setattr(http_source, "_TIMEOUT", 0.2)
    assert "no answer for" in clause_for(start, hangs=True)
