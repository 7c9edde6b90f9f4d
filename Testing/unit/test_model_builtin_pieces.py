"""Specks and pinholes go, what was asked for stays."""

import numpy as np
import pytest

from SAMSegmentLib.models.builtin_pieces import without_specks
from SAMSegmentLib.models.interface import Candidates
from SAMSegmentLib.prompts import SlicePrompts

LARGE, SPECK, HALF = (slice(10, 50), slice(10, 50)), (slice(60, 63), slice(60, 63)), (slice(60, 90), slice(60, 90))
HOLE, WIDE_HOLE = (slice(30, 34), slice(30, 34)), (slice(20, 40), slice(20, 40))
IN_HOLE, IN_SPECK, IN_LARGE = (31.0, 31.0), (61.0, 61.0), (12.0, 12.0)
BOX = (5.0, 5.0, 95.0, 95.0)


def painted(*parts: tuple[slice, slice], without: tuple[tuple[slice, slice], ...] = ()) -> np.ndarray:
    mask = np.zeros((100, 100), dtype=bool)
    for part in parts:
        mask[part] = True
    for part in without:
        mask[part] = False
    return mask


def tidied(mask: np.ndarray, clicks: list[tuple[tuple[float, float], bool]], box=BOX) -> np.ndarray:
    candidates = Candidates(mask[None], np.ones(1), np.ones(1), np.zeros((1, 8, 8), np.float32))
    points = np.array([place for place, _ in clicks], dtype=np.float64).reshape(-1, 2)
    prompts = SlicePrompts(points, np.array([positive for _, positive in clicks], dtype=bool), box)
    return without_specks(candidates, prompts).masks[0]


@pytest.mark.parametrize(
    ("mask", "clicks", "expected"),
    [
        (painted(LARGE, SPECK), [], painted(LARGE)),
        (painted(LARGE, SPECK), [(IN_SPECK, True)], painted(LARGE, SPECK)),
        (painted(LARGE, HALF), [], painted(LARGE, HALF)),
        (painted(LARGE, without=(HOLE,)), [], painted(LARGE)),
        (painted(LARGE, without=(HOLE,)), [(IN_HOLE, False)], painted(LARGE, without=(HOLE,))),
        (painted(LARGE, without=(WIDE_HOLE,)), [], painted(LARGE, without=(WIDE_HOLE,))),
        (painted(), [], painted()),
        (~painted(SPECK), [], ~painted()),
        (painted((slice(None), slice(50))), [(IN_HOLE, False)], painted((slice(None), slice(50)))),
    ],
    ids=[
        "speck", "clicked speck", "second structure", "pinhole", "pinhole that was asked for", "lumen", "empty",
        "all but a pinhole", "half of the slice",
    ],
)  # fmt: skip
def test_in_a_box_small_parts_go_unless_a_click_is_in_them(mask, clicks, expected):
    np.testing.assert_array_equal(tidied(mask, clicks), expected)


@pytest.mark.parametrize(
    ("clicks", "expected"),
    [
        ([(IN_LARGE, True)], painted(LARGE, without=(HOLE,))),
        ([(IN_LARGE, True), ((61.0, 61.0), True)], painted(LARGE, HALF, without=(HOLE,))),
        ([((0.0, 0.0), True)], painted(LARGE, HALF, without=(HOLE,))),
        ([(IN_HOLE, False)], painted(LARGE, HALF, without=(HOLE,))),
    ],
    ids=["one of two pieces", "both", "none", "negative"],
)
def test_clicks_alone_keep_the_pieces_that_they_are_in(clicks, expected):
    np.testing.assert_array_equal(tidied(painted(LARGE, HALF, without=(HOLE,)), clicks, box=None), expected)
