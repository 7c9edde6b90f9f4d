"""Propagated structures against their references, with ways to propagate whose result is known."""

import nibabel
import numpy as np
import pytest

from SAMSegmentLib.embeddings import EmbeddingCache
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.evaluation.cases import Case, find_cases
from SAMSegmentLib.evaluation.labels import ReferenceLabels, Structure
from SAMSegmentLib.evaluation.metrics import Overlap
from SAMSegmentLib.evaluation.modes import PROPAGATION_MODES, find_modes, find_propagation_modes
from SAMSegmentLib.evaluation.propagation import (
    PropagationSettings,
    StructurePropagation,
    end_errors,
    plan_structures,
)
from SAMSegmentLib.evaluation.propagation_summary import summarise_propagation, worst_found
from SAMSegmentLib.evaluation.propagation_tables import propagation_json, propagation_rows
from SAMSegmentLib.evaluation.records import PropagationRecord, SliceScore
from SAMSegmentLib.evaluation.structures import find_structures
from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.propagation import PropagatedSlice
from SAMSegmentLib.volume import Window
from SAMSegmentLib.worker.volumemodel import VolumeModel
from Testing.fakes import ThresholdModel
from Testing.generated import affine_for, ball, volume_of

ONE_KEY, THREE_KEYS = PROPAGATION_MODES
SPACING = (1.0, 1.0, 5.0)


class Setting:
    """A bright ball in thick slices, its reference, and a model that finds it in every slice."""

    def __init__(self, orientation=Orientation.AXIAL, affine=None):
        self.mask = ball((14, 48, 40), (20, 22, 7), 16, (1, 1, 3))
        image = volume_of(self.mask * np.uint8(200), np.diag([*SPACING, 1.0]) if affine is None else affine)
        reference = ReferenceLabels(self.mask[None].astype(np.int32), (Structure("ball", 1),))
        case = Case("case", image, reference)
        (self.target,) = find_structures(case, orientation)
        self.orientation = orientation
        self.propagation = StructurePropagation(case, self.target, orientation)
        self.source = VolumeModel(ThresholdModel(), image, Window(127.5, 255), EmbeddingCache(1 << 24))

    def plane(self, index):
        return slice_plane(self.source.volume, self.orientation, index)

    def reached(self, index, mask=None, confidence=0.5):
        plane = self.plane(index)
        return PropagatedSlice(plane, plane.extract(self.mask) if mask is None else mask, 0.9, 0.9, confidence)

    def run(self, propagator, mode=ONE_KEY):
        return self.propagation.run(self.source, mode, "known", propagator)

    def perfect(self, source, request):
        for index in self.target.slices:
            if index not in request.key_masks:
                yield self.reached(index)


@pytest.mark.parametrize("mode", PROPAGATION_MODES)
@pytest.mark.parametrize("orientation", list(Orientation))
def test_a_perfect_propagation_scores_one_in_every_orientation(orientation, mode):
    setting = Setting(orientation, affine_for((1, 2, 0), (1, -1, -1), (1, 2, 3)))
    record = setting.run(setting.perfect, mode)
    assert (record.dice, record.iou, record.hausdorff95_mm, record.overshoot, record.undershoot) == (1, 1, 0, 0, 0)
    assert record.mode == mode.name
    assert len(record.slices) == len(setting.target.slices) - mode.key_slices
    assert {item.dice for item in record.slices} == {1}


def test_it_begins_with_the_models_answers_to_tight_boxes_and_may_go_everywhere():
    setting, requests = Setting(), []
    setting.run(lambda source, request: requests.append(request) or (), THREE_KEYS)
    (request,) = requests
    assert tuple(request.key_masks) == setting.target.key_slices(3)
    assert (request.first, request.last) == (0, 13)
    for index, mask in request.key_masks.items():
        assert np.array_equal(mask, setting.plane(index).extract(setting.mask))


def test_without_any_slice_the_key_slice_is_what_there_is():
    setting = Setting()
    record = setting.run(lambda source, request: ())
    key = setting.mask[setting.target.key_slices(1)[0]].sum()
    assert record.overlap == Overlap(key, setting.mask.sum(), key)
    assert record.undershoot == (len(setting.target.slices) - 1) / 2
    assert record.slices == ()


def test_of_a_slice_that_comes_twice_the_later_mask_counts():
    setting = Setting()

    def twice(source, request):
        for item in setting.perfect(source, request):
            yield setting.reached(item.plane.index, np.ones_like(item.mask), 0.9)
            yield item

    record = setting.run(twice)
    assert record.dice == 1
    assert {item.confidence for item in record.slices} == {0.5}


def test_key_slices_keep_their_masks_and_are_not_counted_among_the_propagated_ones():
    setting = Setting()
    (key,) = setting.target.key_slices(1)

    def over_the_key(source, request):
        yield from setting.perfect(source, request)
        yield setting.reached(key, np.ones_like(request.key_masks[key]))

    record = setting.run(over_the_key)
    assert record.dice == 1
    assert key not in {item.index for item in record.slices}


def test_slices_too_many_are_overshoot_and_scored_zero():
    setting = Setting()

    def too_far(source, request):
        yield from setting.perfect(source, request)
        for index in (setting.target.first - 1, setting.target.first - 2):
            yield setting.reached(index, np.ones_like(setting.mask[0]))

    record = setting.run(too_far)
    assert (record.overshoot, record.undershoot) == (1, 0)  # two at one end, none at the other
    assert [item.dice for item in record.slices[:3]] == [0, 0, 1]
    assert record.hausdorff95_mm >= 5


def test_a_model_that_finds_nothing_in_the_key_slice_scores_zero_without_an_error():
    setting = Setting()
    setting.source = VolumeModel(
        ThresholdModel(), volume_of(np.zeros_like(setting.mask, np.uint8)), Window(127.5, 255), EmbeddingCache(1 << 24)
    )
    record = setting.run(setting.perfect)
    assert (record.dice, record.slices) == (0, ())
    assert record.hausdorff95_mm == pytest.approx(np.hypot(np.hypot(40, 48), 14 * 5))


@pytest.mark.parametrize(
    ("covered", "errors"),
    [
        ([3, 4, 5, 6], (0, 0)),
        ([1, 2, 3, 4, 5, 6], (1, 0)),
        ([4, 5], (0, 1)),
        ([5, 6, 7, 8], (1, 1)),
        ([0, 9], (3, 0)),
        ([], (0, 2)),
    ],
)
def test_overshoot_and_undershoot_are_means_of_the_two_ends(covered, errors):
    assert end_errors(covered, range(3, 7)) == errors


def scores(dices, confidences):
    return tuple(SliceScore(n, *pair) for n, pair in enumerate(zip(dices, confidences, strict=True)))


RISING = np.linspace(0.05, 1, 20)


@pytest.mark.parametrize(
    ("dices", "confidences", "share"),
    [
        (RISING, RISING, 1),
        (RISING, RISING[::-1], 0),
        # The worst slice is the most confident one, the second worst is not.
        (RISING, [1, *RISING[1:-1], 0], 0.5),
        # Half of the slices are equally bad: two of them are the worst, and a user meets three fifths of them.
        ([0] * 10 + [1] * 10, RISING, 0.6),
    ],
    ids=["in order", "in reverse", "one is missed", "ties count in part"],
)
def test_the_worst_slices_are_looked_for_among_the_least_confident(dices, confidences, share):
    assert worst_found(scores(dices, confidences)) == pytest.approx(share)


def record(case, structure, dice, slices=(), mode="propagate-1"):
    counts = Overlap(100, 100, round(100 * dice))
    return PropagationRecord(case, structure, "m", mode, counts, 2.0, 1.0, 0.0, slices)


def test_no_case_counts_more_than_another_and_slices_are_taken_together():
    records = [record("large", str(n), 1, scores([0.9], [0.8])) for n in range(3)]
    records += [record("small", "a", 0, scores([0.1, 0.5], [0.2, 0.6]))]
    (item,) = summarise_propagation(records, PROPAGATION_MODES)
    assert (item.dice_3d, item.dice_by_structure) == (0.5, 0.75)
    assert (item.structures, item.slices) == (4, 5)
    assert item.rank_correlation == pytest.approx(1)


def test_figures_that_are_undefined_are_a_dash_and_null():
    records = [record("case", "a", 0.5)]
    assert propagation_rows(records, PROPAGATION_MODES)[1][-2:] == ["-", "-"]
    (summary,) = propagation_json(records, PROPAGATION_MODES, {})["summary"]
    assert summary["rank_correlation"] is summary["worst_found"] is None


def test_a_limit_is_divided_between_the_cases_and_else_each_case_has_its_own(tmp_path):
    for name, count in (("one", 3), ("two", 6)):
        labels = np.zeros((40, 30, 6), dtype=np.uint8)
        for n in range(count):
            labels[6 * n : 6 * n + 6, 5:20, 1:5] = n + 1
        (tmp_path / name).mkdir()
        for stem in ("image", "label"):
            nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), tmp_path / name / f"{stem}.nii.gz")
    settings, cases = PropagationSettings(PROPAGATION_MODES, Orientation.AXIAL, "full"), find_cases(tmp_path)

    def counts(**limits):
        return [len(plan.targets) for plan in plan_structures(cases, settings, **limits)]

    assert counts() == [3, 6]
    assert counts(limit=4) == [2, 2]
    assert counts(limit=8) == [3, 5]
    assert counts(per_case=2) == [2, 2]


def test_propagation_is_asked_for_by_name_only_and_alone():
    assert find_propagation_modes(()) == ()
    assert find_propagation_modes(("box",)) == ()
    assert find_propagation_modes(("propagate",)) == PROPAGATION_MODES
    assert find_propagation_modes(("propagate-3",)) == (THREE_KEYS,)
    with pytest.raises(InputError, match="'box' in another"):
        find_propagation_modes(("propagate", "box"))
    with pytest.raises(InputError, match="propagate"):
        find_modes(("everything",))
