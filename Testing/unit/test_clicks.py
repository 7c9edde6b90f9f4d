"""What the first click in a slice asks for: with propagation's mask there, a correction of it."""

import numpy as np
import pytest

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Box, Point
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import affine_for, volume_of
from Testing.sessions import WINDOW, click, long_session, mask_of, propagated_session

AXIAL = Orientation.AXIAL


@pytest.fixture
def session():
    return propagated_session()


def box_around(mask):
    (j0, i0), (j1, i1) = np.argwhere(mask).min(axis=0), np.argwhere(mask).max(axis=0)
    return int(i0), int(j0), int(i1), int(j1)


@pytest.mark.parametrize("positive", [True, False])
def test_the_first_click_in_a_propagated_slice_brings_the_box_of_its_mask_along(session, positive):
    i0, j0, i1, j1 = box_around(mask_of(session)[8])
    session.add_point("ball", (9, 8, 8), AXIAL, positive=positive).result()
    prompts = session.prompts("ball", (AXIAL, 8))
    assert prompts.boxes == (Box((i0, j0, 8), (i1, j1, 8)),)
    assert prompts.points == (Point((9, 8, 8), positive),)
    session.undo()
    assert not session.prompts("ball", (AXIAL, 8)), "click and box are one step"


def test_the_box_holds_a_click_inside_and_not_one_outside_of_the_structure(session):
    i0, j0, i1, j1 = box_around(mask_of(session)[8])
    inside, outside = (session.with_click("ball", (1, 3, 8), AXIAL, positive=positive) for positive in (True, False))
    assert inside.boxes == (Box((1, min(3, j0), 8), (i1, j1, 8)),)
    assert outside.boxes == (Box((i0, j0, 8), (i1, j1, 8)),)


def test_a_second_click_brings_no_second_box_nor_one_that_was_removed(session):
    session.add_point("ball", (9, 8, 8), AXIAL).result()
    session.add_point("ball", (8, 8, 8), AXIAL).result()
    assert len(session.prompts("ball", (AXIAL, 8)).boxes) == 1
    session.remove_box("ball", (AXIAL, 8), 0).result()
    session.add_point("ball", (7, 8, 8), AXIAL).result()
    assert session.prompts("ball", (AXIAL, 8)).boxes == ()


def test_there_is_no_box_where_propagation_has_made_nothing(session):
    fresh = long_session()
    click(fresh, 8)
    assert fresh.prompts("ball", (AXIAL, 8)).boxes == ()
    assert session.with_click("ball", (9, 8, 8), Orientation.CORONAL).boxes == ()


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, -1)])
def test_the_box_lies_around_the_mask_whichever_way_the_voxels_run(signs):
    mask = np.zeros((5, 16, 20), dtype=np.uint8)
    mask[:, 3:9, 4:15] = 255
    volume = volume_of(mask, affine_for((0, 1, 2), signs, (1, 1, 1)))
    session = SegmentationSession(volume, InProcessEngine(ThresholdModel(), volume, WINDOW))
    session.add_segment("block")
    session.add_point("block", (9, 5, 2), AXIAL).result()
    session.propagate("block", Propagation(AXIAL)).result()
    (box,) = session.with_click("block", (9, 5, 3), AXIAL).boxes
    assert (*box.ijk_min[:2], *box.ijk_max[:2]) == box_around(mask_of(session, "block")[3])
