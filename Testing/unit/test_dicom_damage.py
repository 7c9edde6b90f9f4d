"""Generated DICOM input that cannot be used: each is refused in one sentence."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import Decoder
from pydicom.sequence import Sequence

from SAMSegmentLib.errors import InputError, SAMSegmentError
from SAMSegmentLib.io.dicom import pixels, read_dicom
from Testing.dicom_factory import SEGMENTATION, numbered, write_enhanced, write_image, write_series


def _empty_folder(folder):
    return folder


def _empty_file(folder):
    (folder / "a.dcm").touch()
    return folder / "a.dcm"


def _text_file(folder):
    (folder / "a.dcm").write_text("no image " * 100)
    return folder / "a.dcm"


def _seg_only(folder):
    write_image(folder / "a.dcm", numbered(1)[0], sop_class=SEGMENTATION)
    return folder


def _cut_off(folder):
    path = write_series(folder, numbered(3, (64, 64)))[1]
    path.write_bytes(path.read_bytes()[:-100])
    return folder


def _cut_in_header(folder):
    path = write_image(folder / "a.dcm", numbered(1)[0])
    path.write_bytes(path.read_bytes()[:400])
    return path


def _image(**attributes):
    def make(folder):
        return write_image(folder / "a.dcm", numbered(1)[0], **attributes)

    return make


def _no_positions(folder):
    write_series(folder, numbered(2), ImagePositionPatient=None)
    return folder


def _lying_enhanced(folder):
    return write_enhanced(folder / "a.dcm", numbered(3), [{"position": (0, 0, 0)}])


def _video(folder):
    path = write_image(folder / "a.dcm", numbered(1)[0])
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.9\x00")
    path.write_bytes(content)
    return path


def _nested_without_end(folder):
    item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    syntax = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
    path = folder / "a.dcm"
    path.write_bytes(bytes(128) + b"DICM" + syntax + item * 3000)
    return path


def _two_syntaxes(folder):
    path = write_image(folder / "a.dcm", numbered(1)[0])
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008\\1.2.1\x00"))
    return path


def _two_classes(folder):
    path = write_image(folder / "a.dcm", numbered(1)[0])
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.5.1.4", b"1.2.840.10008\\5.1.4"))
    return path


def _lut_without_description(folder):
    table = Dataset()
    table.add_new("LUTData", "US", [100, 200])
    return write_image(folder / "a.dcm", numbered(1)[0], ModalityLUTSequence=Sequence([table]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_empty_folder, "no DICOM file"),
        (_empty_file, "empty"),
        (_text_file, "not a DICOM file"),
        (_seg_only, "only 1 Segmentation object"),
        (_cut_off, "cut off"),
        (_cut_in_header, "damaged DICOM file"),
        (_no_positions, "no position"),
        (_lying_enhanced, "3 frames but describes 1"),
        (_video, "cannot be decoded"),
        (_nested_without_end, "damaged DICOM file"),
        (_two_syntaxes, "cannot be decoded"),
        (_two_classes, "damaged DICOM file"),
        (_lut_without_description, "cannot be decoded"),
        (_image(NumberOfFrames=[1, 1]), "how many frames"),
        (_image(PixelRepresentation=[0, 1]), "cannot be decoded"),
        (_image(BitsAllocated=12, RescaleSlope="0.5"), "of 12 bits"),
        (_image(PixelData=None), "missing"),
        (_image(Rows=4), "does not fit its header"),
        (_image(Rows=60), "does not fit its header"),
        (_image(Rows=0), "damaged"),
        (_image(BitsStored=40), "40 of 16 bits"),
        (_image(NumberOfFrames=2_000_000), "2000000 frames"),
        (_image(Rows=65000, Columns=65000, NumberOfFrames=60000), "memory"),
        (_image(orientation=(1, 0, 0, 1, 0, 0)), "perpendicular"),
        (_image(position=(0, 0, 1e9)), "1 km"),
        (_image(PhotometricInterpretation="PALETTE COLOR"), "colour"),
        (_image(PhotometricInterpretation="RGB", SamplesPerPixel=3), "colour"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(tmp_path, make, words):
    source = make(tmp_path)
    with pytest.raises(InputError) as raised:
        read_dicom(source)
    message = str(raised.value)
    assert words in message
    assert str(tmp_path) in message
    assert "\n" not in message
    assert message.endswith(".")
    assert "Secret" not in message


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (pydicom, "dcmread", MemoryError),
        (Decoder, "iter_array", MemoryError),
        (pixels, "_real_values", AttributeError),
        (pixels, "_require_fitting_length", TypeError),
    ],
)
def test_want_of_memory_and_our_own_mistakes_are_not_called_damage(tmp_path, monkeypatch, owner, name, error):
    path = write_image(tmp_path / "a.dcm", numbered(1)[0])

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(error):
        read_dicom(path)


def test_a_number_too_large_in_a_header_is_no_obstacle(tmp_path):
    path = write_image(tmp_path / "a.dcm", numbered(1)[0], InstanceNumber=12345)
    path.write_bytes(path.read_bytes().replace(b"12345 ", b"1e4000"))
    np.testing.assert_array_equal(read_dicom(path).array[0], numbered(1)[0])


def test_random_damage_is_read_or_refused_but_never_a_traceback(tmp_path):
    whole = write_image(
        tmp_path / "whole.dcm", numbered(2), WindowCenter=40, WindowWidth=400, SliceThickness=2, SeriesDescription="x"
    ).read_bytes()
    random = np.random.default_rng(3)
    damaged = tmp_path / "damaged.dcm"
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for position in random.integers(132, len(content) - 60, size=4):
            content[position] = random.integers(256)
        damaged.write_bytes(content)
        try:
            read_dicom(damaged, frame=0)
        except SAMSegmentError:
            refused += 1
    assert 0 < refused < 150
