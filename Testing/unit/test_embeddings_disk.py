"""Embeddings on disk: shared, damaged, crowded and unwritable folders."""

import errno
import logging
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from SAMSegmentLib.embeddings import BUDGET_VARIABLE, EmbeddingCache, default_disk_store, default_folder
from SAMSegmentLib.embeddings.budget import list_entries
from SAMSegmentLib.embeddings.entry import packed_size
from SAMSegmentLib.errors import InputError
from Testing.embeddings import KEY, assert_equal, embedding_of, files_in, key_of, store_at
from Testing.paths import REPOSITORY

SIZE = packed_size(KEY, embedding_of(0))
ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="file modes and signals are POSIX")


def age(path, seconds):
    past = time.time() - seconds
    os.utime(path, (past, past))


@pytest.fixture
def entry(tmp_path):
    store_at(tmp_path).write(KEY, embedding_of(0))
    (path,) = files_in(tmp_path)
    return path


def flipped(at):
    def damage(content):
        position = at % len(content)
        return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]

    return damage


DAMAGES = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "magic only": lambda content: content[:8],
    "cut in the header": lambda content: content[:100],
    "cut in the arrays": lambda content: content[:-3000],
    "last byte missing": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "magic": flipped(0),
    "header length": flipped(9),
    "a bit of the key": flipped(40),
    "a bit of an array": flipped(5000),
    "a bit of the checksum": flipped(-1),
    "foreign": lambda content: b"\x89PNG\r\n" * 2000,
    "huge header": lambda content: content[:8] + b"\xff\xff\xff\x7f" + content[12:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_a_logged_miss_and_is_replaced(tmp_path, entry, caplog, damage):
    entry.write_bytes(damage(entry.read_bytes()))
    store = store_at(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert store.read(KEY) is None
    assert [str(entry) in record.getMessage() for record in caplog.records] == [True]
    assert not store.holds(KEY)
    store.write(KEY, embedding_of(0))
    assert_equal(store.read(KEY), embedding_of(0))


def test_a_foreign_file_of_ten_gigabytes_is_not_read(tmp_path, entry, monkeypatch):
    with entry.open("r+b") as stream:
        stream.truncate(10 << 30)  # sparse: it takes no space
    monkeypatch.setattr("SAMSegmentLib.embeddings.entry.np.empty", _refuse)
    assert store_at(tmp_path).read(KEY) is None


def _refuse(size, _):
    raise AssertionError(f"{size} bytes were about to be allocated")


def test_a_file_of_another_slice_under_this_name_is_a_miss(tmp_path, entry):
    store = store_at(tmp_path)
    store.write(key_of(1), embedding_of(1))
    (other,) = set(files_in(tmp_path)) - {entry}
    other.replace(entry)
    assert store.read(KEY) is None


@ON_POSIX
def test_files_are_the_users_alone_and_name_nobody(tmp_path):
    store = store_at(tmp_path / "home" / "embeddings")
    store.write(KEY, embedding_of(0))
    (path,) = (tmp_path / "home" / "embeddings").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_folder_stays_within_its_budget_and_the_longest_unused_leave_first(tmp_path):
    store, other = store_at(tmp_path, 4 * SIZE + SIZE // 2), store_at(tmp_path)
    for index in range(4):
        store.write(key_of(index), embedding_of(index))
        age(tmp_path / f"{key_of(index).digest}.embedding", 100 - index)
    assert other.read(key_of(0)) is not None  # the oldest is used, by another process
    store.write(key_of(4), embedding_of(4))
    assert kept(store) == [0, 2, 3, 4]
    assert other.read(key_of(2)) is not None  # after the first store has looked at the folder
    store.write(key_of(5), embedding_of(5))
    assert kept(store) == [0, 2, 4, 5]
    assert store.usage().bytes == sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * SIZE + SIZE // 2


def kept(store):
    return [index for index in range(10) if store.holds(key_of(index))]


def test_what_other_processes_write_is_counted_within_64_writes(tmp_path):
    small = embedding_of(0, side=4)
    stores = [store_at(tmp_path, 100 * packed_size(KEY, small)) for _ in range(2)]
    for store, indices in zip([*stores, stores[0]], [range(1), range(1, 100), range(100, 170)], strict=True):
        for index in indices:
            store.write(key_of(index), small)
    assert 90 < len(files_in(tmp_path)) <= 100


def test_an_embedding_larger_than_the_budget_drives_nothing_out(tmp_path, entry):
    store = store_at(tmp_path, SIZE + 10)
    store.write(key_of(1), embedding_of(1, side=64))
    assert files_in(tmp_path) == [entry]


def test_files_that_vanish_while_room_is_made_do_no_harm(tmp_path):
    store = store_at(tmp_path, 3 * SIZE)
    for index in range(3):
        store.write(key_of(index), embedding_of(index))
    for path in files_in(tmp_path):
        path.unlink()
    for index in range(3, 9):
        store.write(key_of(index), embedding_of(index))
    assert kept(store) == [6, 7, 8]


def test_only_own_files_are_counted_or_removed(tmp_path, entry):
    foreign = tmp_path / "thesis.odt"
    foreign.write_bytes(b"x" * 10 * SIZE)
    store = store_at(tmp_path, 2 * SIZE)
    store.write(key_of(1), embedding_of(1))
    assert store.usage().entries == 2
    store.clear()
    assert list(tmp_path.iterdir()) == [foreign]


@ON_POSIX
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_under_the_name_of_an_embedding_is_left_alone(tmp_path, entry, make):
    entry.unlink()
    make(entry)
    assert list_entries(tmp_path) == []  # what is in this list is opened, and a pipe would never answer
    assert store_at(tmp_path).clear().entries == 0
    assert store_at(tmp_path).read(KEY) is None
    assert list(tmp_path.iterdir()) == [entry]


def test_what_a_dead_process_left_half_written_goes_after_an_hour(tmp_path, entry):
    old, young = (tmp_path / f"{entry.stem}.{name}.tmp" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    age(old, 3700)
    store_at(tmp_path).write(key_of(1), embedding_of(1))
    assert not old.exists()
    assert young.exists()
    store_at(tmp_path).clear()
    assert list(tmp_path.iterdir()) == []


def test_usage_and_clearing_go_by_model(tmp_path):
    store = store_at(tmp_path)
    for index in range(3):
        store.write(key_of(index), embedding_of(index))
    store.write(key_of(0, model="builtin"), embedding_of(0))
    used = store.usage()
    assert {model: count for model, (count, _) in used.by_model.items()} == {"builtin": 1, "sam_vit_b": 3}
    assert used.bytes == sum(size for _, size in used.by_model.values())
    removed = store.clear("sam_vit_b")
    assert removed.entries == 3
    assert removed.bytes == used.by_model["sam_vit_b"][1]
    assert list(store.usage().by_model) == ["builtin"]


# --- folders that cannot be written


def writes_end_with_one_warning(store, warnings):
    cache = EmbeddingCache(1 << 20, store)
    for index in range(3):
        cache.put(key_of(index), embedding_of(index))
        assert_equal(cache.get(key_of(index)), embedding_of(index))
    (sentence,) = warnings
    assert str(store.folder) in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_full_disk_ends_writing_with_one_warning_and_leaves_no_half_file(tmp_path, entry, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("SAMSegmentLib.embeddings.disk.os.fdopen", full)
    warnings = []
    assert "No space left" in writes_end_with_one_warning(store_at(tmp_path, warnings=warnings), warnings)
    assert list(tmp_path.iterdir()) == [entry]


def test_a_home_that_is_a_file_ends_writing_with_one_warning(tmp_path):
    (tmp_path / "home").write_text("not a folder")
    warnings = []
    writes_end_with_one_warning(store_at(tmp_path / "home" / "embeddings", warnings=warnings), warnings)


LIMITED = """
import resource, sys
from pathlib import Path
from Testing.embeddings import embedding_of, key_of, store_at
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
warnings = []
store = store_at(Path(sys.argv[1]), warnings=warnings)
for index in range(3):
    store.write(key_of(index), embedding_of(index))
print(len(warnings), "File too large" in warnings[0])
"""

UNPRIVILEGED = """
import os, sys
from pathlib import Path
from Testing.embeddings import KEY, embedding_of, key_of, store_at
warnings = []
store = store_at(Path(sys.argv[1]), warnings=warnings)
embeddings = {index: embedding_of(index) for index in (1, 2)}
if os.geteuid() == 0:  # root may write everywhere
    os.setgid(65534), os.setuid(65534)
for index, embedding in embeddings.items():
    store.write(key_of(index), embedding)
print(len(warnings), "Permission denied" in warnings[0])
print(store.read(KEY) is not None)
"""


def python(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, **options
    )


@ON_POSIX
def test_a_write_that_the_system_cuts_short_ends_writing_with_one_warning(tmp_path):
    process = python(LIMITED, tmp_path)
    assert process.communicate()[0].split() == ["1", "True"]
    assert list(tmp_path.iterdir()) == []


@ON_POSIX
def test_a_read_only_folder_ends_writing_with_one_warning_and_is_still_read():
    # Not in tmp_path: another user cannot enter its parents.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store_at(folder).write(KEY, embedding_of(0))
        (path,) = files_in(folder)
        path.chmod(0o444)
        folder.chmod(0o555)
        process = python(UNPRIVILEGED, folder)
        assert process.communicate()[0].split() == ["1", "True", "True"]
        folder.chmod(0o755)


# --- several processes


WRITER = """
import sys
from pathlib import Path
from Testing.embeddings import embedding_of, key_of, store_at
store = store_at(Path(sys.argv[1]), 1 << 30)
print("ready", flush=True)
for turn in range(int(sys.argv[2])):
    for index in range(8):
        store.write(key_of(index), embedding_of(index, side=128))
        store.read(key_of((index + 3) % 8))
print("done", flush=True)
"""


def test_two_processes_that_write_the_same_slices_leave_each_of_them_whole(tmp_path):
    writers = [python(WRITER, tmp_path, 6, stderr=subprocess.PIPE) for _ in range(2)]
    store = store_at(tmp_path)
    seen = 0
    while any(writer.poll() is None for writer in writers):
        for index in range(8):
            found = store.read(key_of(index))
            if found is not None:
                assert_equal(found, embedding_of(index, side=128))
                seen += 1
    for writer in writers:
        out, err = writer.communicate()
        assert (out.split(), err) == (["ready", "done"], ""), "nothing was found damaged"
    assert seen
    assert len(list(tmp_path.iterdir())) == 8


@ON_POSIX
def test_a_process_killed_while_it_writes_leaves_whole_files_or_none(tmp_path, caplog):
    for delay in (0.0, 0.003, 0.011, 0.02):
        process = python(WRITER, tmp_path, 10**6)
        assert process.stdout.readline().strip() == "ready"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    store = store_at(tmp_path)
    with caplog.at_level(logging.WARNING):
        found = [store.read(key_of(index)) for index in range(8)]
    assert caplog.records == [], "no file was damaged"
    for index, embedding in enumerate(found):
        if embedding is not None:
            assert_equal(embedding, embedding_of(index, side=128))


STOPPED_HALFWAY = """
import os, signal, sys
from pathlib import Path
from SAMSegmentLib.embeddings import disk
from Testing.embeddings import KEY, embedding_of, store_at
def killed_when_half_is_written(descriptor, mode):
    os.write(descriptor, b"SAMSEMB1 and no more")
    os.kill(os.getpid(), signal.SIGKILL)
disk.os.fdopen = killed_when_half_is_written
store_at(Path(sys.argv[1])).write(KEY, embedding_of(0))
"""


@ON_POSIX
def test_half_a_file_of_a_killed_process_is_never_found(tmp_path):
    process = python(STOPPED_HALFWAY, tmp_path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    store = store_at(tmp_path)
    assert not store.holds(KEY)
    assert store.usage().entries == 0


# --- the user's own cache


def test_the_folder_and_the_budget_come_from_the_environment(own_home, monkeypatch):
    assert default_folder() == own_home / "embeddings"
    assert default_disk_store(print).budget_bytes == 4 << 30
    monkeypatch.setenv(BUDGET_VARIABLE, "5000000")
    assert default_disk_store(print).budget_bytes == 5_000_000
    monkeypatch.setenv(BUDGET_VARIABLE, "0")
    assert default_disk_store(print) is None
    monkeypatch.delenv("SAMSEGMENT_HOME")
    assert default_folder().parts[-2:] == ("samsegment", "embeddings")


@pytest.mark.parametrize("text", ["4 GiB", "-1", "1e9", "9" * 400, "٣"])
def test_a_budget_that_is_no_number_is_refused_in_one_sentence(monkeypatch, text):
    monkeypatch.setenv(BUDGET_VARIABLE, text)
    with pytest.raises(InputError, match=f"{BUDGET_VARIABLE}.*whole number"):
        default_disk_store(print)
