"""Losses and prompt rounds: better answers cost less, clicks are obeyed, corrections become prompts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from SAMSegmentLib.models.builtin import BuiltinNetwork
from SAMSegmentLib.models.builtin_features import PADDING, POSITIVE, PromptTensors
from SAMSegmentLib.training.batches import Batch, SlicePool, StageBatches
from SAMSegmentLib.training.config import TrainingConfig, parse_config
from SAMSegmentLib.training.losses import affinity_loss, answer_loss, click_proximity, mask_losses
from SAMSegmentLib.training.rounds import first_prompts, run_rounds


@pytest.fixture(scope="module")
def config() -> TrainingConfig:
    stage = {"side": 64, "slices": 4, "steps": 1}
    phase = {"name": "one", "peak_learning_rate": 0.001, "warmup_steps": 1, "stages": [stage]}
    odds = [0, 0, 1]
    return parse_config(
        json.dumps({"name": "test", "seed": 1, "pool_slices": 8, "round_odds": odds, "phases": [phase]}), "test"
    )


@pytest.fixture(scope="module")
def batch(config: TrainingConfig) -> Batch:
    torch.set_num_threads(1)
    return StageBatches(config, config.phases[0].stages[0], 0, SlicePool(1, config.pool_slices, None))[0]


def square(low: int, high: int, side: int = 32) -> torch.Tensor:
    mask = torch.zeros(1, side, side)
    mask[0, low:high, low:high] = 1
    return mask


def test_a_better_mask_costs_less() -> None:
    target = square(8, 24)
    answers = [square(8, 24), square(9, 24), square(14, 30), 1 - target]
    logits = torch.stack([(10 * (answer - 0.5)) for answer in answers], dim=1)

    costs = mask_losses(logits, target, torch.zeros_like(target))[0].tolist()

    assert costs == sorted(costs)
    assert costs[0] < 0.1 < 1 < costs[-1]


def test_an_error_under_a_click_costs_more_than_elsewhere() -> None:
    target = square(8, 24)
    logits = (10 * (target - 0.5)).unsqueeze(1).clone()
    logits[0, 0, 9:12, 9:12] *= -1
    near, far = torch.zeros_like(target), torch.zeros_like(target)
    near[0, 8:13, 8:13], far[0, 18:23, 18:23] = 1, 1

    assert mask_losses(logits, target, near) > mask_losses(logits, target, far) + 0.1


def prompts_at(points: list[list[float]], labels: list[int]) -> PromptTensors:
    return PromptTensors(
        points=torch.tensor([points]),
        labels=torch.tensor([labels]),
        boxes=torch.zeros(1, 4),
        has_box=torch.tensor([False]),
        logits=torch.zeros(1, 1, 32, 32),
        has_logits=torch.tensor([False]),
    )


def test_click_proximity_peaks_at_clicks_and_ignores_padding() -> None:
    near = click_proximity(prompts_at([[20.5, 40.5], [50.5, 10.5]], [POSITIVE, PADDING]), 32, 32)[0]

    assert np.unravel_index(int(near.argmax()), near.shape) == (20, 10)
    assert near.max() == pytest.approx(1)
    assert near[5, 25] < 1e-3


def test_one_good_candidate_is_enough_for_an_ambiguous_prompt() -> None:
    costs = torch.tensor([[1.0, 0.1, 2.0, 2.0]])
    same = torch.tensor([[1.0, 1.0, 2.0, 2.0]])
    iou = torch.full((1, 4), 0.5)

    gain = {
        ambiguous: answer_loss(same, iou, iou, torch.tensor([ambiguous]))
        - answer_loss(costs, iou, iou, torch.tensor([ambiguous]))
        for ambiguous in (True, False)
    }

    assert gain[True] > 2 * gain[False] > 0


def test_a_wrong_estimate_of_the_iou_costs() -> None:
    costs, iou, no = torch.ones(1, 4), torch.full((1, 4), 0.5), torch.tensor([False])

    assert answer_loss(costs, iou, iou + 0.4, no) > answer_loss(costs, iou, iou, no)


def test_descriptors_that_follow_the_structures_cost_less_than_random_ones() -> None:
    regions = torch.zeros(1, 8, 8, dtype=torch.int64)
    regions[0, :, 4:] = 1
    following = torch.stack([1.0 - regions.float(), regions.float()], dim=1)
    random = torch.nn.functional.normalize(torch.randn(1, 2, 8, 8, generator=torch.manual_seed(0)), dim=1)
    anchors, scale = torch.arange(64).unsqueeze(0), torch.tensor([6.0, -3.0])

    good, bad = (affinity_loss(each, regions, anchors, scale) for each in (following, random))

    assert good < 0.1 < 0.4 < bad


def test_a_slice_of_one_structure_has_no_affinity_loss() -> None:
    descriptors = torch.nn.functional.normalize(torch.randn(1, 2, 4, 4), dim=1)
    regions = torch.zeros(1, 4, 4, dtype=torch.int64)

    assert affinity_loss(descriptors, regions, torch.arange(16).unsqueeze(0), torch.tensor([6.0, -3.0])) == 0


def test_first_prompts_come_in_the_shares_of_the_configuration(batch: Batch, config: TrainingConfig) -> None:
    many = Batch(*(part.repeat_interleave(100, 0) for part in batch))
    many = many._replace(visible=torch.ones_like(many.visible))

    prompts, is_point, is_box = first_prompts(many, config, np.random.default_rng(0))

    assert float(is_point.float().mean()) == pytest.approx(config.point_share, abs=0.05)
    assert float(is_box.float().mean()) == pytest.approx(config.box_share, abs=0.05)
    assert torch.equal(prompts.has_box, ~is_point)
    assert torch.equal(prompts.labels[:, 0] == PADDING, is_box)


def test_structures_that_do_not_show_mostly_get_a_box(batch: Batch, config: TrainingConfig) -> None:
    many = Batch(*(part.repeat_interleave(100, 0) for part in batch))
    many = many._replace(visible=torch.zeros_like(many.visible))

    _, is_point, _ = first_prompts(many, config, np.random.default_rng(0))

    assert is_point.float().mean() < 0.3 * config.point_share


def test_three_rounds_are_played_and_logged(batch: Batch, config: TrainingConfig) -> None:
    torch.manual_seed(0)
    network, scale = BuiltinNetwork(), torch.tensor([6.0, -3.0], requires_grad=True)
    everything_boxed = replace(config, point_share=0.0, box_share=1.0)

    result = run_rounds(
        network, batch, scale, everything_boxed, np.random.default_rng(0), affinity_weight=0.5, corrections=True
    )
    result.loss.backward()

    assert {"box0", "box1", "box2"} <= result.figures.keys()
    assert "box3" not in result.figures
    assert result.figures["loss"] == pytest.approx(result.loss.item())
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_without_corrections_there_is_one_round(batch: Batch, config: TrainingConfig) -> None:
    figures = run_rounds(
        BuiltinNetwork(),
        batch,
        torch.tensor([6.0, -3.0]),
        config,
        np.random.default_rng(0),
        affinity_weight=0.5,
        corrections=False,
    ).figures

    assert not any(name.endswith(("1", "2")) for name in figures)
