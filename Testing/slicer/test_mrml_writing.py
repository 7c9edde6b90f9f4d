"""Masks come into the segmentation node voxel by voxel: what is not theirs stays, and undo brings everything back."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.mrml.difference import differences
from SAMSegmentLib.segmentstate import SegmentState, SliceMask
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, rotation, volume_of
from Testing.slicer.mrml_scene import MRMLScene, slicer
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop, picked

CORONAL, SAGITTAL = Orientation.CORONAL, Orientation.SAGITTAL
EDIT = slicer.vtkMRMLSegmentationNode
EDITOR = slicer.vtkMRMLSegmentEditorNode
BESIDE = (8, 14, 6, 11, 5, 7)  # a box that the ball overlaps


@pytest.fixture(params=[False, True], ids=["own records", "editor's history"])
def loop(request):
    """A session that undoes by itself, and one that undoes with a segment editor's history."""
    with MRMLScene() as world:
        loop = Loop(world, with_history=request.param)
        yield loop
        loop.scene_session.close()


def in_box(box) -> np.ndarray:
    result = np.zeros(BALL.shape, dtype=bool)
    i0, i1, j0, j1, k0, k1 = box
    result[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = True
    return result


def assert_same(found, expected) -> None:
    assert found.keys() == expected.keys()
    for name, mask in expected.items():
        assert np.array_equal(found[name], mask), name


# --- where masks go


@pytest.mark.parametrize("case", AXIS_ORDERS[::5], ids=map(axis_order_name, AXIS_ORDERS[::5]))
def test_masks_lie_where_the_session_has_them_however_the_volume_is_stored(case):
    affine = affine_for(*case, (0.5, 0.5, 5))
    affine[:3, :3] = rotation((5, 3, -4)) @ affine[:3, :3]
    with MRMLScene() as world:
        loop = Loop(world, affine=affine)
        session = loop.scene_session.session
        for orientation in Orientation:
            session.add_point("ball", (9, 8, 6), orientation)
        (expected, _other) = (segment.mask for segment in session.segments())
        assert expected.any()
        assert np.array_equal(loop.mask(), expected)
        loop.scene_session.close()


def test_the_difference_of_masks_is_that_of_the_volumes_they_make():
    random = np.random.default_rng(3)
    for order, signs in AXIS_ORDERS[::7]:
        volume = volume_of(np.zeros((5, 6, 7), np.int16), affine_for(order, signs, (1, 2, 3)))
        before = random_masks(volume, random, {})
        after = random_masks(volume, random, before)
        old, new = (SegmentState("a", (0, 0, 0), masks=masks).volume_mask(volume) for masks in (before, after))
        made = old.copy()
        for found in differences(volume, before, after):
            i0, i1, j0, j1, k0, k1 = found.extent
            part = made[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1]
            part[...] = (part | found.added) & ~found.removed
        assert np.array_equal(made, new)


def random_masks(volume, random, masks) -> dict:
    """Some slices more, changed, or gone, some of them accepted."""
    masks = dict(masks)
    sizes = {AXIAL: 2, SAGITTAL: 0, CORONAL: 1}
    axes = np.abs(volume.ijk_to_ras[:3, :3]).argmax(axis=1)  # voxel axis along R, A and S
    for _ in range(6):
        orientation = list(Orientation)[random.integers(3)]
        axis = axes[sizes[orientation]]
        key = orientation, int(random.integers(volume.shape_ijk[axis]))
        if key in masks and random.random() < 0.5:
            del masks[key]
            continue
        rows, columns = _shape(volume, key)
        given = SliceMask.given(random.random((rows, columns)) > 0.5)
        masks[key] = SliceMask(given.bits, given.shape, is_accepted=bool(random.random() < 0.3))
    return masks


def _shape(volume, key) -> tuple[int, int]:
    from SAMSegmentLib.geometry import slice_plane

    return slice_plane(volume, *key).shape


# --- what is not theirs


def test_a_neighbour_is_cut_where_overlap_is_not_allowed(loop):
    loop.paint("other", BESIDE)
    loop.click()
    assert np.array_equal(loop.mask()[6], BALL[6])
    cut = in_box(BESIDE)
    cut[6] &= ~BALL[6]
    assert np.array_equal(loop.mask("other"), cut)


def test_a_neighbour_is_untouched_where_overlap_is_allowed(loop):
    loop.scene_session.editor_node.SetOverwriteMode(EDITOR.OverwriteNone)
    loop.paint("other", BESIDE)
    loop.click()
    loop.click((10, 8, 6), positive=False)
    assert np.array_equal(loop.mask("other"), in_box(BESIDE))
    assert np.array_equal(loop.mask()[6], BALL[6] & ~at((10, 8, 6))[6])


def test_a_neighbour_beside_the_mask_is_untouched_in_either_mode(loop):
    loop.paint("other", (0, 3, 0, 15, 0, 11))
    loop.click((9, 8, 6))
    loop.click((9, 8, 7), CORONAL)
    assert np.array_equal(loop.mask("other"), in_box((0, 3, 0, 15, 0, 11)))


def test_masking_by_a_segment_is_respected(loop):
    loop.paint("other", BESIDE)
    node = loop.scene_session.editor_node
    node.SetOverwriteMode(EDITOR.OverwriteNone)
    node.SetMaskMode(EDIT.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID("other")
    loop.click()
    assert np.array_equal(loop.mask()[6], BALL[6] & in_box(BESIDE)[6])
    loop.click((10, 8, 6), positive=False)
    loop.click((7, 8, 6), positive=False)
    assert np.array_equal(loop.mask()[6], BALL[6] & in_box(BESIDE)[6] & ~at((10, 8, 6))[6])
    assert np.array_equal(loop.mask("other"), in_box(BESIDE))


def test_voxels_outside_of_the_mask_are_not_removed(loop):
    loop.click()
    node = loop.scene_session.editor_node
    loop.paint("other", BESIDE)  # overlaps: painting without the editor's rules
    node.SetMaskMode(EDIT.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID("other")
    before = loop.mask()
    loop.click((6, 8, 6), positive=False)
    assert np.array_equal(loop.mask(), before)


def test_an_intensity_range_is_respected(loop):
    loop.scene_session.editor_node.SetSourceVolumeIntensityMask(True)
    loop.scene_session.editor_node.SetSourceVolumeIntensityMaskRange(0, 100)
    loop.click((2, 2, 6))  # the model paints what is bright, and the click's own dark voxel
    assert np.array_equal(loop.mask(), at((2, 2, 6)))


def test_what_was_drawn_by_hand_stays_in_slices_that_do_not_change(loop):
    loop.click((9, 8, 6))
    loop.paint("ball", (0, 1, 0, 1, 6, 6))
    loop.paint("ball", (9, 9, 8, 8, 6, 6), erase=True)
    drawn = loop.mask()
    loop.click((9, 8, 7))
    assert np.array_equal(loop.mask()[6], drawn[6])
    assert np.array_equal(loop.mask()[7], BALL[7])


def test_a_correction_in_the_same_slice_stays_where_the_answer_does_not_change(loop):
    loop.click((9, 8, 6))
    loop.paint("ball", (0, 1, 0, 1, 6, 6))
    loop.click((10, 8, 6), positive=False)
    assert np.array_equal(loop.mask()[6], (BALL[6] & ~at((10, 8, 6))[6]) | in_box((0, 1, 0, 1, 6, 6))[6])


def test_an_accepted_slice_is_what_was_drawn(loop):
    loop.click((9, 8, 6))
    loop.paint("ball", (0, 1, 0, 1, 6, 6))
    drawn = loop.mask()
    loop.scene_session.accept_slice("ball", (AXIAL, 6))
    assert np.array_equal(loop.mask(), drawn)
    assert np.array_equal(loop.scene_session.session.segments()[0].mask, drawn)


# --- undo


def test_undo_and_redo_are_bit_equal_for_every_segment(loop):
    loop.paint("other", BESIDE)
    moments = [loop.masks()]
    for step in (
        lambda: loop.click((9, 8, 6)),
        lambda: loop.click((9, 8, 7), segment_id="other"),
        lambda: loop.scene_session.add_box(picked((6, 5, 5)), picked((12, 11, 5))),
        lambda: loop.click((10, 8, 6), positive=False),
    ):
        step()
        moments.append(loop.masks())
    prompts = loop.scene_session.prompts()
    for expected in moments[-2::-1]:
        loop.scene_session.undo()
        assert_same(loop.masks(), expected)
    assert loop.scene_session.prompts() == []
    assert loop.scene_session.can_undo == (loop.editor is not None)  # what was painted at first
    for expected in moments[1:]:
        loop.scene_session.redo()
        assert_same(loop.masks(), expected)
    assert loop.scene_session.prompts() == prompts
    assert not loop.scene_session.can_redo


def test_undo_goes_deeper_than_the_editors_history(loop):
    loop.paint("other", BESIDE)
    moments = []
    for number in range(12):
        moments.append(loop.masks())
        loop.click((6 + number % 6, 8, 3 + number % 7), positive=number % 4 != 3)
    for expected in reversed(moments):
        loop.scene_session.undo()
        assert_same(loop.masks(), expected)
    assert loop.scene_session.prompts() == []


def test_hand_corrections_are_undone_in_their_turn():
    with MRMLScene() as world:
        loop = Loop(world, with_history=True)
        loop.click((9, 8, 6))
        clicked = loop.masks()
        loop.paint("ball", (0, 1, 0, 1, 6, 6))
        painted = loop.masks()
        loop.click((9, 8, 7))
        loop.scene_session.undo()
        assert_same(loop.masks(), painted)
        loop.scene_session.undo()
        assert_same(loop.masks(), clicked)
        assert len(loop.scene_session.prompts()) == 1
        loop.scene_session.undo()
        assert not loop.mask().any()
        assert loop.scene_session.prompts() == []
        loop.scene_session.close()


def test_undo_pressed_in_the_segment_editor_takes_the_prompts_along():
    with MRMLScene() as world:
        loop = Loop(world, with_history=True)
        loop.click((9, 8, 6))
        once = loop.masks()
        loop.click((9, 8, 7))
        twice = loop.masks()
        loop.editor.undo()
        assert_same(loop.masks(), once)
        assert [entry.ijk for entry in loop.scene_session.prompts()] == [(9, 8, 6)]
        loop.editor.redo()
        assert_same(loop.masks(), twice)
        assert [entry.ijk for entry in loop.scene_session.prompts()] == [(9, 8, 6), (9, 8, 7)]
        loop.editor.undo()
        loop.click((9, 8, 8))
        assert np.array_equal(loop.mask()[[6, 8]], BALL[[6, 8]])
        assert not loop.mask()[7].any()
        loop.scene_session.close()


def test_a_propagation_is_one_step(loop):
    loop.click((9, 8, 6))
    before = loop.masks()
    loop.scene_session.propagate("ball", Propagation(AXIAL)).result()
    assert loop.mask().sum() > 3 * before["ball"].sum()
    loop.scene_session.undo()
    assert_same(loop.masks(), before)
    loop.scene_session.redo()
    assert np.array_equal(loop.mask(), loop.scene_session.session.segments()[0].mask)


def test_each_action_that_undo_takes_back_is_told_once():
    with MRMLScene() as world:
        steps = []
        loop = Loop(world, stepped=lambda: steps.append(1))
        loop.click((9, 8, 6))
        loop.scene_session.accept_slice("ball", (AXIAL, 6))
        with pytest.raises(InputError):
            loop.click((8, 8, 6))
        loop.scene_session.undo()
        loop.scene_session.redo()
        assert len(steps) == 2
        loop.scene_session.close()


def at(ijk) -> np.ndarray:
    i, j, k = ijk
    return in_box((i, i, j, j, k, k))
