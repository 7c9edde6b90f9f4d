"""Fixtures for all tests."""

import signal
import tempfile
from pathlib import Path

import pytest

from Testing.local_engine import LocalEngine
from Testing.paths import SHARED_DATA


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real volumes with reference masks."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real volumes are not on this machine ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_heard():
    """Tests interrupt themselves and their children, which a run that was started in the background would ignore."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.fixture(autouse=True)
def own_home(monkeypatch):
    """An empty $SAMSEGMENT_HOME: no test finds what another one cached, or writes into the user's own cache."""
    with tempfile.TemporaryDirectory(prefix="samsegment-home-", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("SAMSEGMENT_HOME", folder)
        monkeypatch.delenv("SAMSEGMENT_CACHE_BYTES", raising=False)
        yield Path(folder)


@pytest.fixture(autouse=True)
def local_engine(monkeypatch, request):
    """Commands that a test runs in its own process compute there, unless the test is marked ``worker_process``."""
    if "worker_process" not in request.keywords:
        monkeypatch.setattr("SAMSegmentLib.cli.engine.WorkerEngine", LocalEngine)
