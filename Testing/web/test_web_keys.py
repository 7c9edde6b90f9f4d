"""Keys that are pressed over a view are the page's; VTK's and Slicer's own would end the viewer or scroll."""

from Testing.web.images import write_ball
from Testing.web.pages import ANSWER

# VTK: leave, leave, stereo, pick, wireframe, surface, centre; Slicer: a slice on and back.
KEYS = "qe3pwsrufb"


def test_keys_over_a_view_neither_end_the_viewer_nor_change_the_view(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    tab.click("Red", (0.5, 0.45))  # the view has the keyboard now
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    slice_text = tab.page.get_by_text("Axial slice").first.inner_text()
    for key in KEYS:
        tab.page.keyboard.press(key)
    tab.page.wait_for_timeout(1000)
    assert tab.page.get_by_text("Axial slice").first.inner_text() == slice_text
    picture = tab.picture("Red").astype(int)
    magenta = (picture[..., 0] > 90) & (picture[..., 2] > 90) & (picture[..., 1] < 40)
    assert magenta.mean() < 0.01
    tab.button("Undo").click()
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() == 0, "the viewer does not answer any more")
