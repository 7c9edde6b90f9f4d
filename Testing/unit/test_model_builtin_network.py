"""The built-in network computes what its weights were trained as, and can be trained further."""

from pathlib import Path

import numpy as np
import pytest
import torch

import SAMSegmentLib.models.builtin as builtin
from SAMSegmentLib.models.builtin import INPUT_SIDE, BuiltinNetwork, fold_batch_norm
from SAMSegmentLib.models.builtin_features import NEGATIVE, PADDING, POSITIVE, PromptTensors
from SAMSegmentLib.models.checkpoint import load_weights, read_checkpoint

WEIGHTS = Path(builtin.__file__).parent / "data" / "builtin.safetensors"

# Computed once, in float32, with the code that the weights were trained with: logits of the four tokens at four
# (row, column) positions, and predicted IoU. Inputs: see `picture` and `PROMPTS`.
SAMPLED = ([20, 65, 65, 100], [45, 35, 60, 90])
REFERENCE = {
    "point": (
        [
            [1.56, -1.671, 0.474, -5.819],
            [2.045, -1.391, 1.119, -5.424],
            [1.624, -4.698, -1.624, -10.876],
            [-0.381, -6.706, -5.976, -12.641],
        ],
        [0.4374, 0.3977, 0.4428, 0.2733],
    ),
    "box": (
        [
            [-13.041, 6.373, -16.714, -17.89],
            [-11.229, 3.994, -13.822, -15.07],
            [-15.491, 8.707, -20.174, -21.435],
            [-16.723, 6.042, -21.077, -23.834],
        ],
        [0.9013, 0.8842, 0.9005, 0.894],
    ),
    "points, box and logits": (
        [
            [0.198, -8.873, 2.378, -11.945],
            [0.216, -8.476, 1.565, -10.81],
            [-0.276, -8.908, 3.425, -14.939],
            [-1.138, -11.776, 1.641, -16.41],
        ],
        [0.6579, 0.5995, 0.6534, 0.6346],
    ),
}


def cone() -> torch.Tensor:
    rows, columns = np.mgrid[0:128, 0:128]
    return torch.from_numpy(((20 - np.hypot(rows - 60, columns - 45)) / 4).astype(np.float32))


# points with labels, box, logits
PROMPTS = {
    "point": ([(95, 60, POSITIVE)], None, None),
    "box": ([(0, 0, PADDING)], (48, 108, 92, 152), None),
    "points, box and logits": ([(70, 130, NEGATIVE), (100, 80, POSITIVE)], (28, 38, 152, 202), cone()),
}


def prompt_tensors(points, box, logits) -> PromptTensors:
    values = torch.tensor([points], dtype=torch.float32)
    return PromptTensors(
        points=values[..., :2],
        labels=values[..., 2].long(),
        boxes=torch.tensor([box or (0, 0, 1, 1)], dtype=torch.float32),
        has_box=torch.tensor([box is not None]),
        logits=(torch.zeros(128, 128) if logits is None else logits)[None, None],
        has_logits=torch.tensor([logits is not None]),
    )


@pytest.fixture(scope="module")
def network() -> BuiltinNetwork:
    net = BuiltinNetwork()
    load_weights(net, read_checkpoint(WEIGHTS), WEIGHTS, "the built-in model")
    return net.eval()


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """An ellipse with a darker disc in it and a gentle ripple, 256 rows by 200 columns."""
    rows, columns = np.mgrid[0:256, 0:200]
    grey = np.full((256, 200), 40.0)
    grey[(columns - 90) ** 2 / 60**2 + (rows - 120) ** 2 / 80**2 < 1] = 170
    grey[(columns - 70) ** 2 + (rows - 130) ** 2 < 20**2] = 90
    grey = (grey + 10 * np.sin(rows / 7) + 8 * np.cos(columns / 11)).round()
    canvas = torch.zeros(1, 1, INPUT_SIDE, INPUT_SIDE)
    canvas[0, 0, :256, :200] = torch.from_numpy((grey - 127.5) / 64)
    return canvas


@torch.no_grad()
def answer(network: BuiltinNetwork, picture: torch.Tensor, prompts: PromptTensors) -> tuple[np.ndarray, np.ndarray]:
    projected = network.decoder.project(network.encoder(picture))
    logits, predicted_iou = network.decoder(projected, prompts)
    return logits[0].numpy(), predicted_iou[0].numpy()


@pytest.mark.parametrize("case", REFERENCE)
@pytest.mark.parametrize("folded", [False, True], ids=["as stored", "batch norm folded"])
def test_the_shipped_weights_give_the_answers_they_were_trained_to_give(network, picture, case, folded):
    net = fold_batch_norm(network) if folded else network
    logits, predicted_iou = answer(net, picture, prompt_tensors(*PROMPTS[case]))
    expected_logits, expected_iou = REFERENCE[case]
    # The reference features were rounded to float16.
    np.testing.assert_allclose(logits[:, SAMPLED[0], SAMPLED[1]], expected_logits, atol=0.03)
    np.testing.assert_allclose(predicted_iou, expected_iou, atol=1e-3)


def test_folding_batch_norm_changes_no_answer_and_not_the_original(network, picture):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded = fold_batch_norm(network)
    for case in PROMPTS.values():
        prompts = prompt_tensors(*case)
        np.testing.assert_allclose(
            answer(folded, picture, prompts)[0], answer(network, picture, prompts)[0], atol=5e-4, rtol=1e-4
        )
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@torch.no_grad()
@pytest.mark.parametrize("case", REFERENCE)
def test_prompts_that_are_drawn_once_are_answered_as_those_drawn_for_each_look(network, picture, case):
    points, box, _ = PROMPTS[case]
    first, second = prompt_tensors(points, box, None), prompt_tensors(points, box, cone())
    projected = network.decoder.project(network.encoder(picture))
    drawn = network.decoder.draw(projected, first)
    for prompts in (first, second):
        for shared, afresh in zip(
            network.decoder.look(projected, drawn, prompts), network.decoder(projected, prompts), strict=True
        ):
            torch.testing.assert_close(shared, afresh, rtol=0, atol=0)


def test_each_slice_of_a_batch_is_answered_with_its_own_prompts(network, picture):
    both = torch.cat([picture, picture.flip(3)])
    first, second = (prompt_tensors([(x, 60, POSITIVE)], None, None) for x in (95, 160))
    joined = PromptTensors(
        *(torch.cat([getattr(first, name), getattr(second, name)]) for name in PromptTensors.__dataclass_fields__)
    )
    with torch.no_grad():
        logits, _ = network.decoder(network.decoder.project(network.encoder(both)), joined)
    np.testing.assert_allclose(logits[0].numpy(), answer(network, both[:1], first)[0], atol=1e-3)
    np.testing.assert_allclose(logits[1].numpy(), answer(network, both[1:], second)[0], atol=1e-3)


def test_a_few_training_steps_from_random_weights_reach_every_parameter_and_lower_the_loss():
    torch.manual_seed(0)
    net = BuiltinNetwork().train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3)
    slices = torch.zeros(2, 1, 64, 64)
    slices[:, :, 16:48, 16:48] = 1
    target = torch.zeros(2, 4, 32, 32)
    target[:, :, 8:24, 8:24] = 1
    prompts = PromptTensors(
        points=torch.full((2, 1, 2), 32.0),
        labels=torch.tensor([[POSITIVE], [POSITIVE]]),
        boxes=torch.tensor([[16.0, 16, 47, 47]] * 2),
        has_box=torch.tensor([True, False]),
        logits=torch.ones(2, 1, 32, 32),
        has_logits=torch.tensor([False, True]),
    )
    losses = []
    for _ in range(8):
        logits, predicted_iou = net.decoder(net.decoder.project(net.encoder(slices)), prompts)
        loss = (
            torch.nn.functional.binary_cross_entropy_with_logits(logits, target) + (predicted_iou - 1).square().mean()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []
