"""The worker process dies while the page is open."""

import re

import numpy as np
import pytest

from Testing.web.images import write_ball
from Testing.web.pages import ANSWER


def _coloured(picture):
    return np.count_nonzero(picture.max(axis=-1).astype(int) - picture.min(axis=-1) > 40)


@pytest.fixture
def tab(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    return tab


def _answered(tab):
    return tab.page.get_by_text(ANSWER).count() > 0


def test_a_killed_worker_is_started_again_and_nothing_is_lost(tab, viewer):
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: _answered(tab), "no answer came")
    coloured = _coloured(tab.picture("Red"))
    (worker,) = viewer.children()
    worker.kill()
    message = tab.message("started again")
    assert message.endswith(".")
    tab.wait_until(lambda: [child.pid for child in viewer.children()] not in ([], [worker.pid]), "no new worker")
    assert tab.page.get_by_text(re.compile("^Inside at")).count() == 1
    assert abs(_coloured(tab.picture("Red")) - coloured) < 0.02 * coloured
    tab.click("Red", (0.5, 0.55))
    tab.page.get_by_text(re.compile("^Inside at")).nth(1).wait_for()
    tab.wait_until(lambda: _answered(tab), "the new worker does not answer")
