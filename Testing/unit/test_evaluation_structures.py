"""Which structures propagation is measured on, and from which slices it begins."""

import numpy as np
import pytest

from SAMSegmentLib.evaluation.cases import Case
from SAMSegmentLib.evaluation.labels import ReferenceLabels, Structure
from SAMSegmentLib.evaluation.structures import StructureTarget, choose_structures, component_mask, find_structures
from SAMSegmentLib.geometry import Orientation
from Testing.generated import affine_for, volume_of

SHAPE = (12, 30, 40)


def case_of(*layers, affine=None):
    """A case whose reference has these layers [k, j, i]; structures are called by their numbers."""
    structures = tuple(
        Structure(f"{layer}/{value}", int(value), layer)
        for layer, labels in enumerate(layers)
        for value in np.unique(labels)
        if value
    )
    image = volume_of(np.zeros(layers[0].shape, dtype=np.uint8), affine)
    return Case("case", image, ReferenceLabels(np.stack(layers), structures))


def labels(*boxes, shape=SHAPE):
    """Each box is (value, slices along k, rows, columns)."""
    array = np.zeros(shape, dtype=np.int32)
    for value, *box in boxes:
        array[tuple(slice(*along) for along in box)] = value
    return array


def found(case, orientation=Orientation.AXIAL):
    return {item.structure.name: item for item in find_structures(case, orientation)}


def test_the_largest_part_of_a_structure_is_meant_and_crumbs_are_not():
    case = case_of(labels((5, (2, 9), (4, 14), (6, 16)), (5, (0, 12), (20, 24), (30, 34))))
    target = found(case)["0/5"]
    assert (target.first, target.last) == (2, 8)
    mask = component_mask(case, target)
    assert mask.sum() == 7 * 10 * 10
    assert not mask[:, 20:, 30:].any()


def test_parts_that_touch_at_a_corner_are_one():
    case = case_of(labels((1, (1, 4), (4, 14), (6, 16)), (1, (4, 8), (14, 22), (16, 24))))
    target = found(case)["0/1"]
    assert (target.first, target.last) == (1, 7)
    assert component_mask(case, target).sum() == 3 * 100 + 4 * 64


@pytest.mark.parametrize(
    ("box", "is_taken"),
    [
        (((2, 5), (4, 14), (6, 16)), True),
        (((2, 4), (4, 14), (6, 16)), False),  # two slices
        (((2, 9), (4, 9), (6, 16)), True),  # 50 pixels
        (((2, 9), (4, 11), (6, 13)), False),  # 49 pixels
    ],
    ids=["three slices", "two slices", "50 pixels", "49 pixels"],
)
def test_what_is_too_flat_or_too_small_is_left_out(box, is_taken):
    assert bool(found(case_of(labels((1, *box))))) == is_taken


def test_numbers_may_be_sparse_and_negative_and_layers_may_overlap():
    first = labels((-7, (1, 5), (2, 12), (2, 12)), (1605, (1, 5), (15, 25), (2, 12)))
    second = labels((1605, (3, 9), (4, 24), (4, 24)))
    case = case_of(first, second)
    targets = found(case)
    assert {name: item.slices for name, item in targets.items()} == {
        "0/-7": range(1, 5),
        "0/1605": range(1, 5),
        "1/1605": range(3, 9),
    }
    assert component_mask(case, targets["0/-7"]).sum() == 4 * 100


@pytest.mark.parametrize(
    ("orientation", "slices"),
    [(Orientation.AXIAL, range(3, 10)), (Orientation.CORONAL, range(4, 15)), (Orientation.SAGITTAL, range(6, 26))],
)
def test_slices_are_those_of_the_orientation(orientation, slices):
    case = case_of(labels((1, (3, 10), (4, 15), (6, 26))))
    assert found(case, orientation)["0/1"].slices == slices


def test_slices_follow_the_anatomy_not_the_storage():
    affine = affine_for((2, 0, 1), (-1, 1, -1), (1, 1, 1))  # i runs inferior, j right, k posterior
    case = case_of(labels((1, (3, 10), (4, 15), (6, 26))), affine=affine)
    assert found(case, Orientation.AXIAL)["0/1"].slices == range(6, 26)


@pytest.mark.parametrize(
    ("covered", "count", "keys"),
    [
        (range(10, 19), 1, (14,)),
        (range(10, 20), 1, (15,)),
        (range(10, 19), 3, (11, 14, 17)),
        (range(10, 20), 3, (11, 15, 18)),
        (range(10, 13), 3, (10, 11, 12)),
    ],
)
def test_key_slices_are_the_middles_of_equal_parts(covered, count, keys):
    target = StructureTarget(Structure("a", 1), (slice(0, 1),) * 3, covered[0], covered[-1])
    assert target.key_slices(count) == keys


def test_a_choice_is_spread_over_all_structures():
    targets = [StructureTarget(Structure(str(n), n), (slice(0, 1),) * 3, 0, 5) for n in range(100)]
    assert [item.structure.value for item in choose_structures(targets, 4)] == [12, 37, 62, 87]
    assert choose_structures(targets, 200) == targets
