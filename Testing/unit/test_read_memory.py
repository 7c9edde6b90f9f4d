"""Images larger than free memory are refused before they are read, whatever is made of them on the way."""

import tracemalloc

import nibabel as nib
import nrrd
import numpy as np
import pytest

from SAMSegmentLib.errors import OutputError
from SAMSegmentLib.io.read import read_volume
from SAMSegmentLib.io.write import write_segmentation
from SAMSegmentLib.segments import Segment
from Testing.generated import volume_of
from Testing.refusal import refusal

SHAPE = (160, 160, 160)
# What is left free for the rest of the machine, and pieces in which files are read.
HEADROOM = 256 * 2**20
PIECES = 10 * 2**20


def nifti(path, array, slope=None, shear=0.0):
    affine = np.diag([1.0, 1, 3, 1])
    affine[1, 2] = shear
    image = nib.Nifti1Image(array, affine, dtype=array.dtype)
    image.to_filename(path)
    if slope is not None:
        content = bytearray(path.read_bytes())
        content[112:120] = np.array([slope, 0], "<f4").tobytes()
        path.write_bytes(content)
    return path


def with_nan(array):
    array[0, 0, 0] = np.nan
    return array


def frames_side_by_side(path):
    header = {"kinds": ["list", "domain", "domain", "domain"], "encoding": "raw", "space": "LPS"}
    header["space directions"] = np.vstack([np.full(3, np.nan), np.eye(3)])
    nrrd.write(str(path), np.zeros((3, *SHAPE), np.int16), header)
    return path


FILES = {
    "int16": lambda folder: nifti(folder / "a.nii", np.zeros(SHAPE, np.int16)),
    "int16 scaled": lambda folder: nifti(folder / "a.nii", np.zeros(SHAPE, np.int16), slope=2.5),
    "int32 scaled": lambda folder: nifti(folder / "a.nii", np.zeros(SHAPE, np.int32), slope=2.5),
    "int64": lambda folder: nifti(folder / "a.nii", np.full(SHAPE, 2**40, np.int64)),
    "float32": lambda folder: nifti(folder / "a.nii", np.zeros(SHAPE, np.float32)),
    "float64 with NaN": lambda folder: nifti(folder / "a.nii", with_nan(np.zeros(SHAPE))),
    "int16 sheared": lambda folder: nifti(folder / "a.nii", np.zeros(SHAPE, np.int16), shear=0.3),
    "big endian": lambda folder: nifti(folder / "a.nii", np.zeros(SHAPE, ">f8")),
    "frames side by side": lambda folder: frames_side_by_side(folder / "a.nrrd"),
}


def free_memory(monkeypatch, byte_count: int) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": HEADROOM + byte_count}))


def peak_of(task) -> int:
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", FILES.values(), ids=FILES.keys())
def test_image_is_refused_when_less_memory_is_free_than_reading_it_takes(tmp_path, make, monkeypatch) -> None:
    path = make(tmp_path)
    frame = 0 if path.suffix == ".nrrd" else None
    peak = peak_of(lambda: read_volume(path, frame=frame))
    free_memory(monkeypatch, peak - PIECES)
    assert "of memory" in refusal(path, frame=frame)
    # Nor is it refused without need.
    free_memory(monkeypatch, peak * 5 // 4)
    read_volume(path, frame=frame)


def test_one_long_word_in_a_text_file_does_not_take_its_length_for_each_voxel(tmp_path) -> None:
    path = tmp_path / "a.nrrd"
    header = "NRRD0004\ntype: short\ndimension: 3\nsizes: 60 60 60\nencoding: text\nspacings: 1 1 1\n\n"
    path.write_text(header + "0" * 4000 + "7" + " 1" * (60**3 - 1))
    peak = peak_of(lambda: read_volume(path))
    assert peak < 40 * path.stat().st_size
    assert read_volume(path).array[0, 0, :2].tolist() == [7, 1]


SIZE = (100, 150, 200)


def overlapping_masks():
    masks = np.zeros((2, *SIZE), bool)
    masks[:, 3:60, 5:60, 2:60] = True
    return [Segment(f"s{number}", (0, 0, 0), mask) for number, mask in enumerate(masks)]


@pytest.mark.parametrize("ending", [".seg.nrrd", ".nrrd", ".nii"])
def test_segmentation_is_refused_when_it_would_not_fit_into_memory(tmp_path, ending, monkeypatch) -> None:
    volume, segments, path = volume_of(np.zeros(SIZE, np.int16)), overlapping_masks(), tmp_path / f"a{ending}"
    path.write_bytes(b"old")
    free_memory(monkeypatch, np.prod(SIZE) // 2)
    with pytest.raises(OutputError, match=r"a\..*needs .* of memory"):
        write_segmentation(path, volume, segments)
    assert path.read_bytes() == b"old"
