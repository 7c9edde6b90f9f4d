"""Logits come back to the slice's pixels without a shift, and candidates keep their promises."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.models.candidates import (
    SliceResampler,
    interpolation_matrix,
    logits_prompt,
    make_candidates,
    require_prompt,
    row_bands,
)
from SAMSegmentLib.prompts import SlicePrompts


@pytest.mark.parametrize("cells", [1, 2, 7, 128])
@pytest.mark.parametrize("targets", [1, 3, 64, 300])
@pytest.mark.parametrize("antialias", [False, True])
def test_whole_lines_are_resampled_as_torch_does(cells, targets, antialias):
    line = torch.randn(1, 1, 1, cells, dtype=torch.float64, generator=torch.Generator().manual_seed(cells))
    expected = interpolate(line, size=(1, targets), mode="bilinear", align_corners=False, antialias=antialias)
    actual = interpolation_matrix(cells, cells, targets, antialias=antialias) @ line[0, 0, 0].numpy()
    np.testing.assert_allclose(actual, expected[0, 0, 0].numpy(), atol=1e-9)


@pytest.mark.parametrize("extent", [64.0, 50.5, 3.5, 0.5])
@pytest.mark.parametrize("targets", [1, 5, 35, 51, 300])
def test_a_straight_ramp_stays_where_it_is_when_the_slice_ends_within_a_cell(extent, targets):
    centres = np.arange(64) + 0.5
    resampled = interpolation_matrix(64, extent, targets, antialias=False) @ centres
    expected = (np.arange(targets) + 0.5) * extent / targets
    # Beyond the outer cell centres the outer value holds.
    np.testing.assert_allclose(resampled, np.clip(expected, 0.5, np.ceil(extent) - 0.5), atol=1e-9)


def identity(side: int) -> SliceResampler:
    return SliceResampler(torch.eye(side), torch.eye(side))


@pytest.mark.parametrize(
    ("ambiguous", "tokens"),
    [(True, [2, 3, 1]), (False, [0, 2, 3])],
    ids=["one click: the multimask tokens", "no doubt: token 0 first"],
)
def test_the_best_candidate_comes_first_and_the_others_by_predicted_iou(ambiguous, tokens):
    logits = torch.arange(4.0)[:, None, None].expand(4, 5, 5) - 1.5
    predicted = torch.tensor([0.1, 0.3, 0.9, 0.5])
    candidates = make_candidates(logits, predicted, identity(5), ambiguous=ambiguous)
    assert candidates.best == 0
    assert candidates.logits[:, 0, 0].tolist() == [token - 1.5 for token in tokens]
    np.testing.assert_allclose(candidates.predicted_iou, predicted[tokens])


def test_stability_is_the_iou_of_the_masks_one_logit_above_and_below():
    logits = torch.full((4, 4, 4), -5.0)
    logits[1, 0] = 3.0  # 4 pixels sure
    logits[1, 1, :2] = 0.5  # 2 pixels in doubt
    logits[2, 0] = 3.0  # only sure ones
    candidates = make_candidates(logits, torch.tensor([0.0, 0.9, 0.8, 0.7]), identity(4), ambiguous=True)
    np.testing.assert_allclose(candidates.stability, [4 / 6, 1.0, 0.0])
    assert candidates.masks.sum(axis=(1, 2)).tolist() == [6, 4, 0]


def slice_of(rows: int, columns: int, extent: float) -> SliceResampler:
    """A slice that fills the upper ``extent`` of 64 cells, and all of their columns."""
    by_row, by_column = (interpolation_matrix(64, end, n, antialias=True) for end, n in ((extent, rows), (64, columns)))
    return SliceResampler(torch.from_numpy(by_row).float(), torch.from_numpy(by_column).float(), row_bands(by_row))


def hill(row: float, column: float, height: float) -> torch.Tensor:
    """64 x 64 logits that fall by one with each cell of distance."""
    down, across = torch.meshgrid(torch.arange(64.0) - row, torch.arange(64.0) - column, indexing="ij")
    return height - torch.hypot(down, across)


@pytest.mark.parametrize("shape", [(300, 200), (64, 64), (40, 50)], ids=["finer", "same", "coarser"])
@pytest.mark.parametrize(
    "logits",
    [
        [hill(20, 30, 5), hill(10, 50, 8), hill(30, 12, 3)],
        [hill(0, 0, 4), hill(0, 63, 4), hill(39, 0, 4)],
        [hill(32, 32, 80)] * 3,
        [hill(32, 32, -2)] * 3,
        [hill(60, 32, 5)] * 3,
    ],
    ids=["inside", "corners", "everywhere", "nowhere", "beyond the slice"],
)
def test_masks_and_stability_are_those_of_resampling_the_whole_slice(shape, logits):
    resample = slice_of(*shape, extent=40.5)
    stacked = torch.stack([torch.zeros(64, 64), *logits])
    candidates = make_candidates(stacked, torch.tensor([0, 0.9, 0.8, 0.7]), resample, ambiguous=True)
    whole = resample(stacked[1:])
    assert whole.shape == (3, *shape)
    np.testing.assert_array_equal(candidates.masks, (whole > 0).numpy())
    inner, outer = ((whole > threshold).sum((1, 2)).numpy() for threshold in (1, -1))
    np.testing.assert_allclose(candidates.stability, inner / np.maximum(outer, 1))


def test_a_predicted_iou_stays_within_0_and_1():
    candidates = make_candidates(torch.zeros(4, 2, 2), torch.tensor([0, 1.2, 0.5, -0.1]), identity(2), ambiguous=True)
    np.testing.assert_allclose(candidates.predicted_iou, [1.0, 0.5, 0.0])


def test_an_empty_prompt_set_is_refused_with_the_cure():
    with pytest.raises(InputError, match="add a point or a box"):
        require_prompt(SlicePrompts())


def test_logits_of_another_model_are_refused():
    with pytest.raises(InputError, match="128x128 logits, not 256x256"):
        logits_prompt(SlicePrompts(logits=np.zeros((256, 256), dtype=np.float32)), 128)
