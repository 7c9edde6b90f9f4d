"""Downloads arrive whole or not at all, go on where they stopped, and say what to do when they cannot."""

import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from SAMSegmentLib.errors import InputError, ModelUnavailableError
from SAMSegmentLib.models.catalogue import CatalogueEntry, catalogue_entry
from SAMSegmentLib.models.download import download_weights, fetched_bytes, remove_weights
from SAMSegmentLib.models.partfile import PartFile
from SAMSegmentLib.models.weights import find_weights
from Testing.fileserver import FileServer, serving

CONTENT = bytes(range(256)) * 4096  # 1 MiB
HALF = len(CONTENT) // 2
NOT_WRITTEN_YET = 1 << 15


@pytest.fixture(autouse=True)
def folder(empty_home, monkeypatch):
    """The weights folder: empty, and not made yet."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return empty_home / "weights"


@pytest.fixture
def server():
    with serving(CONTENT) as served:
        yield served


def entry_for(served: FileServer, content: bytes = CONTENT) -> CatalogueEntry:
    return replace(
        catalogue_entry("sam_vit_b"),
        url=served.url,
        file_name="weights.pth",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def download(entry: CatalogueEntry):
    return download_weights(entry, lambda done, total: None)


def refused(entry: CatalogueEntry) -> str:
    with pytest.raises(ModelUnavailableError) as caught:
        download(entry)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def names_in(folder) -> set[str]:
    """What lies there, without the empty files that locks leave on some systems."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock" or path.stat().st_size}


def test_a_download_lies_in_the_weights_folder_with_nothing_beside_it(server, folder):
    entry = entry_for(server)
    path = download(entry)
    assert path == folder / "weights.pth" == find_weights(entry)
    assert path.read_bytes() == CONTENT
    assert names_in(folder) == {"weights.pth"}


def test_progress_is_told_in_bytes_up_to_the_whole(server):
    told = []
    download_weights(entry_for(server), lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert {total for _, total in told} == {len(CONTENT)}
    assert told[-1][0] == len(CONTENT)


def test_weights_that_are_here_are_not_fetched_again(server):
    entry = entry_for(server)
    assert download(entry) == download(entry)
    assert len(server.asked) == 1


def test_ready_weights_and_empty_folders_need_not_be_writable(server, folder, tmp_path):
    entry = entry_for(server)
    path = download(entry)
    cached = tmp_path / "cache" / "samsegment" / "weights"
    for place in (folder, cached):
        (place / "weights.pth.lock").unlink(missing_ok=True)
        (place / "weights.pth.lock").mkdir(parents=True)  # no lock can be made there, not even by an administrator
    assert download(entry) == path
    (folder / "weights.pth.lock").rmdir()
    assert remove_weights(entry) == len(CONTENT)


def test_damaged_weights_are_replaced(server, folder):
    entry = entry_for(server)
    download(entry).write_bytes(CONTENT[:-1] + b"?")
    assert download(entry).read_bytes() == CONTENT


def test_a_file_is_checked_by_its_md5_where_no_sha256_is_published(server, folder):
    entry = replace(entry_for(server), sha256=None, md5=hashlib.md5(CONTENT, usedforsecurity=False).hexdigest())
    assert download(entry).read_bytes() == CONTENT
    remove_weights(entry)
    assert "MD5 differs" in refused(replace(entry, md5="0" * 32))


def test_after_a_cut_the_download_goes_on_where_it_stopped(server, folder):
    entry = entry_for(server)
    server.stops_after = HALF
    sentence = refused(entry)
    for part in (server.url, "connection broke", "samsegment models download sam_vit_b", str(folder)):
        assert part in sentence
    assert find_weights(entry) is None
    assert fetched_bytes(entry) == HALF
    server.stops_after = None
    assert download(entry).read_bytes() == CONTENT
    assert server.asked[1]["range"] == f"bytes={HALF}-"
    assert names_in(folder) == {"weights.pth"}


def test_a_server_that_does_not_take_ranges_sends_all_again(server):
    entry = entry_for(server)
    server.stops_after = HALF
    refused(entry)
    server.stops_after, server.takes_ranges = None, False
    assert download(entry).read_bytes() == CONTENT


def test_a_part_without_a_mark_of_its_version_is_not_gone_on_with(server):
    entry = entry_for(server)
    server.stops_after, server.tagged = HALF, False
    refused(entry)
    server.stops_after = None
    assert download(entry).read_bytes() == CONTENT
    assert "range" not in server.asked[1]


def test_a_file_that_changed_on_the_server_is_fetched_from_the_start(server):
    server.content = bytes(len(CONTENT))
    server.stops_after = HALF
    refused(entry_for(server))
    server.content, server.stops_after = CONTENT, None
    assert download(entry_for(server)).read_bytes() == CONTENT


def test_a_part_of_a_file_from_elsewhere_is_not_gone_on_with(server):
    entry = entry_for(server)
    server.stops_after = HALF
    refused(replace(entry, url=f"{server.url}?old"))
    server.stops_after = None
    assert download(entry).read_bytes() == CONTENT
    assert "range" not in server.asked[1]


@pytest.mark.parametrize("note", [b"", b"[]", b"{", b'{"url": 1}', b"\xff" * 9, b"[" * 10000], ids=repr)
def test_a_damaged_note_beside_a_part_starts_the_download_again(server, folder, note):
    entry = entry_for(server)
    folder.mkdir(parents=True)
    (folder / "weights.pth.part").write_bytes(b"something else")
    (folder / "weights.pth.part.json").write_bytes(note)
    assert download(entry).read_bytes() == CONTENT


def test_a_part_beyond_the_end_of_the_servers_file_is_given_up(server, monkeypatch):
    server.content, whole = CONTENT + b"more", entry_for(server, CONTENT + b"more")
    server.stops_after = len(CONTENT) + 2
    refused(whole)
    monkeypatch.setattr(FileServer, "tag", server.tag)  # as if nothing had changed
    server.content, server.stops_after = CONTENT, None
    assert f"a file of {len(CONTENT)} bytes there, not the published {whole.size}" in refused(whole)
    assert [headers.get("range") for headers in server.asked] == [None, f"bytes={len(CONTENT) + 2}-", None]


def test_another_file_than_the_published_one_is_removed(server, folder):
    server.content = bytes(len(CONTENT))
    entry = entry_for(server)
    sentence = refused(entry)
    for part in (server.url, "SHA-256 differs", "removed", str(folder)):
        assert part in sentence
    assert names_in(folder) == set()


def test_a_file_of_another_size_is_refused_before_it_is_fetched(server, folder):
    server.content = CONTENT * 2
    assert f"a file of {2 * len(CONTENT)} bytes there, not the published {len(CONTENT)}" in refused(entry_for(server))
    assert not (folder / "weights.pth.part").exists()


def test_a_file_of_unknown_length_is_fetched_up_to_the_published_size_and_no_further(server):
    server.tells_length = False
    assert download(entry_for(server)).read_bytes() == CONTENT
    longer = replace(entry_for(server), file_name="longer.pth")
    server.content = CONTENT * 3
    assert f"sends more than the published {len(CONTENT)} bytes" in refused(longer)
    assert fetched_bytes(longer) <= len(CONTENT)


def test_without_a_network_the_sentence_has_the_address_and_the_folder(folder):
    with serving(CONTENT) as gone:
        entry = entry_for(gone)
    sentence = refused(entry)
    for part in (gone.url, "cannot be reached", str(folder)):
        assert part in sentence


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden"), (503, "503 Service")])
def test_a_refusal_of_the_server_is_told(server, status, words):
    server.status = status
    assert f"the server answers {words}" in refused(entry_for(server))


def test_a_redirection_is_followed(server):
    with serving(b"") as first:
        first.redirects_to = server.url
        assert download(replace(entry_for(server), url=first.url)).read_bytes() == CONTENT


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_a_redirection_to_an_unsafe_address_is_not_followed(server, scheme):
    server.redirects_to = f"{scheme}://example.org/weights.pth"
    assert re.search("not https|302 Found", refused(entry_for(server)))


def test_an_address_that_is_not_https_is_refused(server):
    assert "not https" in refused(replace(entry_for(server), url="http://example.org/weights.pth"))


def test_too_little_room_is_noticed_before_anything_is_fetched(server, folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    sentence = refused(entry_for(server))
    assert str(folder) in sentence
    assert "0 MB free and 68 MB are needed" in sentence
    assert server.asked == []


class FillsUp:
    """A file on a disk that is full after some bytes."""

    def __init__(self, stream, room: int) -> None:
        self.stream, self.room = stream, room

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.stream.close()

    def write(self, block: bytes) -> None:
        self.stream.write(block[: self.room])
        self.room -= len(block)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_what_came_is_kept_and_gone_on_with(server, folder, monkeypatch):
    entry = entry_for(server)
    with monkeypatch.context() as patch:
        append = PartFile.append
        patch.setattr(PartFile, "append", lambda part: FillsUp(append(part), HALF))
        sentence = refused(entry)
    assert str(folder) in sentence
    assert "the disk is full" in sentence
    assert fetched_bytes(entry) == HALF
    assert download(entry).read_bytes() == CONTENT
    assert server.asked[1]["range"] == f"bytes={HALF}-"


def test_a_weights_folder_that_cannot_be_made_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SAMSEGMENT_HOME", str(tmp_path / "file"))
    assert f"{tmp_path / 'file' / 'weights'}: cannot be written" in refused(entry_for(server))


def test_a_second_download_of_the_same_file_is_refused_while_the_first_goes_on(server):
    entry = entry_for(server)
    reached, go_on = threading.Event(), threading.Event()
    server.at_byte[HALF] = lambda: (reached.set(), go_on.wait(20))
    first = threading.Thread(target=download, args=[entry])
    first.start()
    try:
        assert reached.wait(20)
        assert "another process is downloading" in refused(entry)
        while fetched_bytes(entry) == 0:  # what was sent is on its way; before it is written nothing can be removed
            assert first.is_alive()
        with pytest.raises(ModelUnavailableError, match="another process is downloading"):
            remove_weights(entry)
    finally:
        go_on.set()
        first.join()
    assert find_weights(entry).read_bytes() == CONTENT


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be deleted")
def test_a_lock_that_was_opened_before_the_last_download_ended_still_counts(server, folder):
    fcntl = pytest.importorskip("fcntl")
    entry, opened = entry_for(server), []
    server.at_byte[HALF] = lambda: opened.append((folder / "weights.pth.lock").open("r+b"))
    download(entry).unlink()
    with opened[0] as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as a process does that came a moment too early
        assert "another process is downloading" in refused(entry)
    assert download(entry).read_bytes() == CONTENT


COMMAND = """
import sys
from dataclasses import replace
import SAMSegmentLib.models.catalogue as catalogue
from SAMSegmentLib.cli import run

url, size, sha256 = sys.argv[1:]
entry = replace(catalogue.catalogue_entry("sam_vit_b"), url=url, file_name="weights.pth", size=int(size), sha256=sha256)
catalogue.CATALOGUE = (entry,)
sys.exit(run(["models", "download", "sam_vit_b"]))
"""


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_or_killed_command_keeps_its_part_and_locks_nobody_out(server, folder, number, exit_code):
    entry = entry_for(server)
    reached, go_on = threading.Event(), threading.Event()
    server.at_byte[HALF] = lambda: (reached.set(), go_on.wait(20))
    arguments = [server.url, str(entry.size), entry.sha256]
    with subprocess.Popen([sys.executable, "-c", COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as command:
        try:
            assert reached.wait(20)
            # What was sent is on its way; the command writes it, up to a few bytes, before it waits for more.
            while fetched_bytes(entry) < HALF - NOT_WRITTEN_YET:
                assert command.poll() is None
            command.send_signal(number)
            _, words = command.communicate(timeout=20)
        finally:
            go_on.set()
    assert command.returncode == exit_code
    if number == signal.SIGINT:
        assert words.startswith(
            "samsegment: Stopped; 1 MB of 1 MB are kept: run 'samsegment models download sam_vit_b'"
        )
        assert words.count("\n") == 1
    kept = fetched_bytes(entry)
    assert kept >= HALF - NOT_WRITTEN_YET
    assert download(entry).read_bytes() == CONTENT
    assert server.asked[1]["range"] == f"bytes={kept}-"


def test_removing_frees_weights_and_parts_in_all_folders_and_tells_how_much(server, folder, tmp_path):
    entry = entry_for(server)
    download(entry)
    cached = tmp_path / "cache" / "samsegment" / "weights"
    cached.mkdir(parents=True)
    (cached / "weights.pth").write_bytes(b"12345")
    (folder / "weights.pth.part").write_bytes(b"123")
    assert remove_weights(entry) == len(CONTENT) + 8
    assert find_weights(entry) is None
    assert names_in(folder) == names_in(cached) == set()
    assert remove_weights(entry) == 0


@pytest.mark.parametrize("action", [download, remove_weights])
def test_the_model_of_the_installation_is_neither_downloaded_nor_removed(action):
    with pytest.raises(InputError, match="builtin is part of the installation"):
        action(catalogue_entry("builtin"))
    assert find_weights(catalogue_entry("builtin")) is not None
