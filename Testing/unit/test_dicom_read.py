"""Generated DICOM series: order, gaps, tilt, values and damage."""

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import is_sheared
from SAMSegmentLib.io.choices import FrameChoiceNeededError, SeriesChoiceNeededError
from SAMSegmentLib.io.dicom import is_dicom_file, list_series, read_dicom
from SAMSegmentLib.io.regrid import NEW_GRID_NOTE
from Testing.dicom_factory import (
    CT_IMAGE,
    MR_IMAGE,
    SECONDARY_CAPTURE,
    SEGMENTATION,
    numbered,
    write_enhanced,
    write_image,
    write_series,
)


def test_slices_are_ordered_by_position_not_by_name(tmp_path):
    array = numbered(5)
    write_series(tmp_path, array, spacing=(3.0, 0.5))
    volume = read_dicom(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    # PixelSpacing is (between rows, between columns).
    np.testing.assert_allclose(volume.ijk_to_ras, np.diag([-0.5, -3.0, 2.0, 1.0]))
    assert volume.notes == ()
    assert [frame.path.name for frame in volume.source_frames] == [f"{n:03d}.dcm" for n in (5, 4, 3, 2, 1)]


def test_a_missing_slice_is_named_and_filled_between_its_neighbours(tmp_path):
    array = numbered(6)
    write_series(tmp_path, array)[3].unlink()
    volume = read_dicom(tmp_path)
    np.testing.assert_array_equal(volume.array, array)  # values grow evenly with k: the mean of neighbours is exact
    note, about_the_grid = volume.notes
    assert about_the_grid == NEW_GRID_NOTE
    assert "1 slice is missing, at 6.00 mm" in note
    assert len(volume.source_frames) == 5


def test_unequal_spacing_is_made_equal(tmp_path):
    for index, z in enumerate((0, 2, 4, 7, 9)):
        write_image(tmp_path / f"{index}.dcm", np.full((4, 4), 10 * z, np.int16), position=(0, 0, z))
    volume = read_dicom(tmp_path)
    assert volume.shape_ijk == (4, 4, 6)
    z_of_slices = volume.ijk_to_ras[2, 3] + volume.ijk_to_ras[2, 2] * np.arange(6)
    np.testing.assert_allclose(volume.array[:, 1, 1], 10 * z_of_slices, atol=0.5)
    assert "unequally spaced (2 to 3 mm)" in volume.notes[0]


@pytest.mark.parametrize(
    ("gaps", "regular"),
    [((2, 2.009, 1.995), True), ((50, 50.4, 49.6), True), ((2, 2.05, 2), False), ((0.02, 0.02, 0.03), False)],
)
def test_rounding_of_positions_is_no_unequal_spacing(tmp_path, gaps, regular):
    for index, z in enumerate(np.cumsum((0, *gaps))):
        write_image(tmp_path / f"{index}.dcm", np.zeros((4, 4), np.int16), position=(0, 0, z))
    assert (read_dicom(tmp_path).notes == ()) is regular


def test_a_wide_hole_is_refused(tmp_path):
    for index, z in enumerate((0, 2, 4, 6, 300, 302, 304)):
        write_image(tmp_path / f"{index}.dcm", np.zeros((4, 4), np.int16), position=(0, 0, z))
    with pytest.raises(InputError, match=r"hole of 294.0 mm between its slices at 6.00 and 300.00 mm"):
        read_dicom(tmp_path)


def test_slices_shifted_against_each_other_are_refused(tmp_path):
    for index, x in enumerate((0, 5, 0)):
        write_image(tmp_path / f"{index}.dcm", np.zeros((4, 4), np.int16), position=(x, 0, 2 * index))
    with pytest.raises(InputError, match=r"shifted against each other by up to 5.0 mm"):
        read_dicom(tmp_path)


def test_a_bar_along_the_table_is_straight_in_a_tilted_series(tmp_path):
    tilt = np.radians(20)
    # The LPS y of each row is the same in all slices, which follow each other along z: so is that of the bar.
    y = np.arange(60) * np.cos(tilt)
    pixels = np.repeat(np.where(np.abs(y - 30) < 4, 1000, 0)[:, None], 8, axis=1).astype(np.int16)
    orientation = (1, 0, 0, 0, np.cos(tilt), -np.sin(tilt))
    write_series(tmp_path, np.stack([pixels] * 12), step=(0, 0, 4), orientation=orientation)
    volume = read_dicom(tmp_path)
    assert "tilted by 20.0 degrees" in volume.notes[0]
    assert not is_sheared(volume.ijk_to_ras)
    for k, weights in enumerate(volume.array[:, :, 3].astype(float)):
        centre = volume.ijk_to_ras @ (3, np.average(np.arange(len(weights)), weights=weights), k, 1)
        assert centre[1] == pytest.approx(-y[np.abs(y - 30) < 4].mean(), abs=0.05)


def test_images_at_the_same_places_are_frames_in_the_order_of_time(tmp_path):
    late, early = numbered(3) + 100, numbered(3)
    write_series(tmp_path / "a", late, sop_class=MR_IMAGE, AcquisitionTime="120000")
    write_series(tmp_path / "b", early, sop_class=MR_IMAGE, AcquisitionTime="115959.5")
    with pytest.raises(FrameChoiceNeededError, match="--frame 0 to 1") as raised:
        read_dicom(tmp_path)
    assert raised.value.frame_count == 2
    np.testing.assert_array_equal(read_dicom(tmp_path, frame=0).array, early)
    np.testing.assert_array_equal(read_dicom(tmp_path, frame=1).array, late)


def test_an_incomplete_time_point_is_named_by_its_place(tmp_path):
    write_series(tmp_path / "a", numbered(3), AcquisitionTime="115959")
    write_series(tmp_path / "b", numbered(3), AcquisitionTime="120000")[1].unlink()
    with pytest.raises(InputError, match=r"2 images at most places but 1 at 2.00 mm"):
        read_dicom(tmp_path, frame=0)


def test_files_with_the_same_instance_uid_are_copies(tmp_path):
    paths = write_series(tmp_path, numbered(3))
    (tmp_path / "copy.dcm").write_bytes(paths[0].read_bytes())
    volume = read_dicom(tmp_path)
    assert volume.shape_ijk[2] == 3
    assert volume.notes == ("Ignored 1 file that repeats an image of the series.",)


def test_several_series_are_listed_and_each_can_be_chosen(tmp_path):
    write_series(tmp_path / "a", numbered(3), SeriesInstanceUID="1.2.3.8", SeriesDescription="Thorax", SeriesNumber=2)
    write_series(tmp_path / "b", numbered(2), SeriesInstanceUID="1.2.3.9", SeriesNumber=1)
    with pytest.raises(SeriesChoiceNeededError) as raised:
        read_dicom(tmp_path)
    assert "1.2.3.9 (CT, 2 images of 5x6), 1.2.3.8 (CT, Thorax, 3 images of 5x6)" in str(raised.value)
    assert raised.value.series == list_series(tmp_path)
    assert [read_dicom(tmp_path, series=entry.selector).shape_ijk[2] for entry in raised.value.series] == [2, 3]


@pytest.mark.parametrize(
    "other",
    [{"orientation": (0, 1, 0, 0, 0, -1)}, {"spacing": (2, 2)}, {"PhotometricInterpretation": "MONOCHROME1"}],
)
def test_unlike_images_of_one_series_are_separate_stacks(tmp_path, other):
    write_series(tmp_path / "a", numbered(3))
    write_series(tmp_path / "b", numbered(2), **other)
    assert [entry.selector for entry in list_series(tmp_path)] == ["1.2.3.4#1", "1.2.3.4#2"]


def test_a_single_file_is_one_slice_and_says_what_else_there_is(tmp_path):
    paths = write_series(tmp_path, numbered(4), SliceThickness=2.5)
    volume = read_dicom(paths[2])
    np.testing.assert_array_equal(volume.array, numbered(4)[2:3])
    assert volume.spacing == (1, 1, 2.5)
    assert "3 more images" in volume.notes[0]


def test_the_name_is_the_description_and_never_the_patient(tmp_path):
    described = write_image(tmp_path / "a.dcm", numbered(1)[0], SeriesDescription="T1 ", SeriesInstanceUID="1.2.1")
    bare = write_image(tmp_path / "b.dcm", numbered(1)[0], SeriesInstanceUID="1.2.2")
    assert [read_dicom(path).name for path in (described, bare)] == ["T1", "b"]


@pytest.mark.parametrize(
    ("stored", "slope", "intercept", "dtype", "expected"),
    [
        (np.array([[0, 4095]], np.uint16), "1", "-1024", np.int16, [-1024, 3071]),
        (np.array([[0, 65535]], np.uint16), "1", "-1024", np.int32, [-1024, 64511]),
        (np.array([[-2, 7]], np.int16), "-3", "5", np.int16, [11, -16]),
        (np.array([[0, 200]], np.uint8), "1", "0", np.uint8, [0, 200]),
        (np.array([[0, 60000]], np.uint16), None, None, np.uint16, [0, 60000]),
        (np.array([[1, 3]], np.uint16), "0.5", "10", np.float32, [10.5, 11.5]),
        (np.array([[1, 3]], np.int32), "1000000", "0", np.int64, [1000000, 3000000]),
    ],
)
def test_values_are_rescaled_in_a_type_that_holds_them(tmp_path, stored, slope, intercept, dtype, expected):
    path = write_image(tmp_path / "a.dcm", stored, RescaleSlope=slope, RescaleIntercept=intercept)
    array = read_dicom(path).array
    assert array.dtype == dtype
    assert array.ravel().tolist() == expected


def test_slopes_of_slices_may_differ(tmp_path):
    for index, slope in enumerate(("1", "2.5", "4")):
        pixels = np.full((3, 3), 10, np.int16)
        write_image(tmp_path / f"{index}.dcm", pixels, position=(0, 0, index), RescaleSlope=slope, RescaleIntercept="0")
    assert read_dicom(tmp_path).array[:, 1, 1].tolist() == [10, 25, 40]


def test_a_modality_lut_is_applied(tmp_path):
    table = Dataset()
    table.LUTDescriptor = [3, 0, 16]
    table.ModalityLUTType = "HU"
    table.add_new("LUTData", "US", [100, 40000, 7])
    pixels = np.array([[0, 1, 2, 9]], np.uint16)
    path = write_image(tmp_path / "a.dcm", pixels, ModalityLUTSequence=Sequence([table]))
    assert read_dicom(path).array.ravel().tolist() == [100, 40000, 7, 7]


def test_monochrome1_keeps_its_values_and_is_marked_inverted(tmp_path):
    path = write_image(tmp_path / "a.dcm", numbered(1)[0], PhotometricInterpretation="MONOCHROME1")
    volume = read_dicom(path)
    assert volume.inverted
    np.testing.assert_array_equal(volume.array[0], numbered(1)[0])


@pytest.mark.parametrize(
    ("center", "width", "window"),
    [(40, 400, (40, 400)), ([50, 1], [350, 2], (50, 350)), (40, 0, None), (40, None, None)],
)
def test_the_first_usable_window_is_taken(tmp_path, center, width, window):
    path = write_image(tmp_path / "a.dcm", numbered(1)[0], WindowCenter=center, WindowWidth=width)
    found = read_dicom(path).window
    assert (found and (found.level, found.width)) == window


@pytest.mark.parametrize(
    ("attributes", "spacing", "note"),
    [
        ({"spacing": None, "ImagerPixelSpacing": [0.2, 0.1]}, (0.1, 0.2, 1), "detector"),
        ({"spacing": None}, (1, 1, 1), "no pixel spacing; 1 mm"),
        ({"spacing": (0, 0)}, (1, 1, 1), "no pixel spacing; 1 mm"),
        ({"orientation": None}, (1, 1, 1), "no orientation; axial"),
        ({"position": None}, (1, 1, 1), "no position"),
        ({"SliceThickness": 3, "SpacingBetweenSlices": -4}, (1, 1, 4), ""),
    ],
)
def test_missing_geometry_is_assumed_and_said(tmp_path, attributes, spacing, note):
    volume = read_dicom(write_image(tmp_path / "a.dcm", numbered(1)[0], **attributes))
    assert volume.spacing == pytest.approx(spacing)
    assert note in " ".join(volume.notes)
    assert bool(volume.notes) == bool(note)


def test_frames_of_a_file_without_groups_are_stacked_by_the_stated_spacing(tmp_path):
    path = write_image(tmp_path / "a.dcm", numbered(4), position=(1, 2, 3), SpacingBetweenSlices=2.5)
    volume = read_dicom(path)
    np.testing.assert_array_equal(volume.array, numbered(4))
    assert (volume.ijk_to_ras @ (0, 0, 3, 1))[:3] == pytest.approx((-1, -2, 10.5))
    assert "stacked in stored order, 2.5 mm apart" in volume.notes[0]


def test_a_cine_is_frames_in_time_not_slices(tmp_path):
    path = write_image(tmp_path / "a.dcm", numbered(4), FrameIncrementPointer=0x00181063, FrameTime=40)
    np.testing.assert_array_equal(read_dicom(path, frame=2).array, numbered(4)[2:3])


def test_enhanced_frames_are_sorted_scaled_and_split_by_time(tmp_path):
    frames = np.stack([np.full((4, 6), value, np.uint16) for value in (1, 2, 3, 4)])
    items = [
        {"position": (0, 0, 5), "temporal": 2, "slope": 2},
        {"position": (0, 0, 0), "temporal": 2, "intercept": 7},
        {"position": (0, 0, 0), "temporal": 1},
        {"position": (0, 0, 5), "temporal": 1},
    ]
    path = write_enhanced(tmp_path / "a.dcm", frames, items)
    with pytest.raises(FrameChoiceNeededError):
        read_dicom(path)
    first, second = read_dicom(path, frame=0), read_dicom(path, frame=1)
    assert first.array[:, 0, 0].tolist() == [3, 4]
    assert second.array[:, 0, 0].tolist() == [9, 2]
    assert [frame.frame for frame in second.source_frames] == [2, 1]
    assert second.spacing == (1.5, 2.0, 5.0)
    assert (second.window.level, second.window.width) == (50, 100)


def test_stacks_of_an_enhanced_file_are_chosen_like_series(tmp_path):
    items = [
        {"position": (0, 0, 0)},
        {"position": (0, 0, 5)},
        {"position": (0, 0, 0), "orientation": (0, 1, 0, 0, 0, -1)},
    ]
    path = write_enhanced(tmp_path / "a.dcm", numbered(3), items)
    assert [entry.image_count for entry in list_series(path)] == [2, 1]
    np.testing.assert_array_equal(read_dicom(path, series="1.2.3.4#2").array, numbered(3)[2:])


@pytest.mark.parametrize(
    ("compressor", "syntax"), [("JPEG", JPEGLosslessSV1), ("JPEG2000", JPEG2000Lossless), ("RLE", RLELossless)]
)
def test_compressed_slices_decode_with_the_declared_plugins(tmp_path, compressor, syntax):
    pixels = numbered(1, (64, 48))[0]
    if compressor == "RLE":
        dataset = pydicom.dcmread(write_image(tmp_path / "plain.dcm", pixels))
        dataset.compress(syntax, encoding_plugin="pydicom")
        dataset.save_as(tmp_path / "a.dcm")
    else:
        writer = SimpleITK.ImageFileWriter()
        writer.SetFileName(str(tmp_path / "a.dcm"))
        writer.SetUseCompression(True)
        writer.SetCompressor(compressor)
        image = SimpleITK.GetImageFromArray(pixels[None])
        image.SetMetaData("0008|0016", CT_IMAGE)
        writer.Execute(image)
    assert pydicom.dcmread(tmp_path / "a.dcm").file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read_dicom(tmp_path / "a.dcm").array[0], pixels)


def test_other_objects_and_files_beside_a_series_are_skipped_with_a_note(tmp_path):
    write_series(tmp_path / "series", numbered(2))
    write_image(tmp_path / "seg.dcm", numbered(1)[0], sop_class=SEGMENTATION)
    write_image(tmp_path / "shot.dcm", numbered(1)[0], sop_class=SECONDARY_CAPTURE, position=None)
    (tmp_path / "read me.txt").write_text("hello")
    volume = read_dicom(tmp_path)
    assert volume.shape_ijk[2] == 2
    assert volume.notes == (
        "Skipped 1 Secondary Capture Image without a position object.",
        "Skipped 1 Segmentation object.",
        "Ignored 1 file (read me.txt) that cannot be read as DICOM.",
    )


def test_a_file_without_preamble_is_read(tmp_path):
    path = write_image(tmp_path / "a.dcm", numbered(1)[0])
    dataset = pydicom.dcmread(path)
    del dataset.file_meta
    dataset.preamble = None
    dataset.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert (tmp_path / "bare").read_bytes()[128:132] != b"DICM"
    assert is_dicom_file(tmp_path / "bare")
    np.testing.assert_array_equal(read_dicom(tmp_path / "bare").array[0], numbered(1)[0])


def test_progress_counts_up_to_the_number_of_slices(tmp_path):
    write_series(tmp_path, numbered(10))
    seen = []
    read_dicom(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 10) for n in range(1, 11)]


def test_links_that_lead_back_do_not_trap_the_scan(tmp_path):
    write_series(tmp_path / "a", numbered(2))
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    assert read_dicom(tmp_path).shape_ijk[2] == 2


def test_one_slice_of_large_values_widens_the_whole_volume(tmp_path):
    slices = np.zeros((3, 4, 4), np.uint16)
    slices[1] = 60000
    write_series(tmp_path, slices, RescaleIntercept="-1024", RescaleSlope="1")
    array = read_dicom(tmp_path).array
    assert array.dtype == np.int32
    assert array[:, 0, 0].tolist() == [-1024, 58976, -1024]
