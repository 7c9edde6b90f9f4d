"""Who gets in, and what is left when the viewer has ended."""

import signal
import socket
import time
from http.client import HTTPConnection
from pathlib import Path

import aiohttp
import psutil
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentWeb.address import check_address
from Testing.web.loops import run_apart
from Testing.web.viewers import ViewerProcess

_PATHS = ["/", "/index.html", "/vue.global.js", "/samsegment_page/samsegment.js", "/samsegment/free", "/nothing"]


def _ask(viewer, path, headers=None, *, method="GET", body=None):
    connection = HTTPConnection("127.0.0.1", viewer.port, timeout=60)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.read().decode(errors="replace"), response


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("query", ["", "?secret=", "?secret=wslink-secret", "?secret=" + "0" * 32])
def test_without_the_secret_no_path_gives_anything(viewer, path, query):
    status, text, _ = _ask(viewer, path + query)
    assert status == 403
    assert "samsegment view" in text
    assert "<" not in text


@pytest.mark.parametrize("path", ["/", "/samsegment/upload?batch=00cc00cc&name=a.nii", "/samsegment/free"])
@pytest.mark.parametrize("cookie", [None, "0" * 32])
def test_without_the_secret_nothing_can_be_sent(viewer, path, cookie):
    headers = {"Cookie": f"samsegment_{viewer.port}={cookie}"} if cookie else {}
    assert _ask(viewer, path, headers, method="POST", body=b"x")[0] == 403
    assert not list(viewer.temporary.rglob("a.nii"))


def _cookie(viewer):
    _, _, response = _ask(viewer, f"/index.html?secret={viewer.secret}")
    return response.headers["Set-Cookie"]


def test_the_cookie_that_keeps_the_secret_is_for_this_page_alone(viewer):
    cookie = _cookie(viewer)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_a_reloaded_page_gets_in_by_its_cookie(viewer):
    cookie = _cookie(viewer).partition(";")[0]
    status, _, response = _ask(viewer, "/", {"Cookie": cookie})
    assert (status, response.headers["Location"]) == (302, f"/index.html?secret={viewer.secret}")
    status, text, _ = _ask(viewer, "/vue.global.js", {"Cookie": cookie})
    assert status == 200
    assert len(text) > 1000


def _open_socket(viewer, **arguments):
    async def attempt():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{viewer.port}/ws", **arguments),
        ):
            return 101

    try:
        return run_apart(attempt())
    except aiohttp.WSServerHandshakeError as error:
        return error.status


def test_the_websocket_is_refused_without_the_secret(viewer):
    assert _open_socket(viewer) == 403
    assert _open_socket(viewer, params={"secret": "wslink-secret"}) == 403


def test_the_websocket_is_refused_to_a_page_of_another_site(viewer):
    secret = {"secret": viewer.secret}
    assert _open_socket(viewer, params=secret, headers={"Origin": "http://example.org"}) == 403
    assert _open_socket(viewer, params=secret, headers={"Origin": f"http://127.0.0.1:{viewer.port}"}) == 101


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9999", "http://example.org", "null"])
def test_no_request_of_a_page_of_another_site_or_port_is_answered(viewer, origin):
    headers = {"Cookie": _cookie(viewer).partition(";")[0], "Origin": origin}
    assert _ask(viewer, "/vue.global.js", headers)[0] == 403
    status, _, _ = _ask(viewer, "/samsegment/upload?batch=00cc00cc&name=a.nii", headers, method="POST", body=b"x")
    assert status == 403
    assert not list(viewer.temporary.rglob("a.nii"))


@pytest.mark.parametrize(
    "header",
    [
        b"Cookie: samsegment_%(port)d=\xff",
        b"Host: [::",
        b"Host: 127.0.0.1:99999999",
        b"Cookie: samsegment_%(port)d=%(secret)s\r\nOrigin: http://[::",
    ],
)
def test_headers_that_no_browser_sends_are_refused_like_all_others(viewer, header):
    facts = {b"port": viewer.port, b"secret": viewer.secret.encode()}
    host = b"" if header.startswith(b"Host") else b"Host: 127.0.0.1:%d\r\n" % viewer.port
    with socket.create_connection(("127.0.0.1", viewer.port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + host + header % facts + b"\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[1] == b"403"
    assert "Traceback" not in viewer.output


def test_a_second_websocket_is_refused_while_one_is_open(viewer):
    async def attempt():
        url, params = f"http://127.0.0.1:{viewer.port}/ws", {"secret": viewer.secret}
        async with aiohttp.ClientSession() as session, session.ws_connect(url, params=params):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(url, params=params)
            return refusal.value.status

    assert run_apart(attempt()) == 409


def test_a_second_tab_says_so_and_goes_on_when_the_first_is_closed(viewer, new_tab):
    first = new_tab(viewer.address)
    page = new_tab(viewer.address, wait=False).page
    page.get_by_text("open in another tab").wait_for()
    first.page.close()
    page.get_by_text("Open a scan to begin").wait_for()


def test_a_tab_that_is_reloaded_is_let_in_again(viewer, new_tab):
    tab = new_tab(viewer.address)
    tab.page.get_by_text("Open a scan to begin").wait_for()
    tab.reload()
    tab.page.get_by_text("Open a scan to begin").wait_for()
    assert tab.button("Open file").is_enabled()


def _other_addresses():
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    # All of 127/8 is this machine's own; 127.0.0.2 is another address of it, and the viewer is not there either.
    return [*found, "127.0.0.2"]


def test_the_port_is_not_reachable_at_another_address_of_the_machine(viewer):
    for address in _other_addresses():
        with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
            socket.create_connection((address, viewer.port), timeout=5)


def test_other_sites_are_neither_asked_nor_allowed_to_be(viewer):
    _, _, response = _ask(viewer, f"/index.html?secret={viewer.secret}")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - refused
def test_an_address_for_other_machines_needs_consent(host):
    with pytest.raises(InputError, match="--allow-remote"):
        check_address(host, 0, allow_remote=False)


def test_with_consent_an_address_for_other_machines_is_taken():
    check_address("0.0.0.0", 0, allow_remote=True)  # noqa: S104 - only asked about


def test_a_port_that_is_taken_is_refused_in_a_sentence(viewer):
    with pytest.raises(InputError, match=rf"--port {viewer.port}.*leave out --port"):
        check_address("127.0.0.1", viewer.port, allow_remote=False)


def test_a_host_that_does_not_exist_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="there is no such address"):
        check_address("no-such-host.invalid", 0, allow_remote=False)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux says which libraries a process has")
def test_torch_is_in_the_worker_process_alone(viewer):
    def libraries(pid):
        return Path(f"/proc/{pid}/maps").read_text()

    assert "libtorch" not in libraries(viewer.pid)
    deadline = time.monotonic() + 60
    while not any("libtorch" in libraries(child.pid) for child in viewer.children()):
        assert time.monotonic() < deadline, "the worker process has not loaded torch either"
        time.sleep(0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_leaves_neither_process_nor_file(home, number):
    viewer = ViewerProcess(home=home)
    workers = viewer.children()
    assert workers, "a worker process is started ahead"
    assert any(viewer.temporary.iterdir())
    left = viewer.temporary
    process = viewer._process
    process.send_signal(number)
    assert process.wait(60) == 0, viewer.output
    assert [path for path in left.rglob("*") if path.is_file()] == []
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    assert "Traceback" not in viewer.output


def test_what_a_killed_viewer_left_behind_is_removed_by_the_next_one_and_nothing_else(home, tmp_path):
    foreign = tmp_path / "samsegment-something"
    foreign.mkdir()
    with ViewerProcess(home=home, temporary=tmp_path):
        (running_folder,) = tmp_path.glob("samsegment-view-*")
        with ViewerProcess(home=home, temporary=tmp_path) as killed:
            (left,) = set(tmp_path.glob("samsegment-view-*")) - {running_folder}
            (left / "image.nii").write_bytes(b"x")
            psutil.Process(killed.pid).kill()
            psutil.wait_procs([psutil.Process(killed.pid)], timeout=60)
            with ViewerProcess(home=home, temporary=tmp_path):
                assert not left.exists()
                assert running_folder.exists()
                assert foreign.exists()
