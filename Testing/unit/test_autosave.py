"""Prompts outlive the application: after a crash they are found again for the same image, and only then."""

import json
import os
import stat
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from SAMSegmentLib.autosave import Autosave, recoverable
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.sessionfile import replay
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import volume_of
from Testing.paths import REPOSITORY
from Testing.sessions import WINDOW, mask_of

AXIAL = Orientation.AXIAL

# A front end that crashes once its prompts are on disk.
CRASHING = """
import os, pathlib, signal, sys, time
import numpy as np
from SAMSegmentLib.autosave import Autosave
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of
from Testing.sessions import WINDOW
folder = pathlib.Path(sys.argv[1])
volume = volume_of(ball((12, 16, 20), (9, 8, 6), 4.5).astype(np.uint8) * 255, name="ball")
session = SegmentationSession(volume, InProcessEngine(ThresholdModel(), volume, WINDOW))
Autosave(session, folder)
session.add_segment("ball")
for index in (5, 6, 7):
    session.add_point("ball", (9, 8, index), Orientation.AXIAL)
while not any('"index": 7' in path.read_text() for path in folder.glob("[0-9a-f]*.json")):
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def crashed(tmp_path):
    folder = tmp_path / "autosave"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CRASHING), str(folder)], cwd=REPOSITORY, timeout=60, check=False
    )
    assert run.returncode == -9
    return folder


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.skipif(os.name != "posix", reason="a process cannot be killed with SIGKILL here")
def test_prompts_of_a_killed_process_make_the_same_masks_again(crashed, session, ball_mask):
    (recovery,) = recoverable(session.volume, crashed)
    again = SegmentationSession(session.volume, InProcessEngine(ThresholdModel(), session.volume, WINDOW))
    for segment in recovery.saved.segments:
        replay(segment, again)
    assert np.array_equal(mask_of(again)[5:8], ball_mask[5:8])
    recovery.discard()
    assert recoverable(session.volume, crashed) == []


@pytest.mark.skipif(os.name != "posix", reason="a process cannot be killed with SIGKILL here")
def test_nothing_is_offered_for_another_image(crashed, ball_mask):
    other = volume_of((~ball_mask).astype(np.uint8) * 255)
    assert recoverable(other, crashed) == []
    assert len(list(crashed.iterdir())) == 1


def test_a_session_that_ends_in_good_order_leaves_nothing(session, tmp_path):
    autosave = Autosave(session, tmp_path)
    session.add_point("ball", (9, 8, 6), AXIAL)
    wait_until(lambda: list(tmp_path.glob("[0-9a-f]*.json")))
    autosave.close()
    assert list(tmp_path.iterdir()) == []


def test_a_running_process_is_not_recovered_from(session, tmp_path):
    autosave = Autosave(session, tmp_path)
    session.add_point("ball", (9, 8, 6), AXIAL)
    wait_until(lambda: list(tmp_path.glob("[0-9a-f]*.json")))
    assert recoverable(session.volume, tmp_path) == []
    autosave.close()


@pytest.mark.skipif(os.name != "posix", reason="permissions are of another kind here")
def test_the_file_is_the_users_alone_and_tells_no_file_name(session, tmp_path):
    folder = tmp_path / "autosave"
    autosave = Autosave(session, folder)
    session.add_point("ball", (9, 8, 6), AXIAL)
    wait_until(lambda: list(folder.glob("[0-9a-f]*.json")))
    (path,) = folder.glob("[0-9a-f]*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(json.loads(path.read_text())["image"]) == {"fingerprint"}
    autosave.close()


def test_undoing_everything_removes_the_file(session, tmp_path):
    autosave = Autosave(session, tmp_path)
    session.add_segment("other")
    wait_until(lambda: list(tmp_path.glob("[0-9a-f]*.json")))
    while session.can_undo:
        session.undo()
    wait_until(lambda: not list(tmp_path.glob("[0-9a-f]*.json")))
    autosave.close()


def test_a_folder_that_cannot_be_written_costs_one_warning_and_no_work(session, ball_mask, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    autosave = Autosave(session, tmp_path / "file")
    session.add_point("ball", (9, 8, 5), AXIAL)
    wait_until(lambda: caplog.records)
    session.add_point("ball", (9, 8, 6), AXIAL)
    time.sleep(0.05)  # for a second warning, which nothing would tell of
    autosave.close()
    assert np.array_equal(mask_of(session)[6], ball_mask[6])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_damaged_and_an_old_autosave_are_no_recoveries(crashed, session, caplog):
    (path,) = crashed.glob("[0-9a-f]*.json")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert recoverable(session.volume, crashed) == []
    assert path.name in caplog.text
    path.write_bytes(content)
    long_ago = time.time() - 31 * 86400
    os.utime(path, (long_ago, long_ago))
    assert recoverable(session.volume, crashed) == []
    assert not path.exists()
