"""The range of slices that propagation keeps to."""

import re
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest
from trame_server.state import State

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.segmentstate import SegmentState
from SAMSegmentLib.volume import Volume
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.propagation_control import PropagationControl
from Testing.web.images import BALL_CENTER, ball_mask, write_ball
from Testing.web.pages import ANSWER

AXIAL, CORONAL = Orientation.AXIAL, Orientation.CORONAL


class _Looked:
    """A control on a volume, and what its listeners are told."""

    def __init__(self):
        self.state = State()
        self.listeners, self.propagations = [], []
        session = SimpleNamespace(
            segment_ids=("a",),
            name_of=lambda name: name,
            session=SimpleNamespace(state=lambda name: SegmentState(name, (1, 2, 3))),
            propagate=self._propagate,
        )
        work = SimpleNamespace(
            opened=SimpleNamespace(volume=Volume(np.zeros((96, 40, 50), np.int16), np.diag([1.0, 1.0, 2.0, 1.0]))),
            messages=Messages(self.state),
            add_listener=self.listeners.append,
            note_change=lambda: None,
            selected=(session, "a"),
            scene_session=session,
        )
        self.views = SimpleNamespace(active_slice=(AXIAL, 48))
        self.control = PropagationControl(self.state, work, self.views)
        self.control.show_volume()

    def _propagate(self, _segment_id, propagation, _note):
        self.propagations.append(propagation)
        return Future()

    def scroll(self, orientation, index):
        self.views.active_slice = orientation, index
        for listener in self.listeners:
            listener()

    @property
    def range(self):
        return self.state["PropagationState__range"]


def test_a_range_is_kept_while_another_view_is_scrolled_and_goes_with_the_volume():
    looked = _Looked()
    looked.state["PropagationState__range"] = [20, 95]
    looked.scroll(CORONAL, 10)
    assert looked.range == [0, 39]
    looked.state["PropagationState__range"] = [5, 30]
    looked.scroll(AXIAL, 49)
    assert looked.range == [20, 95]
    looked.control.show_volume()
    assert looked.range == [0, 95]
    looked.scroll(CORONAL, 10)
    assert looked.range == [0, 39]


@pytest.mark.parametrize(("chosen", "asked"), [([20, 90], (20, 90)), ([0, 95], (None, None)), ([0, 94], (0, 94))])
def test_propagation_is_asked_for_the_range(chosen, asked):
    looked = _Looked()
    looked.state["PropagationState__range"] = chosen
    looked.control.start()
    (propagation,) = looked.propagations
    assert (propagation.orientation, propagation.first, propagation.last) == (AXIAL, *asked)


def test_a_range_set_in_the_page_outlasts_scrolling_and_nothing_is_made_beyond_it(viewer, new_tab, tmp_path):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    highest = BALL_CENTER[2] + 2
    thumb = tab.page.get_by_role("slider", name="Range of slices").last
    thumb.focus()
    for _ in range(23 - highest):
        thumb.press("ArrowLeft")
    shown = tab.page.locator("#samsegment-range")
    expected = f"Range: axial slices 0 to {highest}"
    tab.wait_until(lambda: shown.inner_text() == expected, "the range cannot be set by keys")
    tab.page.mouse.move(*tab.place("Green", (0.5, 0.5)))
    tab.page.mouse.wheel(0, 120)
    tab.wait_until(lambda: "coronal slices 0 to 63" in shown.inner_text(), "the range is not of the view")
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.5)))
    tab.page.mouse.wheel(0, 120)
    tab.wait_until(lambda: shown.inner_text() == expected, "the range is lost")
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile(r"^Done: \d+ slices were made")).wait_for()
    voxels = tab.voxels(tmp_path)
    assert voxels[highest].any()
    assert not voxels[highest + 1 :].any()
    assert ball_mask()[highest + 1].any()
