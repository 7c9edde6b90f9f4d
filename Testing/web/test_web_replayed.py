"""Prompts that are done again are to be seen: their slice in the views, their surface in the 3D view."""

import re

import numpy as np

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.segmentstate import SegmentState, SliceMask
from SAMSegmentWeb.replay import slice_to_show
from Testing.web.images import coloured, write_ball
from Testing.web.pages import ANSWER


def test_the_largest_slice_that_the_user_made_is_shown():
    small, large = np.eye(4, dtype=bool), np.ones((4, 4), dtype=bool)
    axial = Orientation.AXIAL
    propagated = {(axial, 3): SliceMask.outdated(large), (axial, 4): SliceMask.outdated(small)}
    made = {(axial, 7): SliceMask.given(small), (Orientation.CORONAL, 2): SliceMask.given(np.tri(4, dtype=bool))}
    assert slice_to_show(SegmentState("a", (1, 2, 3), masks={**propagated, **made})) == (Orientation.CORONAL, 2)
    assert slice_to_show(SegmentState("a", (1, 2, 3), masks=propagated)) == (axial, 3)
    assert slice_to_show(SegmentState("a", (1, 2, 3))) is None


def test_prompts_that_are_opened_bring_their_slice_and_their_surface_into_view(tab, tmp_path):
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.45)))
    for _ in range(3):
        tab.page.mouse.wheel(0, 120)
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    prompts_slice = tab.page.locator("#samsegment-slice").inner_text()
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile(r"^Done: \d+ slices were made")).wait_for()
    saved = tab.save("Prompts (.json)", tmp_path / "ball.json")
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() == 0, "the image was not opened again")
    tab.wait_for_volume("ball")
    assert tab.page.locator("#samsegment-slice").inner_text() != prompts_slice
    assert coloured(tab.picture("ThreeD")) == 0
    tab.open_files(saved)
    tab.message("are done again")
    tab.wait_until(lambda: tab.page.locator("#samsegment-slice").inner_text() == prompts_slice, "the view is elsewhere")
    tab.wait_until(lambda: coloured(tab.picture("ThreeD")) > 1000, "there is no surface")
