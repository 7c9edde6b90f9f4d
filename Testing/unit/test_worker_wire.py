"""Prompts, answers and propagations as messages: what comes out is what went in, or it is refused."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from SAMSegmentLib.errors import EngineError, InputError, ModelUnavailableError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.models.interface import Candidates
from SAMSegmentLib.prompts import Box, MaskPrompt, Point, PromptSet
from SAMSegmentLib.propagation import PropagationRequest
from SAMSegmentLib.worker.channel import ChannelError
from SAMSegmentLib.worker.interface import Timings
from SAMSegmentLib.worker.messages import Answer, Failed, Packed, Propagate, SliceReached
from SAMSegmentLib.worker.requests import PropagationRun, WorkFuture
from SAMSegmentLib.worker.wire import (
    answer_message,
    candidates_of,
    error_of,
    failed_message,
    pack_bits,
    predict_message,
    prompts_of,
    propagate_message,
    propagation_of,
    unpack_bits,
    unpack_numbers,
)
from Testing.generated import volume_of

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(5, 7)).astype(np.float32)


def sent(message):
    """What the other side decodes."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message))


@pytest.mark.parametrize(
    "prompts",
    [
        PromptSet(Orientation.SAGITTAL, 4, (Point((1, 2, 3)), Point((4, 5, 6), positive=False))),
        PromptSet(Orientation.CORONAL, 0, (), (Box((1, 2, 3), (4, 5, 6)), Box((0, 0, 0), (0, 0, 0)))),
        PromptSet(Orientation.AXIAL, -1, (Point((-5, 10**9, 0)),)),  # outside: for the worker to refuse
    ],
)
def test_prompts_survive(prompts):
    assert prompts_of(sent(predict_message(1, prompts, None))) == prompts


def test_a_mask_prompt_survives_bit_by_bit_even_from_a_turned_array():
    prompts = PromptSet(Orientation.AXIAL, 2, mask=MaskPrompt(LOGITS.T[::-1]))
    again = prompts_of(sent(predict_message(1, prompts, "slot")))
    assert np.array_equal(again.mask.logits, LOGITS.T[::-1])
    assert again.mask.logits.dtype == np.float32


def test_numpy_integers_are_as_good_as_any():
    i, j, k = np.array([1, 2, 3])
    prompts = PromptSet(Orientation.AXIAL, k, (Point((i, j, k), np.True_),), (Box((i, j, k), (i, j, k)),))
    assert prompts_of(sent(predict_message(1, prompts, None))) == prompts
    request = PropagationRequest(Orientation.AXIAL, {k: np.ones((2, 2), bool)}, i, k, (j,))
    assert propagation_of(sent(propagate_message(1, request))).only == (2,)


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 7, 9), (1, 8, 8), (513,)])
def test_masks_survive_bit_by_bit(shape):
    mask = RANDOM.random(shape) < 0.5
    again = unpack_bits(sent(pack_bits(mask)))
    assert again.dtype == np.bool_
    assert np.array_equal(again, mask)


def test_a_propagation_survives():
    masks = {9: RANDOM.random((4, 5)) < 0.5, 3: np.zeros((4, 5), bool)}
    request = PropagationRequest(Orientation.CORONAL, masks, 1, 12, (4, 5))
    again = propagation_of(sent(propagate_message(1, request)))
    assert (again.orientation, again.first, again.last, again.only) == (Orientation.CORONAL, 1, 12, (4, 5))
    assert sorted(again.key_masks) == [3, 9]
    assert all(np.array_equal(again.key_masks[key], masks[key]) for key in masks)


@pytest.fixture
def candidates():
    scores = np.array([0.9, 0.5, 0.1], dtype=np.float32)
    return Candidates(RANDOM.random((3, 6, 7)) < 0.5, scores, scores / 2, np.stack([LOGITS] * 3), np.int64(1))


def test_an_answer_survives_bit_by_bit(candidates):
    message = sent(answer_message(1, candidates, Timings(1.5, 2.5)))
    again = candidates_of(message)
    for member in ("masks", "predicted_iou", "stability", "logits"):
        mine, theirs = getattr(candidates, member), getattr(again, member)
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs), member
    assert again.best == 1
    assert (message.encode_ms, message.decode_ms) == (1.5, 2.5)


def altered(message: Answer, **members: object) -> Answer:
    return msgspec.structs.replace(message, **members)


@pytest.mark.parametrize(
    "members",
    [
        {"best": 3},
        {"best": -1},
        {"stability": [0.5]},
        {"predicted_iou": []},
        {"masks": Packed((3, 6, 7), b"x")},
        {"masks": Packed((1 << 22, 1 << 22, 1 << 20), b"")},
        {"logits": Packed((3, 5, 7), b"x" * 10)},
        {"logits": Packed((1 << 22, 1 << 22, 1 << 20), b"")},  # the product is 2**64, which 64 bits take for 0
        {"masks": Packed((0, 6, 7), b"")},
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(candidates, members):
    with pytest.raises(ChannelError):
        candidates_of(altered(answer_message(1, candidates, Timings(0, 0)), **members))


def test_numbers_of_a_wrong_size_are_refused():
    with pytest.raises(ChannelError, match="another size"):
        unpack_numbers(Packed((2, 2), b"x" * 15))


@pytest.mark.parametrize("kind", [EngineError, InputError, ModelUnavailableError])
def test_errors_come_back_as_what_they_were(kind):
    again = error_of(sent(failed_message(3, kind("One sentence."))))
    assert type(again) is kind
    assert str(again) == "One sentence."


def test_an_unknown_kind_of_error_is_no_way_to_other_classes():
    assert type(error_of(Failed(1, "SystemExit", "bye"))) is EngineError


def test_negative_slice_numbers_in_a_propagation_are_refused():
    request = PropagationRequest(Orientation.AXIAL, {0: np.ones((2, 2), bool)}, 0, 3)
    bad = propagate_message(1, replace(request, first=-1))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(bad), type=Propagate)


@pytest.mark.parametrize(("index", "shape"), [(3, (4, 5)), (2, (5, 4))])
def test_a_propagated_slice_that_the_volume_does_not_have_is_a_fault_of_the_channel(index, shape):
    request = PropagationRequest(Orientation.AXIAL, {0: np.ones((4, 5), bool)}, 0, 2)
    reached = []
    run = PropagationRun(propagate_message(1, request), Orientation.AXIAL, reached.append, WorkFuture(lambda: None))
    message = SliceReached(1, 0, index, pack_bits(np.ones(shape, bool)), 0.9, 0.9, 0.9)
    with pytest.raises(ChannelError):
        run.take(message, volume_of(np.zeros((3, 4, 5), np.uint8)))
    assert reached == []
