"""Generated DICOM input that cannot be used: each is refused in one sentence."""

import numpy as np
import pytest

from SAMSegmentLib.errors import InputError, SAMSegmentError
from SAMSegmentLib.io.dicom import read_dicom
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
