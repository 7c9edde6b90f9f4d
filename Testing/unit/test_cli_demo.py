"""The demo does what it promises on a real brain."""

import json
from importlib.resources import files

import nrrd
import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

from SAMSegmentLib.cli import run
from SAMSegmentLib.io.read import read_volume


def brain_by_threshold(array):
    """Otsu's threshold, the largest component, holes filled slice by slice: bool [k, j, i]."""
    image = sitk.GetImageFromArray(array.astype(np.float32))
    bright = sitk.GetArrayFromImage(sitk.OtsuThreshold(image, 0, 1)).astype(bool)
    components, count = ndimage.label(bright)
    largest = components == 1 + np.argmax(ndimage.sum(bright, components, range(1, count + 1)))
    return np.stack([ndimage.binary_fill_holes(plane) for plane in largest])


def dice(mask, reference):
    return 2 * np.count_nonzero(mask & reference) / (np.count_nonzero(mask) + np.count_nonzero(reference))


def test_the_demo_segments_the_brain(tmp_path, capsys):
    assert run(["demo", "--output", str(tmp_path / "out")]) == 0
    data, header = nrrd.read(str(tmp_path / "out" / "brain.seg.nrrd"))
    mask = (data == int(header["Segment0_LabelValue"])).transpose(2, 1, 0)
    volume = read_volume(files("nibabel") / "tests" / "data" / "example4d.nii.gz", frame=0)
    reference = brain_by_threshold(volume.array)
    assert header["Segment0_Name"] == "brain"
    assert dice(mask[12], reference[12]) >= 0.80, "the prompted slice"
    assert dice(mask, reference) >= 0.80, "the whole brain"
    assert json.loads((tmp_path / "out" / "brain.json").read_text())["segments"][0]["name"] == "brain"
    assert min(Image.open(tmp_path / "out" / "brain.png").size) > 600


def test_the_command_that_the_demo_shows_does_the_same(tmp_path, capsys):
    assert run(["demo", "--output", str(tmp_path)]) == 0
    first = (tmp_path / "brain.seg.nrrd").read_bytes()
    (command,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  samsegment segment")]
    (tmp_path / "brain.seg.nrrd").unlink()
    assert run(command.split()[1:]) == 0
    assert (tmp_path / "brain.seg.nrrd").read_bytes() == first
