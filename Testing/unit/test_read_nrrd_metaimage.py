"""NRRD and MetaImage files: the same voxels and places as ITK reads, or refused in one sentence."""

import bz2
import gzip
import zlib

import numpy as np
import pytest
import SimpleITK

from SAMSegmentLib.geometry import axis_codes
from SAMSegmentLib.io.choices import FrameChoiceNeededError
from SAMSegmentLib.io.read import read_volume
from Testing.generated import rotation
from Testing.paths import SHARED_DATA
from Testing.refusal import refusal

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# file, shape (i, j, k), spacing (rounded to 0.01 mm), axis codes
REAL = [
    ("ct-chest-slicerio/image.nrrd", (128, 128, 34), (3.05, 3.05, 10), "RAS"),
    ("ct-lung-elastix/image.mha", (57, 78, 64), (2.73, 2.73, 5), "LPS"),
    ("ct-lung-elastix/label-finer-grid.mha", (115, 157, 129), (1.37, 1.37, 2.5), "LPS"),
    ("mr-brain-tumour-pyrad1/image.nrrd", (256, 256, 25), (0.78, 0.78, 6.5), "LAS"),
    ("mr-breast-pyrad/image.nrrd", (45, 120, 21), (0.66, 0.66, 2.1), "LPS"),
    ("odd-nifti/single-slice-oblique.nrrd", (192, 192, 1), (1.15, 1.15, 1), "PIR"),
]


def itk_geometry(image: SimpleITK.Image) -> np.ndarray:
    """4x4 IJK to RAS."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ matrix


def itk_image(dtype=np.int16) -> SimpleITK.Image:
    """Small, oblique, with different values in each voxel."""
    image = SimpleITK.GetImageFromArray(np.arange(60).reshape(3, 4, 5).astype(dtype))
    image.SetDirection((rotation((10, 20, 30)) @ np.diag([1, -1, -1])).ravel())
    image.SetSpacing((0.5, 0.75, 4.0))
    image.SetOrigin((-10.25, 20.5, 30.0))
    return image


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"real volumes are not in {SHARED_DATA}")
@pytest.mark.parametrize(("name", "shape", "spacing", "codes"), REAL, ids=[row[0] for row in REAL])
def test_real_file_is_read_as_itk_reads_it(name, shape, spacing, codes, capfd) -> None:
    volume = read_volume(SHARED_DATA / name)
    reference = SimpleITK.ReadImage(SHARED_DATA / name)
    assert volume.shape_ijk == shape
    assert volume.spacing == pytest.approx(spacing, abs=0.006)
    assert axis_codes(volume.ijk_to_ras) == codes
    np.testing.assert_allclose(volume.ijk_to_ras, itk_geometry(reference), atol=1e-3)
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(reference))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"real volumes are not in {SHARED_DATA}")
@pytest.mark.parametrize("name", ["label.seg.nrrd", "label-overlapping.seg.nrrd"])
def test_segmentation_is_not_taken_for_an_image(name) -> None:
    assert "segmentation, not an image" in refusal(SHARED_DATA / "ct-chest-slicerio" / name)


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("compressed", [False, True], ids=["raw", "compressed"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_file_written_by_itk_is_read_back(tmp_path, ending, compressed, dtype) -> None:
    path = tmp_path / f"image{ending}"
    SimpleITK.WriteImage(itk_image(dtype), path, compressed)
    volume = read_volume(path)
    assert volume.array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.array, SimpleITK.GetArrayFromImage(itk_image(dtype)))
    np.testing.assert_allclose(volume.ijk_to_ras, itk_geometry(itk_image()), atol=1e-9)
    assert (volume.name, volume.notes) == ("image", ())


# A 2 x 3 x 2 image of int16, counting from 0.
VOXELS = np.arange(12, dtype="<i2")
NRRD = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "2 3 2",
    "space directions": "(1,0,0) (0,2,0) (0,0,3)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(10,20,30)",
}
META = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "Offset": "10 20 30",
    "ElementSpacing": "1 2 3",
    "DimSize": "2 3 2",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}


def make(path, fields: dict, changes: dict | None = None, data: bytes = VOXELS.tobytes()):
    """A file with some header fields changed; a field set to None is left out."""
    fields = {key: value for key, value in (fields | (changes or {})).items() if value is not None}
    if path.suffix in {".nrrd", ".nhdr"}:
        header = "NRRD0004\n" + "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\n"
    else:
        # MetaImage: nothing behind the line that says where the data are belongs to the header.
        ordered = sorted(fields.items(), key=lambda item: item[0] == "ElementDataFile")
        header = "".join(f"{key} = {value}\n" for key, value in ordered)
    path.write_bytes(header.encode() + data)
    return path


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("raw", bytes),
        ("gzip", gzip.compress),
        ("gz", gzip.compress),
        ("bzip2", bz2.compress),
        ("bz2", bz2.compress),
        ("ascii", lambda _: " ".join(str(value) for value in VOXELS).encode()),
        ("text", lambda _: "\n".join(str(value) for value in VOXELS).encode()),
    ],
)
def test_nrrd_encodings(tmp_path, encoding, pack) -> None:
    volume = read_volume(make(tmp_path / "a.nrrd", NRRD, {"encoding": encoding}, pack(VOXELS.tobytes())))
    np.testing.assert_array_equal(volume.array.ravel(), VOXELS)
    assert volume.array.dtype == np.int16


@pytest.mark.parametrize(
    ("space", "diagonal", "origin"),
    [
        ("left-posterior-superior", (-1, -2, 3), (-10, -20, 30)),
        ("LPS", (-1, -2, 3), (-10, -20, 30)),
        ("right-anterior-superior", (1, 2, 3), (10, 20, 30)),
        ("RAS", (1, 2, 3), (10, 20, 30)),
        ("left-anterior-superior", (-1, 2, 3), (-10, 20, 30)),
    ],
)
def test_nrrd_spaces_end_in_ras(tmp_path, space, diagonal, origin) -> None:
    matrix = read_volume(make(tmp_path / "a.nrrd", NRRD, {"space": space})).ijk_to_ras
    np.testing.assert_allclose(np.diag(matrix)[:3], diagonal)
    np.testing.assert_allclose(matrix[:3, 3], origin)


def test_nrrd_without_space_is_read_with_a_note(tmp_path) -> None:
    plain = {"space": None, "space directions": None, "space origin": None, "spacings": "1 2 3"}
    volume = read_volume(make(tmp_path / "a.nrrd", NRRD, plain))
    assert volume.spacing == (1, 2, 3)
    assert "assumed" in volume.notes[0]


def test_big_endian_files_hold_the_same_values(tmp_path) -> None:
    swapped = VOXELS.byteswap().tobytes()
    nrrd = read_volume(make(tmp_path / "a.nrrd", NRRD, {"endian": "big"}, swapped))
    meta = read_volume(make(tmp_path / "a.mha", META, {"BinaryDataByteOrderMSB": "True"}, swapped))
    for volume in (nrrd, meta):
        np.testing.assert_array_equal(volume.array.ravel(), VOXELS)
        assert volume.array.dtype.isnative


@pytest.mark.parametrize("frames_first", [True, False])
@pytest.mark.parametrize("encoding", ["raw", "gzip", "text"])
def test_nrrd_frames_are_told_apart_from_space(tmp_path, frames_first, encoding) -> None:
    frames = np.stack([VOXELS, VOXELS + 100, VOXELS + 200])
    stored = frames.T if frames_first else frames
    data = {"raw": stored.tobytes(), "gzip": gzip.compress(stored.tobytes())}
    data["text"] = " ".join(str(value) for value in stored.ravel()).encode()
    changes = {"dimension": "4", "encoding": encoding}
    for key, extra in {"sizes": "3", "space directions": "none", "kinds": "list"}.items():
        changes[key] = f"{extra} {NRRD[key]}" if frames_first else f"{NRRD[key]} {extra}"
    path = make(tmp_path / "a.nrrd", NRRD, changes, data[encoding])
    with pytest.raises(FrameChoiceNeededError, match="3 3D frames"):
        read_volume(path)
    np.testing.assert_array_equal(read_volume(path, frame=1).array.ravel(), VOXELS + 100)


def test_metaimage_frames(tmp_path) -> None:
    sizes = {"NDims": "4", "DimSize": "2 3 2 2", "ElementSpacing": "1 2 3 1", "Offset": "0 0 0 0"}
    path = make(tmp_path / "a.mha", META, sizes, np.concatenate([VOXELS, VOXELS + 50]).tobytes())
    np.testing.assert_array_equal(read_volume(path, frame=1).array.ravel(), VOXELS + 50)


def test_two_dimensional_images_become_one_slice(tmp_path) -> None:
    flat = {"NDims": "2", "DimSize": "2 6", "ElementSpacing": "1 2", "Offset": "1 2"}
    assert read_volume(make(tmp_path / "a.mha", META, flat)).shape_ijk == (2, 6, 1)
    flat = {"dimension": "2", "sizes": "2 6", "space directions": None, "kinds": None, "space": None}
    assert read_volume(make(tmp_path / "a.nrrd", NRRD, flat | {"space origin": None})).shape_ijk == (2, 6, 1)


def test_detached_data_in_and_below_the_folder(tmp_path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.raw").write_bytes(b"skipped!" + VOXELS.tobytes())
    nrrd = make(tmp_path / "a.nhdr", NRRD, {"data file": "raw/a.raw", "byte skip": "8"}, b"")
    meta = make(tmp_path / "a.mhd", META, {"HeaderSize": "8", "ElementDataFile": "raw/a.raw"}, b"")
    last = make(tmp_path / "b.mhd", META, {"HeaderSize": "-1", "ElementDataFile": "raw/a.raw"}, b"")
    for path in (nrrd, meta, last):
        np.testing.assert_array_equal(read_volume(path).array.ravel(), VOXELS)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "raw/../../secret.raw", "C:\\secret.raw"])
def test_data_files_outside_of_the_folder_are_refused(tmp_path, name) -> None:
    folder = tmp_path / "case"
    (folder / "raw").mkdir(parents=True)
    (tmp_path / "secret.raw").write_bytes(VOXELS.tobytes())
    assert "outside of its own folder" in refusal(make(folder / "a.nhdr", NRRD, {"data file": name}, b""))
    assert "outside of its own folder" in refusal(make(folder / "a.mhd", META, {"ElementDataFile": name}, b""))


def test_link_to_a_data_file_elsewhere_is_refused(tmp_path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (tmp_path / "secret.raw").write_bytes(VOXELS.tobytes())
    (folder / "a.raw").symlink_to(tmp_path / "secret.raw")
    assert "outside of its own folder" in refusal(make(folder / "a.nhdr", NRRD, {"data file": "a.raw"}, b""))


PLANES_OF_3 = {"sizes": "3 2 2", "space directions": "none (1,0,0) (0,1,0)"}

BAD_NRRD = {
    "wrong sizes": ({"sizes": "2 3 20"}, "cut short"),
    "huge sizes": ({"sizes": "60000 60000 60000"}, "cut short"),
    "huge sizes, compressed": ({"sizes": "60000 60000 60000", "encoding": "gzip"}, "cut short"),
    "zero size": ({"sizes": "2 0 2"}, "no voxels"),
    "negative size": ({"sizes": "2 -3 2"}, "no voxels"),
    "sizes are words": ({"sizes": "two three two"}, "not valid"),
    "dimension and sizes disagree": ({"dimension": "2"}, "not given for each dimension"),
    "no type": ({"type": None}, "lacks 'type'"),
    "block type": ({"type": "block"}, "not numbers"),
    "no byte order": ({"endian": None}, "byte order"),
    "hex encoding": ({"encoding": "hex"}, "'hex' is not read"),
    "not gzip": ({"encoding": "gzip"}, "damaged"),
    "not bzip2": ({"encoding": "bzip2"}, "damaged"),
    "colours": (PLANES_OF_3 | {"kinds": "RGB-color domain domain"}, "several values"),
    "vectors": (PLANES_OF_3 | {"kinds": "vector domain domain"}, "several values"),
    "five dimensions": (
        {"dimension": "5", "sizes": "1 2 3 2 2", "kinds": None, "space directions": None},
        "5 dimensions",
    ),
    "space and time": ({"space": "left-posterior-superior-time"}, "space and time"),
    "two axes run the same way": ({"space directions": "(1,0,0) (1,0,0) (0,0,1)"}, "same way"),
    "no origin numbers": ({"space origin": "(nan,0,0)"}, "not a number"),
    "inches": ({"space units": '"in" "in" "in"'}, "save it in mm"),
    "missing data file": ({"data file": "gone.raw"}, "not beside it"),
    "many data files": ({"data file": "slice%03d.raw 1 5 1"}, "several files"),
    "text with words": ({"encoding": "ascii"}, "cut short"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_NRRD)
def test_bad_nrrd_is_refused(tmp_path, case, capfd) -> None:
    changes, word = BAD_NRRD[case]
    assert word in refusal(make(tmp_path / "bad.nrrd", NRRD, changes))
    assert capfd.readouterr() == ("", "")


BAD_META = {
    "wrong sizes": ({"DimSize": "2 3 20"}, "cut short"),
    "huge sizes": ({"DimSize": "60000 60000 60000"}, "cut short"),
    "zero size": ({"DimSize": "2 0 2"}, "positive integers"),
    "no sizes": ({"DimSize": None}, "positive integers"),
    "infinite size": ({"DimSize": "2 inf 2"}, "positive integers"),
    "sizes are words": ({"DimSize": "two three two"}, "not a list of numbers"),
    "one size too few": ({"DimSize": "2 3"}, "has 2 numbers, not 3"),
    "five dimensions": ({"NDims": "5"}, "NDims = 5"),
    "colours": ({"ElementNumberOfChannels": "3"}, "several values"),
    "unknown type": ({"ElementType": "MET_OTHER"}, "MET_OTHER"),
    "a mesh": ({"ObjectType": "Mesh"}, "not an image"),
    "zero spacing": ({"ElementSpacing": "1 0 3"}, "voxel size is zero"),
    "NaN spacing": ({"ElementSpacing": "1 nan 3"}, "not a number"),
    "not compressed": ({"CompressedData": "True"}, "damaged"),
    "strange HeaderSize": ({"HeaderSize": "-7", "ElementDataFile": "gone.raw"}, "number of bytes"),
    "missing data file": ({"ElementDataFile": "gone.raw"}, "not beside it"),
    "many data files": ({"ElementDataFile": "LIST"}, "several files"),
}


@pytest.mark.parametrize("case", BAD_META)
def test_bad_metaimage_is_refused(tmp_path, case, capfd) -> None:
    changes, word = BAD_META[case]
    assert word in refusal(make(tmp_path / "bad.mha", META, changes))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("pack", [bytes, zlib.compress], ids=["raw", "zlib"])
def test_truncated_metaimage_is_refused_where_itk_is_silent(tmp_path, pack) -> None:
    data = pack(np.random.default_rng(0).integers(0, 999, 12).astype("<i2").tobytes())
    changes = {"CompressedData": str(pack is zlib.compress)}
    assert read_volume(make(tmp_path / "whole.mha", META, changes, data)).shape_ijk == (2, 3, 2)
    assert "cut short" in refusal(make(tmp_path / "cut.mha", META, changes, data[:-5]))


def test_checksum_of_compressed_voxels_is_compared(tmp_path) -> None:
    data = bytearray(gzip.compress(VOXELS.tobytes()))
    data[-6] ^= 0xFF
    assert "damaged" in refusal(make(tmp_path / "a.nrrd", NRRD, {"encoding": "gzip"}, bytes(data)))
    data = bytearray(zlib.compress(VOXELS.tobytes()))
    data[-1] ^= 0xFF
    assert "damaged" in refusal(make(tmp_path / "a.mha", META, {"CompressedData": "True"}, bytes(data)))


def test_sheared_nrrd_is_resampled_with_a_note(tmp_path) -> None:
    path = make(tmp_path / "a.nrrd", NRRD, {"space directions": "(1,0,0) (0,2,0) (0,0.8,3)"})
    assert "right angles" in read_volume(path).notes[0]


def test_text_voxels_beyond_their_type_are_refused(tmp_path) -> None:
    text = " ".join(["70000"] * 12).encode()
    assert "do not fit" in refusal(make(tmp_path / "a.nrrd", NRRD, {"encoding": "ascii"}, text))
    assert "stored as text" in refusal(make(tmp_path / "b.nrrd", NRRD, {"encoding": "ascii"}, b"x " * 12))
