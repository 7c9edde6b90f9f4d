"""Encoding in steps gives what encoding at once gives, whatever the same model computes between two steps."""

import numpy as np
import pytest
import torch

from SAMSegmentLib.models.fast_encoder import faster_encoder
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.models.steps import each_within, run_to_end
from SAMSegmentLib.models.tinyvit import TinyViT
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage
from Testing.steps import meanwhile
from Testing.unit.test_fast_encoder import pictures, stock_encoder

CPU = torch.device("cpu")

ENCODERS = {
    "SAM float32": lambda: faster_encoder(stock_encoder(), CPU, torch.float32),
    "SAM bfloat16": lambda: faster_encoder(stock_encoder(), CPU, torch.bfloat16),
    "TinyViT float32": lambda: faster_encoder(_tinyvit(), CPU, torch.float32),
    "TinyViT bfloat16": lambda: faster_encoder(_tinyvit(), CPU, torch.bfloat16),
}


def _tinyvit() -> TinyViT:
    torch.manual_seed(3)
    return TinyViT().eval().fold()


@pytest.fixture
def one_thread():
    """Sums in the same order each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", ENCODERS)
@torch.inference_mode()
def test_another_picture_between_two_steps_changes_neither(name):
    encoder = ENCODERS[name]()
    first, second = pictures(2, 128).split(1)
    expected, expected_between = encoder(first), encoder(second)
    between = []
    result, times = meanwhile(encoder.in_steps(first), lambda: between.append(encoder(second)))
    assert times >= 4
    assert torch.equal(result, expected)
    assert all(torch.equal(other, expected_between) for other in between)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def builtin(request):
    return load_model("builtin", device="cpu", precision=request.param)


@pytest.mark.usefixtures("one_thread")
def test_an_answer_between_two_steps_changes_neither_embedding_nor_masks(builtin):
    noise = np.random.default_rng(0).integers(0, 255, (2, 60, 80), dtype=np.uint8)
    here, elsewhere = SliceImage(noise[0]), SliceImage(noise[1])
    prompts = [SlicePrompts(np.array([[30.0, 20.0]]), np.array([True]))]

    def answer():
        (embedding,) = builtin.encode([elsewhere])
        return builtin.decode(embedding, prompts)[0]

    (expected,), expected_answer = builtin.encode([here]), answer()
    answers = []
    (embedding,), times = meanwhile(builtin.encode_in_steps([here]), lambda: answers.append(answer()))
    assert times >= 4
    assert all(np.array_equal(embedding.arrays[name], values) for name, values in expected.arrays.items())
    for given in answers:
        assert np.array_equal(given.logits, expected_answer.logits)
        assert np.array_equal(given.masks, expected_answer.masks)


@torch.inference_mode()
def test_precision_does_not_reach_what_is_computed_between_two_steps():
    encoder = faster_encoder(_tinyvit(), CPU, torch.bfloat16)
    seen = []
    meanwhile(encoder.in_steps(pictures(1, 128)), lambda: seen.append(torch.is_autocast_enabled("cpu")))
    assert set(seen) == {False}


def test_inference_mode_does_not_reach_what_is_computed_between_two_steps(builtin):
    seen = []
    image = SliceImage(np.zeros((20, 20), np.uint8))
    meanwhile(builtin.encode_in_steps([image]), lambda: seen.append(torch.is_inference_mode_enabled()))
    assert set(seen) == {False}


def test_an_error_in_a_step_is_an_error_of_all_of_them():
    def failing():
        yield
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        run_to_end(each_within(torch.no_grad, failing()))
