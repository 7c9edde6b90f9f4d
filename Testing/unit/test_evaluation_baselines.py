"""The simple methods do on a simple image what they are known for."""

import sys

import numpy as np
import pytest

from SAMSegmentLib.cli import run
from SAMSegmentLib.evaluation.baselines import load_baselines
from SAMSegmentLib.evaluation.metrics import overlap
from SAMSegmentLib.prompts import SlicePrompts

BASELINES = {baseline.name: baseline for baseline in load_baselines()}
BOX_METHODS = [name for name, baseline in BASELINES.items() if baseline.needs_box]
BY_GREY_VALUE = ["Otsu in box", "GrabCut", "random walker"]


def disc(shape=(60, 70), centre=(30, 40), radius=12, inside=180, outside=70):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    mask = np.hypot(rows - centre[0], columns - centre[1]) <= radius
    noise = np.random.default_rng(0).normal(0, 8, shape)
    return np.clip(np.where(mask, inside, outside) + noise, 0, 255).astype(np.uint8), mask


def prompts(box=(28, 18, 52, 42), point=(40, 30)):
    return SlicePrompts(points=np.array([point], float), positive=np.array([True]), box=box)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(("inside", "outside"), [(180, 70), (70, 180)], ids=["bright", "dark"])
def test_every_baseline_finds_a_disc_that_stands_out(name, inside, outside):
    pixels, mask = disc(inside=inside, outside=outside)
    least = {"filled box": 0.8, "ellipse in box": 0.94}.get(name, 0.95)
    assert overlap(BASELINES[name].segment(pixels, prompts()), mask).dice > least


@pytest.mark.parametrize("name", BY_GREY_VALUE)
def test_methods_that_look_at_the_image_forgive_a_loose_box(name):
    pixels, mask = disc()
    loose = BASELINES[name].segment(pixels, prompts(box=(25.2, 15.7, 54.9, 45.1)))
    assert overlap(loose, mask).dice > 0.9
    assert overlap(BASELINES["filled box"].segment(pixels, prompts(box=(25.2, 15.7, 54.9, 45.1))), mask).dice < 0.8


@pytest.mark.parametrize("name", BOX_METHODS)
@pytest.mark.parametrize(
    "box", [(0, 0, 69, 59), (5, 5, 5, 5), (68, 58, 69, 59), (3, 7, 60, 7)], ids=["all", "pixel", "corner", "line"]
)
def test_extreme_boxes_give_a_mask_within_the_box(name, box):
    pixels, _ = disc()
    mask = BASELINES[name].segment(pixels, prompts(box=box))
    assert mask.shape == pixels.shape
    assert mask.dtype == bool
    assert mask.any()
    assert not (mask & ~BASELINES["filled box"].segment(pixels, prompts(box=box))).any()


@pytest.mark.parametrize("name", BASELINES)
def test_a_constant_image_gives_a_mask(name):
    assert BASELINES[name].segment(np.full((60, 70), 9, np.uint8), prompts()).any()


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_gives_the_same_mask_twice(name):
    pixels, _ = disc(inside=110, outside=90)
    first, second = (BASELINES[name].segment(pixels, prompts()) for _ in range(2))
    assert np.array_equal(first, second)


def test_an_ellipse_touches_the_edges_of_its_box():
    mask = BASELINES["ellipse in box"].segment(np.zeros((60, 70), np.uint8), prompts(box=(28, 18, 52, 42)))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (18, 42, 28, 52)
    assert mask.sum() == pytest.approx(np.pi * 12.5**2, rel=0.02)


@pytest.mark.parametrize(("module", "option"), [("cv2", "--no-baselines"), ("matplotlib.figure", "--plot")])
def test_a_missing_library_is_named_before_the_work_begins(tmp_path, capsys, monkeypatch, module, option):
    monkeypatch.setitem(sys.modules, module, None)
    assert run(["evaluate", str(tmp_path), "--plot", str(tmp_path / "plots")]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "samsegment[evaluate]" in message
    assert option in message
