"""The built-in model goes on from its own answers, and the answer is a matter of the prompts alone."""

from dataclasses import replace

import numpy as np
import pytest

from SAMSegmentLib.models.interface import Candidates, PromptableModel
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage

CLICKS = [(60, 90, True), (110, 100, False), (75, 60, True), (140, 40, False), (50, 120, True)]
BOX = (35.0, 45.0, 105.0, 135.0)


def prompts(clicks: list[tuple[int, int, bool]], box: tuple[float, float, float, float] | None = None) -> SlicePrompts:
    places = np.array([click[:2] for click in clicks], dtype=np.float64).reshape(-1, 2)
    return SlicePrompts(places, np.array([click[2] for click in clicks], dtype=bool), box)


@pytest.fixture(scope="module")
def model() -> PromptableModel:
    return load_model("builtin", device="cpu")


@pytest.fixture(scope="module")
def image() -> SliceImage:
    """Two touching ellipses of similar grey in noise: clicks matter."""
    rows, columns = np.indices((180, 160))
    grey = np.random.default_rng(1).normal(60, 12, (180, 160))
    grey[((columns - 65) / 35) ** 2 + ((rows - 90) / 45) ** 2 < 1] += 70
    grey[((columns - 118) / 25) ** 2 + ((rows - 95) / 35) ** 2 < 1] += 60
    return SliceImage(grey.clip(0, 255).astype(np.uint8))


def assert_same(one: Candidates, other: Candidates) -> None:
    np.testing.assert_array_equal(one.logits, other.logits)
    np.testing.assert_array_equal(one.masks, other.masks)
    np.testing.assert_array_equal(one.predicted_iou, other.predicted_iou)


@pytest.mark.parametrize("box", [None, BOX], ids=["clicks", "box and clicks"])
def test_clicks_given_one_by_one_end_with_the_bits_of_all_at_once(model, image, box):
    (at_work,), (afresh,) = model.encode([image]), model.encode([image])
    for count in range(1, len(CLICKS) + 1):
        (live,) = model.decode(at_work, [prompts(CLICKS[:count], box)])
        # Somebody else asks in between, and a click is taken back and given again.
        model.decode(at_work, [prompts([*CLICKS[: count - 1], (20, 20, False)], box)])
    (replayed,) = model.decode(afresh, [prompts(CLICKS, box)])
    assert_same(live, replayed)


def test_more_clicks_than_are_remembered_change_nothing(model, image):
    many = [(40 + 7 * (number % 9), 60 + number, number % 3 != 1) for number in range(70)]
    (at_work,), (afresh,) = model.encode([image]), model.encode([image])
    model.decode(at_work, [prompts(many[:69])])
    assert_same(*model.decode(at_work, [prompts(many)]), *model.decode(afresh, [prompts(many)]))


def test_a_click_corrects_the_answer_to_those_before_it(model, image):
    (embedding,) = model.encode([image])
    (first,) = model.decode(embedding, [prompts(CLICKS[:1])])
    (told,) = model.decode(embedding, [replace(prompts(CLICKS[:2]), logits=first.logits[first.best])])
    (known,) = model.decode(embedding, [prompts(CLICKS[:2])])
    assert_same(told, known)


def test_a_box_is_looked_at_twice(model, image):
    (embedding,) = model.encode([image])
    (answer,) = model.decode(embedding, [prompts([], BOX)])
    blank = np.zeros_like(answer.logits[0])
    (once,) = model.decode(embedding, [replace(prompts([], BOX), logits=blank)])
    assert not np.array_equal(answer.logits, once.logits)


@pytest.mark.parametrize("clicks", [[], CLICKS[:1]], ids=["box", "box and click"])
def test_the_second_look_at_a_box_is_the_answer_to_the_box_and_the_first_answer(model, image, monkeypatch, clicks):
    (embedding,), (afresh,) = model.encode([image]), model.encode([image])
    (twice,) = model.decode(embedding, [prompts(clicks, BOX)])
    monkeypatch.setattr("SAMSegmentLib.models.builtin_slice._SURE", 1.1)
    (once,) = model.decode(afresh, [prompts(clicks, BOX)])
    (told,) = model.decode(afresh, [replace(prompts(clicks, BOX), logits=once.logits[once.best])])
    assert_same(twice, told)
    assert not np.array_equal(twice.logits, once.logits)


def test_negative_clicks_before_the_first_positive_one_are_answered_with_it(model, image):
    (embedding,) = model.encode([image])
    clicks = [CLICKS[1], CLICKS[3], CLICKS[0]]
    (answer,) = model.decode(embedding, [prompts(clicks)])
    mask = answer.masks[answer.best]
    assert mask[90, 60]
    assert not mask[100, 110]


def test_bfloat16_answers_as_float32_does(image):
    answers = []
    for precision in ("float32", "bfloat16"):
        model = load_model("builtin", device="cpu", precision=precision)
        (embedding,) = model.encode([image])
        answers.append(model.decode(embedding, [prompts([], BOX), prompts(CLICKS)]))
    for single, half in zip(*answers, strict=True):
        one, other = single.masks[single.best], half.masks[half.best]
        assert 2 * np.count_nonzero(one & other) / (one.sum() + other.sum()) > 0.97
        assert half.logits.dtype == np.float32
        np.testing.assert_allclose(single.predicted_iou[0], half.predicted_iou[0], atol=0.03)
