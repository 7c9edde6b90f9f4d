"""Synthetic slices and what is asked of them: repeatable, nested, and prompts that fit their targets."""

from __future__ import annotations

import numpy as np
import pytest

from SAMSegmentLib.training.anatomy import DETAIL, LEVELS, PART, WHOLE
from SAMSegmentLib.training.augment import View, random_view
from SAMSegmentLib.training.generator import SyntheticSlice, generate_slice
from SAMSegmentLib.training.masks import box_of, components, corrective_click, depth, place_within
from SAMSegmentLib.training.picture import draw_picture
from SAMSegmentLib.training.shapes import SIDE, smooth_field, star
from SAMSegmentLib.training.targets import draw_box, pick_target

COUNT = 16


@pytest.fixture(scope="module")
def slices() -> list[SyntheticSlice]:
    return [generate_slice(np.random.default_rng((5, number))) for number in range(COUNT)]


def test_the_same_seed_gives_the_same_slice_and_another_seed_another() -> None:
    first, again, other = (generate_slice(np.random.default_rng(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.labels != other.labels).any()


def test_slices_are_8_bit_with_three_label_maps_and_something_to_see(slices: list[SyntheticSlice]) -> None:
    for each in slices:
        assert each.pixels.shape == (SIDE, SIDE)
        assert each.pixels.dtype == np.uint8
        assert each.labels.shape == (LEVELS, SIDE, SIDE)
    spread = [each.pixels.std() for each in slices]
    structures = [len(np.unique(each.labels[PART])) for each in slices]
    assert np.median(spread) > 20
    assert np.median(structures) > 5


def test_a_finer_label_lies_within_one_coarser_label(slices: list[SyntheticSlice]) -> None:
    for each in slices:
        for fine, coarse in ((PART, WHOLE), (DETAIL, PART)):
            pairs = np.unique(np.stack([each.labels[fine].ravel(), each.labels[coarse].ravel()]), axis=1)
            assert len(np.unique(pairs[0])) == pairs.shape[1]


def test_some_structures_have_parts_and_some_parts_have_details(slices: list[SyntheticSlice]) -> None:
    counts = np.array([[len(np.unique(each.labels[level])) for level in range(LEVELS)] for each in slices])

    assert (counts[:, PART] > counts[:, WHOLE]).sum() > COUNT / 3
    assert (counts[:, DETAIL] > counts[:, PART]).sum() > COUNT / 3


def test_a_field_is_smooth_and_normalised() -> None:
    coarse, fine = (smooth_field(np.random.default_rng(1), cells) for cells in (3, 40))

    assert abs(float(coarse.mean())) < 1e-3
    assert float(coarse.std()) == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(coarse)).mean() < 0.3 * np.abs(np.diff(fine)).mean()


def test_a_smooth_star_is_an_ellipse_of_its_radii() -> None:
    mask = star(np.random.default_rng(1), (100, 140), (30, 15), roughness=0.0, angle=0.0) < 1

    np.testing.assert_allclose(box_of(mask), [71, 126, 129, 154], atol=1)
    assert mask.sum() == pytest.approx(np.pi * 30 * 15, rel=0.02)


@pytest.mark.parametrize("side", [64, 128, 256])
def test_a_view_keeps_pixels_and_labels_together(side: int) -> None:
    labels = np.zeros((LEVELS, SIDE, SIDE), np.uint8)
    labels[:, 60:200, 90:180] = 7
    source = SyntheticSlice(np.where(labels[0] == 7, 255, 0).astype(np.uint8), labels)

    for seed in range(12):
        view = random_view(np.random.default_rng(seed), source, side)
        rows, columns = view.shape
        assert view.pixels.shape == (side, side)
        assert not view.pixels[rows:].any()
        assert not view.labels[:, :, columns:].any()
        inside = view.labels[0, :rows, :columns] == 7
        if 0.05 < inside.mean() < 0.95:
            grey = view.pixels[:rows, :columns]
            # Grey values may be inverted, but the labels separate them either way.
            assert abs(np.median(grey[inside]) - np.median(grey[~inside])) > 60


def test_the_picture_for_the_documentation_shows_real_and_synthetic_slices() -> None:
    rows = np.array_split(np.asarray(draw_picture().convert("L"), dtype=float), 5)

    assert all(row.std() > 20 for row in rows)


def plain_view(mask: np.ndarray, inside: float = 200, outside: float = 50) -> View:
    labels = np.repeat(mask[None].astype(np.uint8), LEVELS, axis=0)
    labels[:, ~mask] = 2
    return View(np.where(mask, inside, outside).astype(np.float32), labels, mask.shape)


def disc(side: int = 128, radius: float = 20) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return (rows - 60) ** 2 + (columns - 70) ** 2 < radius**2


def test_targets_have_their_click_inside_and_their_box_around(slices: list[SyntheticSlice]) -> None:
    rng = np.random.default_rng(0)
    found = 0
    for each in slices:
        view = random_view(rng, each, 128)
        target = pick_target(rng, view)
        if target is None:
            continue
        found += 1
        column, row = target.point
        assert target.mask[row, column]
        assert np.abs(target.box - box_of(target.mask)).max() <= 0.5 * 128
        assert (target.box[:2] < target.box[2:]).all()
        assert not target.mask[view.shape[0] :].any()
    assert found > COUNT / 2


def test_nothing_is_asked_of_a_slice_without_structures() -> None:
    empty = View(np.zeros((64, 64), np.float32), np.zeros((LEVELS, 64, 64), np.uint8), (64, 64))

    assert pick_target(np.random.default_rng(0), empty) is None


@pytest.mark.parametrize(("inside", "is_visible"), [(200, True), (50, False)])
def test_a_target_knows_whether_its_border_shows(inside: float, is_visible: bool) -> None:
    view = plain_view(disc(), inside=inside)
    targets = [pick_target(np.random.default_rng(seed), view) for seed in range(20)]

    seen = [target.is_visible for target in targets if target is not None]
    assert seen
    assert np.mean([value == is_visible for value in seen]) > 0.8


def test_boxes_are_often_exact_and_never_far_off() -> None:
    view = plain_view(disc())
    tight = box_of(disc())
    rng = np.random.default_rng(0)

    drawn = np.stack([draw_box(rng, tight, view) for _ in range(400)])

    exact = (drawn == tight).all(axis=1).mean()
    assert 0.35 < exact < 0.6
    assert np.abs(drawn - tight).max() < 40
    assert np.median(np.abs(drawn - tight).max(axis=1)) < 3


def test_components_touch_at_corners_and_have_areas() -> None:
    mask = np.zeros((6, 8), bool)
    mask[1, 1] = mask[2, 2] = True
    mask[4, 4:7] = True

    pieces, areas = components(mask)

    assert areas.tolist() == [2, 3]
    assert pieces[1, 1] == pieces[2, 2] != pieces[4, 5]


def test_depth_counts_the_border_of_the_image_as_outside() -> None:
    assert depth(np.ones((5, 5), bool))[2].tolist() == [1, 2, 3, 2, 1]
    assert not depth(np.zeros((5, 5), bool)).any()


def test_the_deepest_place_is_the_middle() -> None:
    assert place_within(np.random.default_rng(0), depth(disc()), 1.0) == (70, 60)


def test_a_correction_is_positive_in_what_is_missed_and_negative_in_what_is_too_much() -> None:
    rng = np.random.default_rng(0)
    target = disc()

    place, is_positive = corrective_click(rng, target, np.zeros_like(target)) or ((0, 0), False)
    assert is_positive
    assert target[place[1], place[0]]

    place, is_positive = corrective_click(rng, target, disc(radius=45)) or ((0, 0), True)
    assert not is_positive
    assert not target[place[1], place[0]]

    assert corrective_click(rng, target, target) is None
