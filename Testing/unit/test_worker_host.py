"""The worker process and the host around it: it ends when its host ends, keeps to itself, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.worker import launch, voxelfile
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings
from Testing.paths import REPOSITORY
from Testing.sessions import WINDOW
from Testing.worker_engines import PATIENCE_S, click, is_running, numbered_volume, wait_for, worker_on
from Testing.worker_models import FOLDER_VARIABLE

HOST = REPOSITORY / "Testing" / "host" / "worker_host.py"
PLACES = [Path("/dev/shm"), Path(tempfile.gettempdir())]  # noqa: S108 - nothing is written there


def voxel_files():
    """Voxels that a host has written and no worker has taken."""
    return {path for place in PLACES if place.is_dir() for path in place.glob("samsegment-*") if path.is_file()}


class Host:
    """A host program and its worker."""

    def __init__(self, task, folder):
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), FOLDER_VARIABLE: str(folder)}
        command = [sys.executable, str(HOST), task, str(folder)]
        before = voxel_files()
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.worker = int(self.process.stdout.readline())
        self.voxels = voxel_files() - before
        self.children = psutil.Process(self.process.pid).children(recursive=True)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        for process in (*self.children, self.process):
            if process.is_running() if isinstance(process, psutil.Process) else process.poll() is None:
                process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def host(request, tmp_path):
    host = Host(request.param, tmp_path)
    yield host
    host.end()


def hosts(*tasks):
    return pytest.mark.parametrize("host", tasks, indirect=True)


@hosts("encode", "write", pytest.param("fork", marks=pytest.mark.skipif(os.name != "posix", reason="needs fork")))
def test_a_host_killed_at_any_time_leaves_no_process_and_no_voxels(host, tmp_path):
    if (tmp_path / "writing").exists():
        assert host.voxels
    assert is_running(host.worker)
    host.kill()
    # 5 s are promised; a machine whose cores are all taken may take longer.
    wait_for(lambda: not is_running(host.worker))
    wait_for(lambda: not voxel_files() & host.voxels)


@hosts("leave")
def test_a_host_that_ends_without_a_word_takes_its_worker_along(host, tmp_path):
    assert host.process.wait(PATIENCE_S) == 0
    wait_for(lambda: not is_running(host.worker))
    assert not (tmp_path / "main-was-imported").exists()


@hosts("close")
def test_a_host_that_closes_while_its_worker_encodes_is_rid_of_it_and_goes_on(host):
    wait_for(lambda: not is_running(host.worker))
    assert host.process.poll() is None


@pytest.fixture(scope="module")
def running():
    with worker_on(numbered_volume(), "gated") as bench:
        bench.engine.wait(bench.engine.predict(click(1)))
        yield bench


def test_neither_process_listens_anywhere(running):
    before = psutil.Process().net_connections(kind="all")
    worker = psutil.Process(running.engine.worker_pid)
    assert worker.net_connections(kind="all") == []
    assert not [connection for connection in before if connection.status == psutil.CONN_LISTEN]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks descriptors up in /proc")
def test_the_worker_holds_only_pipes_and_files_that_nobody_else_may_read(running):
    folder = Path(f"/proc/{running.engine.worker_pid}/fd")
    open_files = [str(descriptor.readlink()) for descriptor in folder.iterdir()]
    kinds = {path.partition(":")[0] for path in open_files if not path.endswith("(deleted)")}
    assert kinds <= {"pipe", "/dev/null", "anon_inode"}
    maps = Path(f"/proc/{running.engine.worker_pid}/maps").read_text()
    assert "samsegment-" in maps  # the voxels, mapped
    assert all(line.endswith("(deleted)") for line in maps.splitlines() if "samsegment-" in line)


def test_a_volume_is_written_for_this_user_alone_and_gone_when_it_is_open(running, monkeypatch, tmp_path):
    modes = []

    def noted(descriptor, data):
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        while data:
            data = data[os.write(descriptor, data) :]

    monkeypatch.setattr(voxelfile, "_write_all", noted)
    monkeypatch.setattr(launch, "candidate_paths", lambda: [tmp_path / "voxels"])
    running.engine.open_volume(numbered_volume(30), WINDOW)
    running.engine.wait(running.engine.predict(click(1)))
    assert set(modes) == {0o600}
    assert list(tmp_path.iterdir()) == []


def test_a_signal_from_the_terminal_is_the_hosts_alone(running):
    pid = running.engine.worker_pid
    os.kill(pid, signal.SIGINT)
    running.engine.wait(running.engine.predict(click(2)))
    assert running.engine.worker_pid == pid
    assert os.getpgid(pid) != os.getpgid(0)


def test_files_of_the_current_folder_are_not_imported(tmp_path, monkeypatch):
    for name in ("torch", "numpy", "msgspec", "SAMSegmentLib", "logging"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the {name} of the current folder was imported')")
    monkeypatch.chdir(tmp_path)
    with worker_on(numbered_volume(), "gated") as bench:
        assert bench.engine.wait(bench.engine.predict(click(1))).plane.index == 1
        assert bench.told == []


def test_starting_ahead_shows_what_it_is_at_and_then_nothing(tmp_path):
    shown = []
    engine = WorkerEngine(WorkerSettings(disk_cache=False), show_status=shown.append)
    engine.start()
    try:
        wait_for(lambda: "" in shown, engine.process_events)
    finally:
        engine.close()
    assert shown == ["starting", "loading model builtin", ""]


def test_a_start_that_fails_shows_no_status_any_more(tmp_path):
    shown = []
    settings = WorkerSettings(weights=tmp_path / "gone.safetensors", disk_cache=False)
    engine = WorkerEngine(settings, show_status=shown.append)
    engine.start()
    try:
        wait_for(lambda: shown[-1:] == [""], engine.process_events)
    finally:
        engine.close()
    assert shown == ["starting", "loading model builtin", ""]


def test_nothing_can_be_asked_before_a_volume_is_open():
    engine = WorkerEngine(WorkerSettings(disk_cache=False))
    with pytest.raises(EngineError, match="No volume is open"):
        engine.predict(click(1)).result(0)
    assert engine.worker_pid is None
