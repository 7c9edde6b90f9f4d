"""The cache of embeddings in memory and over a folder: what is found, what is not, and what has to go."""

from dataclasses import fields, replace

import numpy as np
import pytest

from SAMSegmentLib.embeddings import EmbeddingCache, EmbeddingKey, window_key
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.prompts import Box, PromptSet
from SAMSegmentLib.volume import Window
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.embeddings import KEY, assert_equal, embedding_of, files_in, key_of, store_at
from Testing.fakes import ThresholdModel
from Testing.generated import volume_of
from Testing.sessions import WINDOW

SIZE = sum(array.nbytes for array in embedding_of(0).arrays.values())


@pytest.mark.parametrize("name", [field.name for field in fields(EmbeddingKey)])
def test_a_key_that_differs_in_one_member_finds_nothing(tmp_path, name):
    cache = EmbeddingCache(1 << 20, store_at(tmp_path))
    cache.put(KEY, embedding_of(0))
    other = replace(KEY, **{name: 1 if name == "index" else f"{getattr(KEY, name)}0"})
    assert not cache.holds(other)
    assert cache.get(other) is None
    assert EmbeddingCache(1 << 20, store_at(tmp_path)).get(other) is None


def test_members_of_a_key_do_not_run_into_each_other():
    first = replace(KEY, model="a", weights_sha256="bc")
    assert first.digest != replace(KEY, model="ab", weights_sha256="c").digest


def test_windows_that_differ_in_the_last_bit_or_in_direction_are_different_keys():
    windows = [(40, 400), (np.nextafter(40, 41), 400), (40, np.nextafter(400, 401)), (400, 40), (-40, 400)]
    texts = {window_key(Window(*window), inverted) for window in windows for inverted in (False, True)}
    assert len(texts) == 10
    assert window_key(Window(40, 400), False) == window_key(Window(np.float32(40), 400.0), False)


def test_what_was_put_in_is_found_in_memory_and_by_another_cache_on_disk(tmp_path):
    cache, other = (EmbeddingCache(1 << 20, store_at(tmp_path)) for _ in range(2))
    cache.put(KEY, embedding_of(3))
    assert cache.holds(KEY)
    assert other.holds(KEY)
    for _ in range(2):
        assert_equal(cache.get(KEY), embedding_of(3))
        assert_equal(other.get(KEY), embedding_of(3))
    assert (cache.counts.memory_hits, cache.counts.disk_hits) == (2, 0)
    assert (other.counts.memory_hits, other.counts.disk_hits) == (1, 1)
    assert other.get(key_of(1)) is None
    assert other.counts.misses == 1


def test_memory_stays_within_its_budget_and_the_longest_unused_leaves_first():
    cache = EmbeddingCache(3 * SIZE + SIZE // 2)
    for index in range(3):
        cache.put(key_of(index), embedding_of(index))
    cache.put(key_of(2), embedding_of(2))  # again: no second copy
    assert cache.memory_used == 3 * SIZE
    cache.get(key_of(0))
    cache.put(key_of(3), embedding_of(3))
    assert cache.memory_used == 3 * SIZE
    assert [cache.holds(key_of(index)) for index in range(4)] == [True, False, True, True]


def test_an_embedding_larger_than_memory_is_still_kept_on_disk(tmp_path):
    cache = EmbeddingCache(SIZE - 1, store_at(tmp_path))
    cache.put(KEY, embedding_of(0))
    assert cache.memory_used == 0
    assert_equal(cache.get(KEY), embedding_of(0))


def test_clearing_forgets_memory_and_leaves_the_disk(tmp_path):
    cache = EmbeddingCache(1 << 20, store_at(tmp_path))
    cache.put(KEY, embedding_of(0))
    cache.clear()
    assert cache.memory_used == 0
    assert_equal(cache.get(KEY), embedding_of(0))
    assert cache.counts.disk_hits == 1


def test_arrays_from_disk_are_writable_and_aligned_as_torch_wants_them(tmp_path):
    store_at(tmp_path).write(KEY, embedding_of(0))
    found = store_at(tmp_path).read(KEY)
    assert all(array.flags.writeable and array.flags.aligned for array in found.arrays.values())


# --- the engine


def boxed(orientation, index, first, last):
    return PromptSet(orientation, index, boxes=(Box(first, last),))


PROMPTS = boxed(Orientation.AXIAL, 1, (1, 1, 1), (6, 6, 1))
BRIGHT = np.full((3, 8, 8), 200, dtype=np.uint8)


def answer(model, volume, folder, window=WINDOW, prompts=PROMPTS):
    engine = InProcessEngine(model, volume, window, EmbeddingCache(1 << 20, store_at(folder)))
    return engine.predict(prompts).result()


def test_a_second_engine_encodes_nothing_and_answers_the_same(tmp_path):
    model, again = ThresholdModel(), ThresholdModel()
    first = answer(model, volume_of(BRIGHT), tmp_path)
    second = answer(again, volume_of(BRIGHT.astype(np.float32)), tmp_path)  # equal values, other type
    assert (len(model.encoded), len(again.encoded)) == (1, 0)
    assert second.timings.encode_ms == 0 < first.timings.encode_ms
    assert np.array_equal(second.candidates.masks, first.candidates.masks)


def test_changed_voxels_window_direction_spacing_model_or_slice_are_encoded_anew(tmp_path):
    base = volume_of(BRIGHT)
    answer(ThresholdModel(), base, tmp_path)
    changed = BRIGHT.copy()
    changed[0, 0, 0] = 0  # in another slice than the prompted one: still another image
    finetuned, halved = ThresholdModel(), ThresholdModel()
    finetuned.weights_sha256 = "1" * 64
    halved.precision = "bfloat16"
    cases = {
        "voxels": (ThresholdModel(), volume_of(changed), {}),
        "spacing": (ThresholdModel(), volume_of(BRIGHT, np.diag([1, 2, 1, 1.0])), {}),
        "inverted": (ThresholdModel(), volume_of(BRIGHT, inverted=True), {}),
        "window": (ThresholdModel(), base, {"window": Window(127.5, 254)}),
        "weights": (finetuned, base, {}),
        "precision": (halved, base, {}),
        "index": (ThresholdModel(), base, {"prompts": boxed(Orientation.AXIAL, 0, (1, 1, 0), (6, 6, 0))}),
        "orientation": (ThresholdModel(), base, {"prompts": boxed(Orientation.SAGITTAL, 1, (1, 1, 0), (1, 6, 2))}),
    }
    for name, (model, volume, options) in cases.items():
        answer(model, volume, tmp_path, **options)
        assert len(model.encoded) == 1, name
    assert len(files_in(tmp_path)) == 1 + len(cases)
