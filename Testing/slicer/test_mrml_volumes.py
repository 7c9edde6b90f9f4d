"""Volume nodes as volumes, and what cannot be one."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.mrml.volumes import (
    add_volume_node,
    between_nodes,
    volume_from_node,
    volume_to_world,
    world_to_volume,
)
from SAMSegmentLib.volume import Window
from Testing.generated import AXIS_ORDERS, affine_for, axis_order_name, rotation, volume_of
from Testing.slicer.mrml_scene import MRMLScene, numpy_support, vtk, vtk_matrix


@pytest.fixture
def world():
    with MRMLScene() as world:
        yield world


def numbered(dtype=np.int16) -> np.ndarray:
    return np.arange(4 * 5 * 6).reshape(4, 5, 6).astype(dtype)


@pytest.mark.parametrize("case", AXIS_ORDERS[::3], ids=map(axis_order_name, AXIS_ORDERS[::3]))
def test_a_node_gives_its_voxels_and_its_place(world, case):
    affine = affine_for(*case, (0.5, 0.5, 5))
    affine[:3, :3] = rotation((5, 10, 15)) @ affine[:3, :3]
    volume = volume_from_node(world.add_volume(volume_of(numbered(), affine), "scan"))
    assert np.array_equal(volume.array, numbered())
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-9)
    assert volume.name == "scan"


def test_the_place_is_above_parent_transforms(world):
    affine = affine_for((0, 1, 2), (1, 1, 1), (1, 1, 1))
    node = world.add_volume(volume_of(numbered(), affine))
    turn, shift = np.eye(4), np.eye(4)
    turn[:3, :3], shift[:3, 3] = rotation((10, 20, 30)), (5, 6, 7)
    inner = world.add_transform(turn, node)
    world.add_transform(shift, inner)
    np.testing.assert_allclose(volume_from_node(node).ijk_to_ras, affine)
    np.testing.assert_allclose(volume_to_world(node), shift @ turn, atol=1e-9)
    np.testing.assert_allclose(world_to_volume(node) @ volume_to_world(node), np.eye(4), atol=1e-9)


def test_nodes_under_one_transform_lie_together_even_if_it_bends_space(world):
    nodes = [world.add_volume(volume_of(numbered()), name) for name in ("a", "b")]
    bending(world, *nodes)
    assert np.array_equal(between_nodes(*nodes), np.eye(4))


def test_nodes_of_which_one_is_under_a_transform_that_bends_space_have_no_matrix_between_them(world):
    nodes = [world.add_volume(volume_of(numbered()), name) for name in ("a", "b")]
    bending(world, nodes[0])
    with pytest.raises(InputError, match="is under the transform warp, which bends space; harden"):
        between_nodes(*nodes)


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float16, np.float32, ">i2", np.uint16, np.int64])
def test_a_volume_becomes_a_node_and_a_volume_again(world, dtype):
    affine = affine_for((2, 0, 1), (1, -1, 1), (1, 2, 3))
    volume = volume_of(numbered(dtype), affine, name="scan", window=Window(40, 400))
    node = add_volume_node(world.scene, volume)
    again = volume_from_node(node)
    assert np.array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.ijk_to_ras, affine)
    assert again.window == Window(40, 400)
    assert node.GetName() == "scan"


def test_a_sequence_gives_the_frame_that_is_shown(world):
    node = world.add_volume(volume_of(numbered()))
    frame = vtk.vtkImageData()
    frame.DeepCopy(node.GetImageData())
    numpy_support.vtk_to_numpy(frame.GetPointData().GetScalars())[:] = 7
    node.SetAndObserveImageData(frame)
    assert (volume_from_node(node).array == 7).all()


def bending(world, *children):
    node = world.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "warp")
    grid = vtk.vtkBSplineTransform()
    coefficients = vtk.vtkImageData()
    coefficients.SetDimensions(4, 4, 4)
    coefficients.AllocateScalars(vtk.VTK_DOUBLE, 3)
    numpy_support.vtk_to_numpy(coefficients.GetPointData().GetScalars())[:] = 0.5
    grid.SetCoefficientData(coefficients)
    node.SetAndObserveTransformToParent(grid)
    for child in children:
        child.SetAndObserveTransformNodeID(node.GetID())
    return node


def rgb(world):
    node = world.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    image = vtk.vtkImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node.SetAndObserveImageData(image)
    return node


def two_values(world):
    node = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "pair")
    image = vtk.vtkImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(vtk.VTK_FLOAT, 2)
    node.SetAndObserveImageData(image)
    return node


def without_voxels(world):
    return world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")


def sheared(world):
    node = world.add_volume(volume_of(numbered()), "tilted")
    shear = np.eye(4)
    shear[0, 2] = 0.3
    node.SetIJKToRASMatrix(vtk_matrix(shear))
    return node


def bent(world):
    node = world.add_volume(volume_of(numbered()), "bent")
    bending(world, node)
    return node


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (rgb, "photo has colours or vectors, not grey values"),
        (two_values, "pair has 2 values a voxel, not one"),
        (without_voxels, "hollow has no voxels"),
        (sheared, "tilted has voxel axes that are not at right angles"),
        (bent, "bent is under the transform warp, which bends space; harden"),
    ],
)
def test_what_cannot_be_segmented_is_refused_with_a_sentence(world, make, sentence):
    with pytest.raises(InputError, match=rf"^{sentence}.*\.$"):
        volume_from_node(make(world))
