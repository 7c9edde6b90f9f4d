"""The viewer itself dies, and is started again."""

import re
import signal

from Testing.web.images import write_ball
from Testing.web.pages import ANSWER
from Testing.web.viewers import ViewerProcess


def _is_saved(home):
    return any('"ijk"' in path.read_text() for path in (home / "autosave").glob("*.json"))


def test_prompts_of_a_viewer_that_was_killed_are_offered_and_done_again(home, new_tab, tmp_path):
    image = write_ball(tmp_path / "ball.nii.gz")
    with ViewerProcess(str(image), home=home) as viewer:
        tab = new_tab(viewer.address)
        tab.wait_for_volume("ball")
        tab.click("Red", (0.5, 0.45))
        tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
        prompt = tab.page.get_by_text(re.compile("^Inside at")).inner_text()
        tab.wait_until(lambda: _is_saved(home), "nothing is saved meanwhile")
        viewer.stop(signal.SIGKILL)
    tab.page.close()
    with ViewerProcess(str(image), home=home) as viewer:
        tab = new_tab(viewer.address)
        tab.page.get_by_text("An earlier session was not saved").wait_for()
        tab.button("Discard them").click()
        tab.button("Discard them for good").wait_for()  # asks a second time, and nothing is gone yet
        tab.button("Do them again").click()
        tab.page.get_by_text(prompt).wait_for()
        tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "the prompts are not answered")
        assert tab.page.get_by_role("button", name="Remove the segment").count() == 1
        tab.voxels(tmp_path)  # saved
        tab.page.close()
    assert not any((home / "autosave").glob("*.json")), (
        "a viewer that ended with everything saved leaves prompts behind"
    )
