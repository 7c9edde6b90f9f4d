"""Propagation of objects whose ends are known, with the built-in model and one box in one slice."""

from dataclasses import dataclass

import numpy as np
import pytest

from SAMSegmentLib.embeddings import EmbeddingCache
from SAMSegmentLib.evaluation.metrics import Overlap, overlap
from SAMSegmentLib.evaluation.propagation import end_errors
from SAMSegmentLib.evaluation.protocol import tight_box
from SAMSegmentLib.geometry import slice_plane
from SAMSegmentLib.intensity import resolve_window
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.propagation import PropagationRequest, propagate
from SAMSegmentLib.worker.volumemodel import VolumeModel
from Testing.phantoms import ISOTROPIC, PHANTOMS, THICK_SLICES, Phantom

CASES = {
    f"{build.__name__}-{spacing[2]:g}mm": (build, spacing)
    for build in PHANTOMS
    for spacing in (ISOTROPIC, THICK_SLICES)
}


@dataclass(frozen=True, eq=False)
class Result:
    phantom: Phantom
    mask: np.ndarray
    counts: Overlap
    overshoot: float
    undershoot: float


@pytest.fixture(scope="module")
def results():
    """Every phantom propagated once, by the names in CASES."""
    model = load_model("builtin", device="cpu")
    return {name: propagated(model, build(spacing)) for name, (build, spacing) in CASES.items()}


def propagated(model, phantom):
    source = VolumeModel(model, phantom.volume, resolve_window(phantom.volume), EmbeddingCache(1 << 28))
    plane = slice_plane(phantom.volume, phantom.orientation, phantom.key)
    (answer,) = source.decode(plane, [SlicePrompts(box=tight_box(plane.extract(phantom.mask)))])
    mask = np.zeros_like(phantom.mask)
    key_mask = answer.masks[answer.best]
    request = PropagationRequest(phantom.orientation, {phantom.key: key_mask}, 0, len(mask) - 1)
    for reached in propagate(source, request):
        reached.plane.extract(mask)[...] = reached.mask
    plane.extract(mask)[...] = key_mask
    ends = end_errors(np.flatnonzero(mask.any(axis=(1, 2))), phantom.extent)
    return Result(phantom, mask, overlap(mask, phantom.mask), *ends)


@pytest.mark.parametrize("name", CASES)
def test_an_object_is_found_whole(results, name):
    assert results[name].counts.dice >= 0.85


def test_ends_are_found_within_a_slice_on_average(results):
    assert np.mean([result.overshoot for result in results.values()]) <= 1
    assert np.mean([result.undershoot for result in results.values()]) <= 1


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("balls")])
def test_a_touching_ball_stays_out(results, name):
    mask, neighbour = results[name].mask, results[name].phantom.neighbour
    assert (mask & neighbour).sum() <= 0.02 * neighbour.sum()
