"""DICOM Segmentation objects: read back with highdicom, they hold the masks on the images they were made on."""

import highdicom
import numpy as np
import pydicom
import pytest

from SAMSegmentLib.errors import OutputError
from SAMSegmentLib.io.dicom import read_dicom
from SAMSegmentLib.io.dicom_seg import masks_on_frame, write_dicom_seg
from SAMSegmentLib.segments import Segment
from SAMSegmentLib.volume import Volume
from Testing.dicom_factory import numbered, write_enhanced, write_series

RED, GREEN = (255, 0, 0), (0, 158, 115)

# Real sources: classic, compressed, oblique, resampled, enhanced, without functional groups, with bare headers.
SOURCES = [
    ("dicom-ct-3slice-with-seg", {}),
    ("dicom-ct-enhanced-multiframe", {}),
    ("dicom-ct-head-j2k-DERIVED", {}),
    ("dicom-ct-rtstruct-broken-refs", {}),
    ("dicom-ct-tilt-variable-spacing-ge", {}),
    ("dicom-mr-enhanced-multiframe/emri_small_RLE", {}),
    ("dicom-mr-enhanced-multiframe/emri_small_big_endian", {}),
    ("dicom-mr-hitachi-oblique", {}),
    ("dicom-noise-mr-4d-fmri-ge", {"frame": 1}),
    ("dicom-noise-mr-nonsquare-pixels", {}),
    ("dicom-single-slice-pydicom/dicom/CT_small.dcm", {}),
]


def _overlapping_segments(volume):
    """A block in the first half of the slices, and an overlapping one in all but the last slice."""
    one, two = np.zeros((2, *volume.array.shape), dtype=bool)
    slices = len(one)
    one[: slices // 2 + 1, 4:12, 6:20] = True
    two[: max(1, slices - 1), 9:15, 10:17] = True
    return [Segment("liver", RED, one), Segment("Läsion 2", GREEN, two)]


def _masks_by_source(path):
    """{(SOPInstanceUID, frame number): {segment number: mask}} straight from the file."""
    dataset = pydicom.dcmread(path)
    found = {}
    for item, pixels in zip(dataset.PerFrameFunctionalGroupsSequence, _frames(dataset), strict=True):
        source = item.DerivationImageSequence[0].SourceImageSequence[0]
        key = (source.ReferencedSOPInstanceUID, int(source.get("ReferencedFrameNumber", 1)))
        shared = dataset.SharedFunctionalGroupsSequence[0]
        identification = item.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        found.setdefault(key, {})[identification[0].ReferencedSegmentNumber] = pixels.astype(bool)
    return found


def _frames(dataset):
    pixels = dataset.pixel_array
    return pixels if pixels.ndim == 3 else pixels[None]


@pytest.mark.parametrize(("name", "options"), SOURCES)
def test_masks_and_references_are_on_the_source_frames(shared_data, tmp_path, name, options):
    volume = read_dicom(shared_data / name, **options)
    segments = _overlapping_segments(volume)
    path = tmp_path / "out.dcm"
    write_dicom_seg(path, volume, segments)

    found = _masks_by_source(path)
    used = set()
    for frame in volume.source_frames:
        key = (frame.sop_instance_uid, frame.frame)
        expected = masks_on_frame(volume, frame, [segment.mask for segment in segments])
        for number in (1, 2):
            mask = found.get(key, {}).get(number, np.zeros(frame.shape, bool))
            np.testing.assert_array_equal(mask, expected[..., number - 1])
            used |= {key} if expected[..., number - 1].any() else set()
    assert set(found) == used
    assert used


@pytest.mark.parametrize(("name", "options"), SOURCES)
def test_highdicom_reads_the_segmentation_back(shared_data, tmp_path, name, options):
    volume = read_dicom(shared_data / name, **options)
    path = tmp_path / "out.dcm"
    write_dicom_seg(path, volume, _overlapping_segments(volume))

    segmentation = highdicom.seg.segread(path)
    source = pydicom.dcmread(volume.source_frames[0].path, stop_before_pixels=True)
    assert segmentation.segmentation_type is highdicom.seg.SegmentationTypeValues.BINARY
    assert segmentation.StudyInstanceUID == source.StudyInstanceUID
    assert segmentation.PatientID == source.get("PatientID", "")
    assert segmentation.PatientName == source.get("PatientName", "")
    assert segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID
    uids = {str(uid) for _, _, uid in segmentation.get_source_image_uids()}
    assert uids == {frame.sop_instance_uid for frame in volume.source_frames}
    liver, lesion = (segmentation.get_segment_description(number) for number in (1, 2))
    assert (liver.segment_label, lesion.segment_label) == ("liver", "Läsion 2")
    assert liver.algorithm_type is highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC
    assert highdicom.color.CIELabColor.from_dicom_value(tuple(liver.RecommendedDisplayCIELabValue)).to_rgb() == RED
    assert liver.tracking_uid != lesion.tracking_uid


@pytest.mark.parametrize("name", ["dicom-mr-hitachi-oblique", "dicom-noise-mr-nonsquare-pixels"])
def test_frames_have_the_place_of_their_source_image(shared_data, tmp_path, name):
    volume = read_dicom(shared_data / name)
    path = tmp_path / "out.dcm"
    write_dicom_seg(path, volume, _overlapping_segments(volume))
    dataset = pydicom.dcmread(path)
    images = {str(image.SOPInstanceUID): image for image in map(pydicom.dcmread, (shared_data / name).rglob("*.dcm"))}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    for item in dataset.PerFrameFunctionalGroupsSequence:
        image = images[item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        assert item.PlanePositionSequence[0].ImagePositionPatient == pytest.approx(image.ImagePositionPatient)
        assert orientation == pytest.approx(image.ImageOrientationPatient)
        assert shared.PixelMeasuresSequence[0].PixelSpacing == pytest.approx(image.PixelSpacing)


def test_a_mask_on_a_regular_series_is_written_voxel_by_voxel(tmp_path):
    write_series(tmp_path / "ct", numbered(4, (12, 20)))
    volume = read_dicom(tmp_path / "ct")
    mask = np.random.default_rng(0).random(volume.array.shape) < 0.5
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("noise", RED, mask)])
    found = _masks_by_source(tmp_path / "out.dcm")
    for k, frame in enumerate(volume.source_frames):
        np.testing.assert_array_equal(found[frame.sop_instance_uid, 1][1], mask[k])


def test_a_mask_on_a_volume_with_a_filled_gap_stays_on_the_measured_slices(tmp_path):
    write_series(tmp_path / "ct", numbered(6, (12, 20)))[2].unlink()
    volume = read_dicom(tmp_path / "ct")
    mask = np.zeros(volume.array.shape, bool)
    for k in range(6):
        mask[k, k : k + 3, 4:9] = True
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("steps", RED, mask)])
    found = _masks_by_source(tmp_path / "out.dcm")
    assert len(found) == 5
    for frame, k in zip(volume.source_frames, (0, 1, 3, 4, 5), strict=True):
        np.testing.assert_array_equal(found[frame.sop_instance_uid, 1][1], mask[k])


def test_frames_of_the_chosen_time_point_keep_their_stored_numbers(tmp_path):
    items = [{"position": (0, 0, z), "temporal": time} for time in (1, 2) for z in (0, 5, 10)]
    source = write_enhanced(tmp_path / "mr.dcm", numbered(6, (12, 20)), items)
    volume = read_dicom(source, frame=1)
    mask = np.zeros(volume.array.shape, bool)
    mask[1, 2:5, 3:9] = True
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("one", RED, mask), Segment("same", GREEN, mask)])
    found = _masks_by_source(tmp_path / "out.dcm")
    assert list(found) == [(volume.source_frames[0].sop_instance_uid, 5)]


def test_bare_headers_get_empty_values_and_names_of_other_scripts_survive(tmp_path):
    attributes = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg", "PatientSex": "UNKNOWN"}
    write_series(tmp_path / "ct", numbered(2, (12, 20)), FrameOfReferenceUID=None, **attributes)
    volume = read_dicom(tmp_path / "ct")
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("肝臓", RED, np.ones(volume.array.shape, bool))])
    segmentation = highdicom.seg.segread(tmp_path / "out.dcm")
    assert segmentation.PatientName == "Müller^Jörg"
    assert segmentation.get_segment_description(1).segment_label == "肝臓"
    assert not any((segmentation.PatientID, segmentation.PatientSex, segmentation.StudyDate))


def test_a_slice_thickness_that_is_no_number_is_replaced_by_the_distance_of_slices(tmp_path):
    for path in write_series(tmp_path / "ct", numbered(3, (12, 20)), SliceThickness="1.25"):
        path.write_bytes(path.read_bytes().replace(b"1.25", b"1.x5"))
    volume = read_dicom(tmp_path / "ct")
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment("one", RED, np.ones(volume.array.shape, bool))])
    shared = pydicom.dcmread(tmp_path / "out.dcm").SharedFunctionalGroupsSequence[0]
    assert shared.PixelMeasuresSequence[0].SliceThickness == 2


def _written(tmp_path):
    write_series(tmp_path / "ct", numbered(3, (12, 20)))
    volume = read_dicom(tmp_path / "ct")
    return volume, Segment("one", RED, np.ones(volume.array.shape, bool))


def _without_source(tmp_path):
    volume, segment = _written(tmp_path)
    return Volume(volume.array, volume.ijk_to_ras), [segment]


def _nothing_segmented(tmp_path):
    volume, segment = _written(tmp_path)
    return volume, [Segment("empty", RED, np.zeros_like(segment.mask))]


def _other_grid(tmp_path):
    volume, segment = _written(tmp_path)
    return volume, [Segment("other", RED, segment.mask[1:])]


def _source_gone(tmp_path):
    volume, segment = _written(tmp_path)
    volume.source_frames[1].path.unlink()
    return volume, [segment]


def _no_study(tmp_path):
    write_series(tmp_path / "ct", numbered(3, (12, 20)), StudyInstanceUID=None)
    volume = read_dicom(tmp_path / "ct")
    return volume, [Segment("one", RED, np.ones(volume.array.shape, bool))]


def _unknown_image_class(tmp_path):
    write_series(tmp_path / "ct", numbered(3, (12, 20)), sop_class="1.2.840.10008.5.1.4.1.1.999")
    volume = read_dicom(tmp_path / "ct")
    return volume, [Segment("one", RED, np.ones(volume.array.shape, bool))]


def _several_multiframe_files(tmp_path):
    (tmp_path / "mr").mkdir()
    for z in (0, 5):
        items = [{"position": (0, 0, z)}, {"position": (0, 0, z + 2.5)}]
        write_enhanced(tmp_path / "mr" / f"{z}.dcm", numbered(2, (12, 20)), items)
    volume = read_dicom(tmp_path / "mr")
    return volume, [Segment("one", RED, np.ones(volume.array.shape, bool))]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_without_source, "not DICOM; choose a name that ends in .seg.nrrd"),
        (_nothing_segmented, "no segment has a voxel"),
        (_other_grid, "segment other is not on the grid"),
        (_source_gone, "cannot be read any more"),
        (_no_study, "StudyInstanceUID"),
        (_unknown_image_class, "do not allow for it"),
        (_several_multiframe_files, "several multi-frame files"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, make, words):
    path = tmp_path / "out.dcm"
    path.write_bytes(b"old")
    volume, segments = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError) as raised:
        write_dicom_seg(path, volume, segments)
    message = str(raised.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message
    assert message.endswith(".")
    assert path.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_does_not_exist_is_an_output_error(tmp_path):
    volume, segment = _written(tmp_path)
    with pytest.raises(OutputError, match=r"out\.dcm"):
        write_dicom_seg(tmp_path / "nowhere" / "out.dcm", volume, [segment])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("left\nlung\r\n lobe", "left lung lobe"),
        ("a\tb\x00c", "a b c"),
        ("GTV\\1", "GTV/1"),
        ("\n", "Segment 1"),
        ("n" * 63 + " n", "n" * 63),
    ],
)
def test_labels_are_one_line_that_dicom_can_hold(tmp_path, name, label):
    volume, segment = _written(tmp_path)
    write_dicom_seg(tmp_path / "out.dcm", volume, [Segment(name, RED, segment.mask)])
    assert pydicom.dcmread(tmp_path / "out.dcm").SegmentSequence[0].SegmentLabel == label


@pytest.mark.parametrize(
    ("failing", "error"),
    [("Segmentation", MemoryError), ("SegmentDescription", TypeError), ("Segmentation", IndexError)],
)
def test_want_of_memory_and_our_own_mistakes_are_not_blamed_on_the_image(tmp_path, monkeypatch, failing, error):
    volume, segment = _written(tmp_path)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(highdicom.seg, failing, fail)
    with pytest.raises(error):
        write_dicom_seg(tmp_path / "out.dcm", volume, [segment])
    assert not (tmp_path / "out.dcm").exists()
