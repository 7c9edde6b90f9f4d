"""A position in a slice view means the voxel that is drawn there, however the volume is stored and transformed."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.mrml.picking import pick, pick_nearest, show_slice, viewed_slice
from SAMSegmentLib.mrml.volumes import volume_from_node
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, rotation, volume_of
from Testing.slicer.mrml_scene import MRMLScene

SIZES = {0: (14, 0.5), 1: (18, 0.5), 2: (6, 5.0)}  # voxels and mm along R, A and S
VIEWS = {
    "Axial": (Orientation.AXIAL, 2),
    "Sagittal": (Orientation.SAGITTAL, 0),
    "Coronal": (Orientation.CORONAL, 1),
}
TURNED = np.eye(4)
TURNED[:3, :3] = rotation((25, -40, 10)) * [1.1, 0.9, 1.0]
TURNED[:3, 3] = 40, -12, 5.5


@pytest.fixture(scope="module")
def views():
    """Three views; making them is what takes the time."""
    with MRMLScene() as world:
        yield world, [world.add_slice_view(name) for name in VIEWS]


def stored(order, signs):
    """A volume node's content of the same anatomy, stored in one of 48 ways."""
    counts = tuple(SIZES[axis][0] for axis in order)
    affine = affine_for(order, signs, tuple(SIZES[axis][1] for axis in order))
    return volume_of(np.zeros(counts[::-1], np.int16), affine)


def voxel_by_arithmetic(ras, affine, parent):
    """With affines alone, as nibabel's users do it."""
    return tuple(np.rint(np.linalg.inv(parent @ affine) @ [*ras, 1])[:3].astype(int).tolist())


def some_voxels(shape):
    """Corners and inner voxels."""
    high = np.array(shape) - 1
    return [(0, 0, 0), tuple(high.tolist()), tuple((high // 2).tolist()), tuple((high // 3 + 1).tolist())]


@pytest.mark.parametrize("parent", [np.eye(4), TURNED], ids=["as it lies", "transformed"])
@pytest.mark.parametrize("case", AXIS_ORDERS, ids=map(axis_order_name, AXIS_ORDERS))
def test_a_position_in_any_view_is_the_voxel_there(views, case, parent):
    world, three = views
    volume = stored(*case)
    node = world.add_volume(volume)
    transform = world.add_transform(parent, node)
    for view, (orientation, ras_axis) in zip(three, VIEWS.values(), strict=True):
        view.show(node)
        axis = case[0].index(ras_axis)
        for ijk in some_voxels(volume.shape_ijk):
            ras = (parent @ volume.ijk_to_ras @ [*ijk, 1])[:3]
            view.show_position(ras)
            x, y = (round(value) for value in view.xy_of(ras))
            there = np.array([view.slice_node.GetXYToRAS().MultiplyPoint((x, y, 0, 1))[n] for n in range(3)])
            found = pick(volume_from_node(node), node, view.slice_node, (x, y))
            assert found.ijk == voxel_by_arithmetic(there, volume.ijk_to_ras, parent) == ijk
            assert (found.orientation, found.index) == (orientation, ijk[axis])
            assert found.is_aligned
    world.scene.RemoveNode(node)
    world.scene.RemoveNode(transform)


@pytest.fixture
def shown(views):
    """A volume in an axial view: the view and the two functions' first three arguments."""
    world, (view, *_) = views
    volume = stored((0, 1, 2), (1, 1, 1))
    node = world.add_volume(volume)
    view.show(node)
    yield view, (volume, node, view.slice_node)
    world.scene.RemoveNode(node)


def test_outside_of_the_volume_nothing_is_picked_but_the_nearest_voxel_on_wish(shown):
    _view, where = shown
    assert pick(*where, (0, 200)) is None
    assert pick_nearest(*where, (0, 200)).ijk[0] in (0, 13)


@pytest.mark.parametrize(("ijk", "key"), [((-40, 9, 3), (Orientation.AXIAL, 3)), ((7, 9, 8), None)])
def test_a_view_beside_the_image_shows_its_slice_and_beyond_the_last_slice_none(shown, ijk, key):
    view, where = shown
    view.show_position((where[0].ijk_to_ras @ [*ijk, 1])[:3])
    found = viewed_slice(*where)
    assert (found and found.key) == key


@pytest.mark.parametrize("offset", [0.499, 0.0, -0.499])
def test_a_view_between_slices_shows_the_nearest(shown, offset):
    view, where = shown
    affine = where[0].ijk_to_ras
    view.show_position((affine @ [7, 9, 3 + offset, 1])[:3])
    assert viewed_slice(*where).key == (Orientation.AXIAL, 3)


def test_a_view_in_the_middle_between_two_slices_shows_one_of_them_everywhere(shown):
    view, where = shown
    affine = where[0].ijk_to_ras
    view.show_position((affine @ [7, 9, 2.5, 1])[:3])
    indices = {pick(*where, (x, y)).index for x in range(150, 250, 7) for y in range(150, 250, 7)}
    assert len(indices) == 1


@pytest.mark.parametrize("degrees", [0, 0.2, 3, 30])
def test_a_turned_view_is_not_aligned_and_means_the_nearest_plane(shown, degrees):
    view, where = shown
    affine = where[0].ijk_to_ras
    turned = np.eye(4)
    turned[:3, :3] = rotation((degrees, 0, 0)) @ np.diag([-1, 1, 1])
    turned[:3, 3] = (affine @ [7, 9, 3, 1])[:3]
    view.slice_node.GetSliceToRAS().DeepCopy(turned.ravel().tolist())
    view.slice_node.UpdateMatrices()
    found = viewed_slice(*where)
    assert found.key == (Orientation.AXIAL, 3)
    assert found.is_aligned == (degrees < 0.5)
    view.slice_node.SetOrientation("Axial")


def test_a_view_across_the_axes_means_the_plane_it_has_turned_to(shown):
    view, where = shown
    view.slice_node.SetOrientation("Coronal")
    assert viewed_slice(*where).orientation is Orientation.CORONAL
    view.slice_node.SetOrientation("Axial")


def test_going_to_a_slice_moves_the_view_along_its_normal_only(shown):
    _view, where = shown
    show_slice(*where, (Orientation.AXIAL, 1))
    here = viewed_slice(*where)
    show_slice(*where, (Orientation.AXIAL, 5))
    there = viewed_slice(*where)
    assert (here.key, there.key) == ((Orientation.AXIAL, 1), (Orientation.AXIAL, 5))
    assert here.ijk[:2] == there.ijk[:2]
    show_slice(*where, (Orientation.SAGITTAL, 2))  # there is no way to it for this view
    assert viewed_slice(*where).key == (Orientation.AXIAL, 5)
