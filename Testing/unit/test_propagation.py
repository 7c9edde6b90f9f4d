"""Masks carried from key slices: where they go, where they end, and what two sides make together."""

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest

from SAMSegmentLib.embeddings import EmbeddingCache
from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.models.interface import Candidates
from SAMSegmentLib.propagation import PropagationRequest, intervals, overlap, propagate, propagate_in_units
from SAMSegmentLib.propagation.intervals import Between, Run, plan
from SAMSegmentLib.worker.volumemodel import VolumeModel
from Testing.fakes import ThresholdModel
from Testing.generated import volume_of
from Testing.sessions import WINDOW

AXIAL = Orientation.AXIAL
FIRST, LAST = 6, 17  # axial slices that the tube is in
SLICES = 24


def tube() -> np.ndarray:
    """A leaning round tube with flat ends, bool [k, j, i]."""
    k, j, i = np.indices((SLICES, 48, 40))
    inside = (j - 20 - 0.5 * (k - 12)) ** 2 + (i - 18) ** 2 <= 81
    return inside & (k >= FIRST) & (k <= LAST)


def source_of(body: np.ndarray, model=None) -> VolumeModel:
    noise = np.random.default_rng(3).integers(-20, 20, body.shape)
    volume = volume_of((np.where(body, 200, 60) + noise).astype(np.int16))
    return VolumeModel(model or ThresholdModel(), volume, WINDOW, EmbeddingCache(1 << 26))


def mask_of(body: np.ndarray, source: VolumeModel, index: int) -> np.ndarray:
    return slice_plane(source.volume, AXIAL, index).extract(body)


def request_of(body: np.ndarray, source: VolumeModel, *keys: int, **members) -> PropagationRequest:
    masks = {key: mask_of(body, source, key) for key in keys}
    return PropagationRequest(AXIAL, masks, **{"first": 0, "last": SLICES - 1, **members})


def newest(slices) -> dict[int, np.ndarray]:
    return {reached.plane.index: reached.mask for reached in slices}


@pytest.fixture
def body():
    return tube()


@pytest.fixture
def source(body):
    return source_of(body)


def test_a_tube_is_followed_to_its_ends_and_no_further(body, source):
    reached = newest(propagate(source, request_of(body, source, 12)))
    assert sorted(reached) == [index for index in range(FIRST, LAST + 1) if index != 12]
    assert all(overlap(mask, mask_of(body, source, index)) > 0.9 for index, mask in reached.items())


def test_between_two_key_slices_every_slice_is_reached_and_there_is_no_seam(body, source):
    reached = newest(propagate(source, request_of(body, source, 8, 15)))
    assert set(range(9, 15)) <= set(reached)
    assert not {8, 15} & set(reached)
    assert min(overlap(mask, mask_of(body, source, index)) for index, mask in reached.items()) > 0.9


class _Echo(ThresholdModel):
    """Agrees with every mask prompt, so that what is carried from the key slices alone decides."""

    def decode(self, embedding, prompt_sets):
        rows, columns = embedding.arrays["pixels"].shape
        answers = super().decode(embedding, prompt_sets)
        return [
            answer
            if prompts.logits is None
            else replace(answer, masks=prompts.logits[None, :rows, :columns] > 0, logits=prompts.logits[None])
            for answer, prompts in zip(answers, prompt_sets, strict=True)
        ]


def test_between_key_slices_the_nearer_one_counts_more():
    flat = source_of(np.zeros((SLICES, 48, 40), dtype=bool), _Echo())
    small, large = (np.hypot(*(np.indices((48, 40)) - 20)) <= radius for radius in (6, 9))
    reached = newest(propagate(flat, PropagationRequest(AXIAL, {4: small, 20: large}, 4, 20)))
    areas = [np.count_nonzero(reached[index]) for index in range(5, 20)]
    assert all(later >= 0.95 * earlier for earlier, later in pairwise(areas))
    assert areas[0] <= 1.2 * small.sum()
    assert areas[-1] >= 0.8 * large.sum()


def test_the_same_request_gives_the_same_bits(body, source):
    request = request_of(body, source, 8, 15, smooth=True)
    first, again = list(propagate(source, request)), list(propagate(source_of(body), request))
    assert [item.plane.index for item in first] == [item.plane.index for item in again]
    assert all(np.array_equal(one.mask, other.mask) for one, other in zip(first, again, strict=True))
    assert [item.confidence for item in first] == [item.confidence for item in again]


def test_an_interval_alone_is_what_it_is_among_all(body, source):
    request = request_of(body, source, 8, 12, 15)
    everything = newest(propagate(source, request))
    parts = {}
    for interval in intervals(request.key_masks):
        part = newest(propagate(source, replace(request, intervals=(interval,))))
        assert not set(part) & set(parts)
        parts |= part
    assert sorted(parts) == sorted(everything)
    assert all(np.array_equal(mask, everything[index]) for index, mask in parts.items())


def test_done_again_after_a_cancel_it_hands_over_as_many_slices(body, source):
    request = request_of(body, source, 8, 15)
    wanted = list(islice(propagate(source, request), 9))
    again = list(propagate(source, replace(request, only=tuple(item.plane.index for item in wanted))))
    assert [item.plane.index for item in again] == [item.plane.index for item in wanted]
    assert all(np.array_equal(one.mask, other.mask) for one, other in zip(again, wanted, strict=True))


def test_a_model_that_was_trained_for_boxes_alone_is_given_boxes_alone(body):
    model = ThresholdModel()
    model.name = "medsam_vit_b"
    source = source_of(body, model)
    reached = newest(propagate(source, request_of(body, source, 12)))
    assert set(range(FIRST, LAST)) - {12} <= set(reached)
    assert all(prompts.logits is None and prompts.box is not None for prompts in model.decoded)


def test_an_empty_key_slice_says_that_the_segment_ends_before_it(body, source):
    request = request_of(body, source, 15)
    ended = replace(request, key_masks={**request.key_masks, 3: np.zeros((48, 40), dtype=bool)})
    for smooth in (False, True):
        reached = newest(propagate(source, replace(ended, smooth=smooth)))
        assert sorted(reached) == [index for index in range(FIRST, LAST + 1) if index != 15]


def test_a_structure_at_the_border_of_the_image_keeps_its_outermost_pixels():
    body = np.zeros((SLICES, 48, 40), dtype=bool)
    body[4:20, :18, 12:30] = True
    source = source_of(body)
    reached = newest(propagate(source, request_of(body, source, 12, first=6, last=18)))
    assert sorted(reached) == [6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18]
    assert min(overlap(mask, mask_of(body, source, index)) for index, mask in reached.items()) > 0.95


def test_key_slices_out_of_the_range_are_not_started_from(body, source):
    request = request_of(body, source, 8, 15, first=11, last=13)
    assert list(propagate(source, request)) == []


def test_two_sides_that_see_it_in_different_places_leave_no_gap():
    flat = source_of(np.zeros((SLICES, 48, 40), dtype=bool), _Echo())
    one, other = (np.hypot(*(np.indices((48, 40)) - place)) <= 6 for place in (10, 30))
    reached = newest(propagate(flat, PropagationRequest(AXIAL, {4: one, 20: other}, 4, 20)))
    assert all(mask.any() for mask in reached.values())


def test_a_long_way_of_no_agreement_is_no_error():
    body = np.ones((600, 12, 12), dtype=bool)
    source = source_of(body, _Silent())
    key = np.zeros((12, 12), dtype=bool)
    key[2:10, 2:10] = True
    reached = list(propagate(source, PropagationRequest(AXIAL, {1: key, 598: key}, 0, 599)))
    assert all(0 <= item.confidence <= 1 for item in reached)


class _Silent(ThresholdModel):
    """Never agrees, and never says no."""

    def decode(self, embedding, prompt_sets):
        answers = super().decode(embedding, prompt_sets)
        return [replace(item, masks=np.zeros_like(item.masks), logits=np.zeros_like(item.logits)) for item in answers]


def test_an_empty_key_slice_reaches_nothing(source):
    empty = np.zeros((48, 40), dtype=bool)
    assert list(propagate(source, PropagationRequest(AXIAL, {12: empty}, 0, SLICES - 1))) == []


class _Uneven(ThresholdModel):
    """Sees every other axial slice too small, as a model may that looks at one slice at a time."""

    def decode(self, embedding, prompt_sets):
        answers = super().decode(embedding, prompt_sets)
        pixels = embedding.arrays["pixels"]
        if pixels.shape != (48, 40) or pixels.sum() % 2:
            return answers
        return [_eroded(answer) for answer in answers]


def _eroded(answer: Candidates) -> Candidates:
    from scipy import ndimage

    masks = np.stack([ndimage.binary_erosion(mask, iterations=3) for mask in answer.masks])
    logits = np.where(np.stack([ndimage.binary_erosion(item > 0, iterations=3) for item in answer.logits]), 4.0, -4.0)
    return replace(answer, masks=masks, logits=logits.astype(np.float32))


def test_the_second_pass_smooths_what_one_side_alone_sees_unevenly(body):
    source = source_of(body, _Uneven())
    request = request_of(body, source, 12)

    def error(smooth: bool) -> int:
        reached = newest(propagate(source, replace(request, smooth=smooth)))
        return sum(np.count_nonzero(mask ^ mask_of(body, source, index)) for index, mask in reached.items())

    assert error(smooth=True) < 0.7 * error(smooth=False)


def test_the_second_pass_adds_no_slice_and_leaves_key_slices_alone(body):
    source = source_of(body, _Uneven())
    request = request_of(body, source, 9, 12)
    first, smoothed = (newest(propagate(source, replace(request, smooth=smooth))) for smooth in (False, True))
    assert set(smoothed) == set(first)


def test_no_unit_of_work_is_longer_than_an_answer(body):
    model = ThresholdModel()
    source = source_of(body, model)
    asked = 0
    for _ in propagate_in_units(source, request_of(body, source, 12, smooth=True)):
        assert len(model.decoded) - asked <= 1
        asked = len(model.decoded)


def ends(work: list[Run | Between]) -> list[tuple[int, ...]]:
    return [tuple(item.indices) for item in work]


@pytest.mark.parametrize(
    ("keys", "members", "expected"),
    [
        ((5,), {}, [(4, 3, 2), (6, 7, 8, 9)]),
        ((5,), {"stops": (3, 8)}, [(4,), (6, 7)]),
        ((5,), {"farthest_mm": 2.0}, [(4, 3), (6, 7)]),
        ((4, 7), {}, [(3, 2), (5, 6), (8, 9)]),
        ((4, 7), {"intervals": ((4, 7),)}, [(5, 6)]),
        ((3, 8), {"stops": (6,)}, [(2,), (4, 5), (7,), (9,)]),
        ((3, 8), {"farthest_mm": 1.0}, [(2,), (4,), (7,), (9,)]),
        ((2, 9), {}, [(), (3, 4, 5, 6, 7, 8), ()]),
    ],
)
def test_which_slices_are_reached_from_where(source, keys, members, expected):
    masks = {key: np.ones((48, 40), dtype=bool) for key in keys}
    assert ends(plan(source.volume, PropagationRequest(AXIAL, masks, 2, 9, **members))) == expected


def test_distance_counts_in_mm_not_in_slices(body):
    source = source_of(body)
    thick = volume_of(source.volume.array, np.diag([1.0, 1.0, 4.0, 1.0]))
    masks = {5: np.ones((48, 40), dtype=bool)}
    assert ends(plan(thick, PropagationRequest(AXIAL, masks, 0, 20, farthest_mm=9.0))) == [(4, 3), (6, 7)]
