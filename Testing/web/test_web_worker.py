"""The worker process dies while the page is open, or is at work when the viewer ends."""

import re
import signal

import numpy as np
import psutil

from Testing.web.images import coloured, write_ball
from Testing.web.pages import ANSWER
from Testing.web.viewers import ViewerProcess


def _answered(tab):
    return tab.page.get_by_text(ANSWER).count() > 0


def test_a_killed_worker_is_started_again_and_nothing_is_lost(tab, viewer, tmp_path):
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: _answered(tab), "no answer came")
    shown = coloured(tab.picture("Red"))
    voxels = tab.voxels(tmp_path)
    assert voxels.any()
    (worker,) = viewer.children()
    worker.kill()
    message = tab.message("started again")
    assert message.endswith(".")
    tab.wait_until(lambda: [child.pid for child in viewer.children()] not in ([], [worker.pid]), "no new worker")
    assert tab.page.get_by_text(re.compile("^Inside at")).count() == 1
    assert np.array_equal(tab.voxels(tmp_path), voxels)
    assert abs(coloured(tab.picture("Red")) - shown) < 0.02 * shown
    tab.click("Red", (0.5, 0.55))
    tab.page.get_by_text(re.compile("^Inside at")).nth(1).wait_for()
    tab.wait_until(lambda: _answered(tab), "the new worker does not answer")


def test_the_end_in_the_middle_of_a_propagation_leaves_neither_process_nor_file(home, new_tab, tmp_path):
    image = write_ball(tmp_path / "fine.nii.gz", finer=4)
    with ViewerProcess(str(image), home=home) as viewer:
        tab = new_tab(viewer.address)
        tab.wait_for_volume("fine")
        tab.click("Red", (0.5, 0.45))
        tab.wait_until(lambda: _answered(tab), "no answer came")
        tab.button("Propagate").click()
        tab.page.get_by_text(re.compile(r"^Slice \d+; \d+ done")).wait_for()
        processes = [psutil.Process(viewer.pid), *viewer.children()]
        assert len(processes) > 1
        processes[0].send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(processes, timeout=60)
        assert alive == []
        assert [path for path in viewer.temporary.rglob("*") if path.is_file()] == []
        assert "SAMSegmentWeb" not in viewer.output  # no traceback through our code
        tab.page.close()
