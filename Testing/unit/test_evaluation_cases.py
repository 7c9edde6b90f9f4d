"""Cases, reference masks and the choice of what is evaluated."""

import gzip
import json

import nibabel
import nrrd
import numpy as np
import pytest

from SAMSegmentLib.cli import run
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.evaluation.cases import find_cases, read_case
from SAMSegmentLib.evaluation.labels import Structure, read_reference
from SAMSegmentLib.evaluation.targets import Target, choose_targets, fair_shares, find_targets, target_mask
from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.io.read import read_volume
from SAMSegmentLib.io.seg_nrrd import write_seg_nrrd
from SAMSegmentLib.segments import Segment

LABELLED_CASES = 13
AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


def write_nifti(path, array, affine=AFFINE):
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def blocks(shape=(24, 20, 6)):
    """Label 1: a block of 10 x 6 voxels in 4 slices, with a crumb beside it in one; label 2: one voxel. [i, j, k]."""
    labels = np.zeros(shape, dtype=np.uint8)
    labels[4:14, 5:11, 1:5] = 1
    labels[20, 15, 2] = 1
    labels[1, 1, 1] = 2
    return labels


@pytest.fixture
def case_folder(tmp_path):
    folder = tmp_path / "case"
    folder.mkdir()
    write_nifti(folder / "image.nii.gz", np.arange(24 * 20 * 6, dtype=np.int16).reshape(24, 20, 6))
    write_nifti(folder / "label.nii.gz", blocks())
    (folder / "labels.json").write_text(json.dumps({"1": "block", "2": "dot", "heart file 3": "heart"}))
    return folder


def only_case(folder):
    (files,) = find_cases(folder)
    return read_case(files)


def test_a_case_is_found_alone_and_among_others(case_folder):
    (case_folder.parent / "notes").mkdir()
    (case_folder.parent / "notes" / "label.nii.gz").write_bytes(b"")  # no image: not a case
    assert [case.name for case in find_cases(case_folder)] == ["case"]
    assert [case.name for case in find_cases(case_folder.parent)] == ["case"]


def test_structures_have_the_names_of_labels_json(case_folder):
    assert only_case(case_folder).reference.structures == (Structure("block", 1), Structure("dot", 2))
    (case_folder / "labels.json").unlink()
    assert only_case(case_folder).reference.structures[0].name == "label 1"


def test_structures_of_the_same_name_are_told_apart(case_folder):
    (case_folder / "labels.json").write_text('{"1": "rib", "2": "rib"}')
    assert [item.name for item in only_case(case_folder).reference.structures] == ["rib (0/1)", "rib (0/2)"]


def test_labels_stored_as_float_are_whole_numbers_all_the_same(case_folder):
    write_nifti(case_folder / "label.nii.gz", blocks().astype(np.float32))
    assert [item.value for item in only_case(case_folder).reference.structures] == [1, 2]


def test_overlapping_segments_of_a_slicer_segmentation_are_both_read(case_folder):
    image = read_volume(case_folder / "image.nii.gz")
    (case_folder / "label.nii.gz").unlink()
    large, small = np.zeros((2, *image.array.shape), dtype=bool)
    large[1:5, 2:12, 2:12] = True
    small[2:4, 4:8, 4:8] = True
    segments = [Segment("liver", (1, 2, 3), large), Segment("tumour", (3, 2, 1), small)]
    write_seg_nrrd(case_folder / "label.seg.nrrd", image, segments)
    reference = read_reference(case_folder / "label.seg.nrrd", image)
    assert [item.name for item in reference.structures] == ["liver", "tumour"]
    for structure, mask in zip(reference.structures, (large, small), strict=True):
        assert np.array_equal(reference.layers[structure.layer] == structure.value, mask)


def test_a_target_is_the_largest_component_of_a_structure(case_folder):
    case = only_case(case_folder)
    plane = slice_plane(case.image, Orientation.AXIAL, 2)
    assert target_mask(case, plane, case.reference.structures[0]).sum() == 10 * 6


def test_a_structure_of_less_than_50_pixels_is_left_out(case_folder):
    found = [
        (target.structure.name, target.index) for target in find_targets(only_case(case_folder), Orientation.AXIAL)
    ]
    assert found == [("block", 1), ("block", 2), ("block", 3), ("block", 4)]


def test_a_large_slice_is_measured_as_if_scaled_down_to_256(case_folder):
    # 200 pixels are 57 on 256 where the slice has 480 of them, and 40 where it has 576.
    for factor, found in ((20, 4), (24, 0)):
        labels = np.zeros((24 * factor, 20 * factor, 6), dtype=np.uint8)
        labels[40:60, 50:60, 1:5] = 1
        write_nifti(case_folder / "image.nii.gz", np.zeros(labels.shape, dtype=np.int16))
        write_nifti(case_folder / "label.nii.gz", labels)
        assert len(find_targets(only_case(case_folder), Orientation.AXIAL)) == found


def test_targets_of_other_orientations_lie_in_their_slices(case_folder):
    labels = np.zeros((24, 20, 12), dtype=np.uint8)
    labels[4:14, 5:15, 2:10] = 1
    write_nifti(case_folder / "image.nii.gz", np.zeros(labels.shape, dtype=np.int16))
    write_nifti(case_folder / "label.nii.gz", labels)
    targets = find_targets(only_case(case_folder), Orientation.SAGITTAL)
    assert {item.index for item in targets if item.structure.value == 1} == {*range(4, 14)}


@pytest.mark.parametrize(
    ("available", "total", "shares"),
    [
        ([10, 2, 10], 12, [5, 2, 5]),
        ([3, 3], 100, [3, 3]),
        ([9, 9, 9, 9], 2, [0, 1, 0, 1]),
        ([], 5, []),
        ([4, 4, 4], 0, [0, 0, 0]),
    ],
)
def test_shares_are_fair(available, total, shares):
    assert fair_shares(available, total) == shares


def test_chosen_targets_are_spread_over_structures_and_slices():
    large, small = Structure("large", 1), Structure("small", 2)
    targets = [Target(large, index) for index in range(100)] + [Target(small, index) for index in (7, 8)]
    chosen = choose_targets(targets, 6)
    assert [item.index for item in chosen if item.structure is small] == [7, 8]
    assert [item.index for item in chosen if item.structure is large] == [12, 37, 62, 87]
    assert len(choose_targets(targets, 1000)) == len(choose_targets(targets)) == 15 + 2


def cut_short(folder):
    content = (folder / "label.nii.gz").read_bytes()
    (folder / "label.nii.gz").write_bytes(content[: len(content) // 2])


def fractions(folder):
    write_nifti(folder / "label.nii.gz", blocks().astype(np.float32) * 0.5)


def shifted(folder):
    affine = AFFINE.copy()
    affine[0, 3] = 2.0
    write_nifti(folder / "label.nii.gz", blocks(), affine)


def smaller(folder):
    write_nifti(folder / "label.nii.gz", blocks()[:, :, :-1])


def nothing_labelled(folder):
    write_nifti(folder / "label.nii.gz", blocks() * 0)


def not_a_segmentation(folder):
    (folder / "label.nii.gz").unlink()
    (folder / "label.seg.nrrd").write_bytes(b"NRRD0004\ntype: uchar\nnonsense\n")


def segmentation_cut_short(folder):
    (folder / "label.nii.gz").unlink()
    image = read_volume(folder / "image.nii.gz")
    path = folder / "label.seg.nrrd"
    write_seg_nrrd(path, image, [Segment("a", (1, 2, 3), blocks().T == 1)])
    path.write_bytes(path.read_bytes()[:-20])


def segmentation_of_too_many_voxels(folder):
    (folder / "label.nii.gz").unlink()
    header = (
        "NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 90000 90000 90000\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: gzip\n\n"
    )
    (folder / "label.seg.nrrd").write_bytes(header.encode() + gzip.compress(b"\1" * 10))


def segmentation_in_another_space(folder):
    (folder / "label.nii.gz").unlink()
    header = {"space": "scanner-xyz", "space directions": np.eye(3), "space origin": [0, 0, 0]}
    nrrd.write(str(folder / "label.seg.nrrd"), blocks(), header)


def names_are_not_json(folder):
    (folder / "labels.json").write_text("{1: spleen}")


def names_are_a_list(folder):
    (folder / "labels.json").write_text('["spleen"]')


@pytest.mark.parametrize(
    ("damage", "file", "reason"),
    [
        (cut_short, "label.nii.gz", "copy or export it again"),
        (fractions, "label.nii.gz", "not whole numbers"),
        (shifted, "label.nii.gz", "not on the grid"),
        (smaller, "label.nii.gz", "not on the grid"),
        (nothing_labelled, "label.nii.gz", "nothing is labelled"),
        (not_a_segmentation, "label.seg.nrrd", "export it again"),
        (segmentation_cut_short, "label.seg.nrrd", "export it again"),
        (segmentation_of_too_many_voxels, "label.seg.nrrd", "memory"),
        (segmentation_in_another_space, "label.seg.nrrd", "not a segmentation as Slicer writes it"),
        (names_are_not_json, "labels.json", "is not JSON"),
        (names_are_a_list, "labels.json", "must be an object"),
    ],
)
def test_a_damaged_case_is_refused_in_one_sentence_before_the_work_begins(case_folder, capsys, damage, file, reason):
    damage(case_folder)
    assert run(["evaluate", str(case_folder), "--no-baselines"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert file in captured.err
    assert reason in captured.err


@pytest.mark.parametrize("name", ["no-such-folder", "file.txt", "empty"])
def test_a_place_without_cases_is_refused(tmp_path, name):
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name):
        find_cases(tmp_path / name)


def test_every_real_labelled_case_is_read_with_its_structures(shared_data):
    counts = {files.name: len(read_case(files).reference.structures) for files in find_cases(shared_data)}
    assert len(counts) == LABELLED_CASES
    assert counts["ct-abdomen-totalseg"] == 61
    assert counts["ct-chest-slicerio"] == 7
    assert counts["dicom-ct-3slice-with-seg"] == 2
    assert counts["mr-macaque-inia19"] == 724
