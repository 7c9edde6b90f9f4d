"""Voxels of segments that share labelmaps, changed one segment at a time."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.mrml.labelmaps import Labelmaps
from SAMSegmentLib.mrml.volumes import volume_from_node
from Testing.generated import affine_for, volume_of
from Testing.slicer.mrml_scene import MRMLScene, segment_mask, slicer

SHAPE = (12, 16, 20)
NAMES = ("a", "b", "c")


@pytest.fixture
def world():
    with MRMLScene() as world:
        yield world


def test_adding_and_removing_changes_the_named_segment_alone(world):
    node = world.add_volume(volume_of(np.zeros(SHAPE, np.uint8), affine_for((1, 2, 0), (-1, 1, -1), (1, 2, 3))))
    segmentation = world.add_segmentation(node, *NAMES)
    labelmaps = Labelmaps(volume_from_node(node), node, segmentation)
    expected = {name: np.zeros(SHAPE, bool) for name in NAMES}
    random = np.random.default_rng(7)
    for _ in range(60):
        name = NAMES[random.integers(3)]
        low = random.integers(0, [15, 11, 7])
        high = low + random.integers(1, 5, 3)
        extent = tuple(int(edge) for pair in zip(low, high, strict=True) for edge in pair)
        voxels = random.random((high - low + 1)[::-1]) > 0.4
        part = expected[name][low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1]
        if random.random() < 0.5:
            labelmaps.add(name, extent, voxels)
            part |= voxels
        else:
            labelmaps.remove(name, extent, voxels)
            part &= ~voxels
        for other in NAMES:
            assert np.array_equal(segment_mask(segmentation, other, node), expected[other])
    whole = (0, 19, 0, 15, 0, 11)
    assert all(np.array_equal(labelmaps.read(name, whole), expected[name]) for name in NAMES)
    labelmaps.close()


def test_every_change_is_told_to_those_who_show_the_segmentation(world):
    node = world.add_volume(volume_of(np.zeros(SHAPE, np.uint8)))
    segmentation = world.add_segmentation(node, "a")
    labelmaps = Labelmaps(volume_from_node(node), node, segmentation)
    heard = []
    event = slicer.vtkSegmentation.SourceRepresentationModified
    segmentation.GetSegmentation().AddObserver(event, lambda *_: heard.append(1))
    labelmaps.add("a", (1, 2, 1, 2, 1, 2), np.ones((2, 2, 2), bool))
    after_adding = len(heard)
    labelmaps.remove("a", (1, 1, 1, 1, 1, 1), np.ones((1, 1, 1), bool))
    assert 0 < after_adding < len(heard)
    labelmaps.close()


def test_a_segmentation_without_a_geometry_is_given_the_volumes(world):
    node = world.add_volume(volume_of(np.zeros(SHAPE, np.uint8), affine_for((0, 1, 2), (1, -1, 1), (1, 2, 3))))
    segmentation = world.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    labelmaps = Labelmaps(volume_from_node(node), node, segmentation)
    segmentation.GetSegmentation().AddEmptySegment("a", "a")
    labelmaps.add("a", (1, 2, 1, 2, 1, 2), np.ones((2, 2, 2), bool))
    assert segment_mask(segmentation, "a", node)[1:3, 1:3, 1:3].all()
    labelmaps.close()


@pytest.mark.parametrize("difference", ["spacing", "place", "size"])
def test_a_segmentation_of_another_volume_is_refused(world, difference):
    other = volume_of(np.zeros(SHAPE, np.uint8), affine_for((0, 1, 2), (1, 1, 1), (1, 1, 1), (0, 0, 0)))
    segmentation = world.add_segmentation(world.add_volume(other), "a")
    affine = affine_for(
        (0, 1, 2),
        (1, 1, 1),
        (1, 1, 1.5) if difference == "spacing" else (1, 1, 1),
        (0, 0.3, 0) if difference == "place" else (0, 0, 0),
    )
    shape = (12, 16, 21) if difference == "size" else SHAPE
    node = world.add_volume(volume_of(np.zeros(shape, np.uint8), affine), "scan")
    with pytest.raises(InputError, match=r"segmentation has other voxels than scan; .*\."):
        Labelmaps(volume_from_node(node), node, segmentation)


def test_a_segmentation_moved_away_from_its_volume_is_refused(world):
    node = world.add_volume(volume_of(np.zeros(SHAPE, np.uint8)))
    segmentation = world.add_segmentation(node, "a")
    shift = np.eye(4)
    shift[0, 3] = 5
    world.add_transform(shift, node)
    with pytest.raises(InputError, match="other voxels"):
        Labelmaps(volume_from_node(node), node, segmentation)


def test_a_segmentation_of_surfaces_is_refused(world):
    node = world.add_volume(volume_of(np.zeros(SHAPE, np.uint8)))
    segmentation = world.add_segmentation(node)
    segmentation.GetSegmentation().SetSourceRepresentationName("Closed surface")
    segmentation.GetSegmentation().AddEmptySegment("a", "a")
    with pytest.raises(InputError, match=r"holds surfaces, not voxels; .*\."):
        Labelmaps(volume_from_node(node), node, segmentation)
