"""What is written opens in Slicer: the same names, colours and voxels at the same place in the patient."""

import numpy as np
import pytest

from SAMSegmentLib.geometry import apply_transform
from SAMSegmentLib.io.write import write_segmentation
from SAMSegmentLib.segments import Segment
from Testing.generated import affine_for, ball, rotation, volume_of

slicer = pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")
vtk = pytest.importorskip("vtk", reason="slicer-core brings vtk, which is not installed")
numpy_support = pytest.importorskip("vtk.util.numpy_support")

SHAPE = (12, 20, 24)  # k, j, i
TOLERANCE_MM = 1e-4

SEGMENTS = [
    Segment("liver", (230, 159, 0), ball(SHAPE, (7, 8, 5), 4)),
    Segment("Größe 肝 | a:=b \\n", (86, 180, 233), ball(SHAPE, (17, 12, 6), 3)),
    Segment("one\nline", (0, 158, 115), ball(SHAPE, (20, 3, 2), 2)),
]
OVERLAPPING = [*SEGMENTS, Segment("lesion", (213, 94, 0), ball(SHAPE, (10, 9, 5), 4))]
NAMES = ["liver", "Größe 肝 | a:=b \\n", "one line", "lesion"]


def geometry(name: str) -> np.ndarray:
    affine = affine_for((0, 1, 2), (1, 1, 1), (0.7, 0.9, 3.1))
    if name == "LPS":
        affine = affine_for((0, 1, 2), (-1, -1, 1), (0.5, 0.5, 5))
    if name == "sagittal":
        affine = affine_for((1, 2, 0), (-1, -1, 1), (0.9, 0.9, 1.2))
    if name == "oblique":
        affine[:3, :3] = rotation((10, 20, 30)) @ affine[:3, :3]
    return affine


@pytest.fixture(params=["RAS", "LPS", "sagittal", "oblique"])
def volume(request):
    return volume_of(np.zeros(SHAPE, np.int16), geometry(request.param))


@pytest.fixture
def scene():
    scene = slicer.vtkMRMLScene()
    yield scene
    scene.Clear(True)


def load(scene, node_class: str, storage_class: str, path):
    node = scene.AddNewNodeByClass(node_class)
    storage = scene.AddNewNodeByClass(storage_class)
    if hasattr(storage, "SetCenterImage"):
        storage.SetCenterImage(False)
    storage.SetFileName(str(path))
    assert storage.ReadData(node) == 1
    return node


def voxels_and_geometry(image, ijk_to_ras) -> tuple[np.ndarray, np.ndarray]:
    """[k, j, i] and 4x4 whose origin is the first voxel held, for a vtkImageData whose extent may not begin at 0."""
    low = image.GetExtent()[::2]
    scalars = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    matrix = slicer.util.arrayFromVTKMatrix(ijk_to_ras)
    matrix[:3, 3] = apply_transform(matrix, low)
    return scalars.reshape(image.GetDimensions()[::-1]), matrix


def centroid(mask: np.ndarray, ijk_to_ras: np.ndarray) -> np.ndarray:
    return apply_transform(ijk_to_ras, np.argwhere(mask)[:, ::-1].mean(axis=0))


@pytest.mark.parametrize("segments", [SEGMENTS, OVERLAPPING], ids=["side by side", "overlapping"])
def test_seg_nrrd_loads_with_names_colours_and_places(tmp_path, scene, volume, segments) -> None:
    write_segmentation(tmp_path / "a.seg.nrrd", volume, segments)
    node = load(scene, "vtkMRMLSegmentationNode", "vtkMRMLSegmentationStorageNode", tmp_path / "a.seg.nrrd")
    loaded = node.GetSegmentation()
    assert loaded.GetNumberOfSegments() == len(segments)
    assert loaded.GetSourceRepresentationName() == "Binary labelmap"
    for number, segment in enumerate(segments):
        found = loaded.GetNthSegment(number)
        assert found.GetName() == NAMES[number]
        np.testing.assert_allclose(np.array(found.GetColor()) * 255, segment.color, atol=0.01)
        image = slicer.vtkOrientedImageData()
        assert node.GetBinaryLabelmapRepresentation(loaded.GetNthSegmentID(number), image)
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        voxels, ijk_to_ras = voxels_and_geometry(image, matrix)
        mask = voxels == 1  # one segment alone is asked for: 0 and 1, whatever its label is
        assert np.count_nonzero(mask) == np.count_nonzero(segment.mask)
        expected = centroid(segment.mask, volume.ijk_to_ras)
        np.testing.assert_allclose(centroid(mask, ijk_to_ras), expected, atol=TOLERANCE_MM)


@pytest.mark.parametrize("ending", [".nrrd", ".nii", ".nii.gz"])
def test_labelmap_loads_in_place(tmp_path, scene, volume, ending) -> None:
    write_segmentation(tmp_path / f"a{ending}", volume, SEGMENTS)
    node = load(scene, "vtkMRMLLabelMapVolumeNode", "vtkMRMLVolumeArchetypeStorageNode", tmp_path / f"a{ending}")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    voxels, ijk_to_ras = voxels_and_geometry(node.GetImageData(), matrix)
    for label, segment in enumerate(SEGMENTS, start=1):
        np.testing.assert_array_equal(voxels == label, segment.mask)
        expected = centroid(segment.mask, volume.ijk_to_ras)
        np.testing.assert_allclose(centroid(voxels == label, ijk_to_ras), expected, atol=TOLERANCE_MM)


def test_empty_segment_and_single_voxel_survive(tmp_path, scene, volume) -> None:
    dot = np.zeros(SHAPE, bool)
    dot[0, 0, 0] = True
    segments = [Segment("empty", (1, 2, 3), np.zeros(SHAPE, bool)), Segment("dot", (4, 5, 6), dot)]
    write_segmentation(tmp_path / "a.seg.nrrd", volume, segments)
    node = load(scene, "vtkMRMLSegmentationNode", "vtkMRMLSegmentationStorageNode", tmp_path / "a.seg.nrrd")
    names = [node.GetSegmentation().GetNthSegment(number).GetName() for number in range(2)]
    assert names == ["empty", "dot"]
