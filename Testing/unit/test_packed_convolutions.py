"""Packed convolutions answer as plain ones do, and leave what they are given alone."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import SAMSegmentLib.models.builtin as builtin
from SAMSegmentLib.models import builtin_model
from SAMSegmentLib.models.builtin import (
    BuiltinNetwork,
    ProjectedFeatures,
    PromptDecoder,
    SliceFeatures,
    fold_batch_norm,
)
from SAMSegmentLib.models.builtin_features import POSITIVE, PromptTensors
from SAMSegmentLib.models.checkpoint import load_weights, read_checkpoint
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.models.packed_convolutions import can_pack, pack_convolutions
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage

CPU = torch.device("cpu")

OPERATOR = getattr(torch.ops.mkldnn, "_convolution_pointwise", None)

needs_packing = pytest.mark.skipif(
    not can_pack(CPU, torch.bfloat16), reason="this processor or this PyTorch has no packed bfloat16 convolutions"
)


@pytest.mark.parametrize(("device", "number_type"), [("cpu", torch.float32), ("cuda", torch.bfloat16)])
def test_nothing_is_packed_where_it_is_not_known_to_be_faster(device, number_type):
    assert not can_pack(torch.device(device), number_type)


def _other_arguments(x, weight):
    raise AssertionError("not reached: these are not the arguments that it is called with")


def _refuses(*_arguments):
    # The type that torch's dispatcher raises where a build has the operator's name and no kernel for this device.
    raise NotImplementedError("Could not run 'mkldnn::_convolution_pointwise'")


def _forgets_to_rectify(x, weight, bias, padding, stride, dilation, groups, activation, *rest):
    return OPERATOR(x, weight, bias, padding, stride, dilation, groups, "none", *rest)


@needs_packing
@pytest.mark.parametrize("operator", [_other_arguments, _refuses, _forgets_to_rectify])
def test_a_model_answers_without_packing_where_the_operators_of_torch_are_others(monkeypatch, operator):
    def logits() -> np.ndarray:
        model = load_model("builtin", device="cpu", precision="bfloat16")
        [embedding] = model.encode([SliceImage(np.full((40, 40), 90, np.uint8))])
        return model.decode(embedding, [SlicePrompts(box=(10, 10, 30, 30))])[0].logits

    with monkeypatch.context() as patch:
        patch.setattr(builtin_model, "can_pack", lambda *_: False)
        expected = logits()
    assert not np.array_equal(logits(), expected), "packing makes no difference"
    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise", operator)
    np.testing.assert_array_equal(logits(), expected)


@needs_packing
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(16, 24, 1),
        nn.Conv2d(16, 24, 3, 2, 1, bias=False),
        nn.Conv2d(16, 24, 3, padding=2, dilation=2),
        nn.Conv2d(16, 4, 3, padding=1),
        nn.Conv2d(16, 4, 3, padding=1, bias=False),
    ],
    ids=["1x1", "every second pixel", "dilated", "few outputs", "few outputs without bias"],
)
@torch.inference_mode()
def test_each_kind_of_convolution_answers_as_it_did(layer):
    plain = nn.Sequential(layer).bfloat16()
    packed = copy.deepcopy(plain)
    pack_convolutions(packed)
    assert type(packed[0]) is not nn.Conv2d
    x = torch.randn(2, 16, 12, 20, generator=torch.Generator().manual_seed(3)).bfloat16()
    x = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(packed(x), plain(x), rtol=0.01, atol=0.01)


@pytest.fixture(scope="module")
def decoder() -> PromptDecoder:
    """The shipped decoder in bfloat16, without packing."""
    network = BuiltinNetwork()
    weights = Path(builtin.__file__).parent / "data" / "builtin.safetensors"
    load_weights(network, read_checkpoint(weights), weights, "the built-in model")
    folded = fold_batch_norm(network.eval()).decoder
    folded.convolve_in(torch.bfloat16)
    return folded.to(memory_format=torch.channels_last).requires_grad_(False)


@pytest.fixture(scope="module")
def packed(decoder: PromptDecoder) -> PromptDecoder:
    ours = copy.deepcopy(decoder)
    pack_convolutions(ours)
    return ours


@pytest.fixture(scope="module")
def projected(decoder: PromptDecoder) -> ProjectedFeatures:
    """Smooth random features: only that both decoders see the same matters."""
    rng = torch.Generator().manual_seed(3)
    coarse = (torch.randn(1, channels, 16, 16, generator=rng) for channels in (112, 48, 8))
    features = (
        torch.nn.functional.interpolate(values, size=(side, side), mode="bilinear").bfloat16()
        for values, side in zip(coarse, (32, 64, 128), strict=True)
    )
    return decoder.project(SliceFeatures(*features))


@pytest.fixture
def prompts() -> PromptTensors:
    rows, columns = np.indices((128, 128))
    return PromptTensors(
        points=torch.tensor([[[100.0, 120.0]]]),
        labels=torch.tensor([[POSITIVE]]),
        boxes=torch.tensor([[60.0, 70.0, 150.0, 180.0]]),
        has_box=torch.tensor([True]),
        logits=torch.from_numpy((25 - np.hypot(rows - 60, columns - 50)) / 4).float()[None, None],
        has_logits=torch.tensor([True]),
    )


@needs_packing
def test_answers_differ_by_rounding_alone(decoder, packed, projected, prompts):
    (expected, expected_iou), (logits, predicted_iou) = (net(projected, prompts) for net in (decoder, packed))
    assert not torch.equal(logits, expected), "nothing was packed"
    error = torch.linalg.vector_norm(logits - expected) / torch.linalg.vector_norm(expected)
    assert error < 0.01
    torch.testing.assert_close(predicted_iou, expected_iou, atol=0.01, rtol=0)


@needs_packing
def test_the_same_question_has_the_same_bits_again_and_changes_nothing_that_is_kept(packed, projected, prompts):
    drawn = packed.draw(projected, prompts)
    before = [part.clone() for part in (*projected, *drawn)]
    first, second = (packed.look(projected, drawn, prompts) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(before, (*projected, *drawn), strict=True))
