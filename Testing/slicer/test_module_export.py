"""The module's section 'Export': what is written is what is seen."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
import slicer

from SAMSegmentLib.io.read import read_volume
from SAMSegmentLib.mrml.volumes import add_volume_node
from Testing.dicom_factory import write_series
from Testing.slicer.module_bench import BALL, CENTRE, exercises

K0 = CENTRE[2]


@pytest.mark.parametrize(
    ("choice", "ending"), [("Labelmap file (.nii.gz)", ".nii.gz"), ("Labelmap file (.nrrd)", ".nrrd")]
)
@exercises("exportFormatComboBox", "exportPathLineEdit", "exportButton", "exportSection")
def test_a_file_holds_the_segment_on_the_volumes_grid(module, tmp_path, choice, ending):
    module.open_ball((0.5, 0.5, 5.0))
    module.click("Red", CENTRE)
    module.open_section("exportSection")
    module.type("exportPathLineEdit", str(tmp_path / "ball.seg.nrrd"))
    module.choose("exportFormatComboBox", choice)
    assert module.ui.exportPathLineEdit.currentPath == str(tmp_path / f"ball{ending}")
    module.press("exportButton")
    module.wait(lambda: "Written" in module.ui.exportResultLabel.text, "the file")
    written = read_volume(tmp_path / f"ball{ending}")
    assert (written.array[K0] == BALL[K0]).all()
    assert written.array.sum() == BALL[K0].sum()
    np.testing.assert_allclose(written.ijk_to_ras, module.session.volume.ijk_to_ras, atol=1e-5)


def test_a_segmentation_file_is_written_with_hand_corrections(module, tmp_path):
    from Testing.slicer.test_module_correction import PAINTED, paint

    module.open_ball()
    module.click("Red", CENTRE)
    paint(module, PAINTED)
    module.open_section("exportSection")
    module.type("exportPathLineEdit", str(tmp_path / "ball.seg.nrrd"))
    module.press("exportButton")
    module.wait(lambda: "Written" in module.ui.exportResultLabel.text, "the file")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "ball.seg.nrrd"))
    assert storage.ReadData(node)
    assert node.GetSegmentation().GetNumberOfSegments() == 1


def test_a_labelmap_volume_comes_into_the_scene(module):
    node = module.open_ball((0.5, 0.5, 5.0))
    module.click("Red", CENTRE)
    module.open_section("exportSection")
    module.choose("exportFormatComboBox", "Labelmap volume in the scene")
    module.press("exportButton")
    module.wait(lambda: "is in the scene" in module.ui.exportResultLabel.text, "the labelmap")
    labelmap = slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode")[0]
    assert (slicer.util.arrayFromVolume(labelmap)[K0] == BALL[K0]).all()
    assert labelmap.GetSpacing() == node.GetSpacing()


class StandInDatabase:
    """Slicer's DICOM database: where the file of an instance lies, and of which series it is."""

    def __init__(self, files):
        self.files = files

    def fileForInstance(self, uid):
        return str(self.files.get(uid, ""))

    def seriesForFile(self, path):
        return str(pydicom.dcmread(path).SeriesInstanceUID)


def test_dicom_segmentation_refers_to_the_images_also_where_slicer_turned_the_volume(module, tmp_path, monkeypatch):
    paths = write_series(tmp_path / "series", np.where(BALL, 200, 20).astype(np.int16), SliceThickness=2)
    files = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in paths}
    monkeypatch.setattr(slicer, "dicomDatabase", StandInDatabase(files), raising=False)
    read = read_volume(tmp_path / "series")
    upside_down = read.ijk_to_ras @ np.diag([1.0, 1.0, -1.0, 1.0])
    upside_down[:3, 3] = (read.ijk_to_ras @ [0, 0, len(BALL) - 1, 1])[:3]
    node = add_volume_node(slicer.mrmlScene, replace(read, array=read.array[::-1].copy(), ijk_to_ras=upside_down))
    node.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    module.choose_node("volumeSelector", node)
    module.wait(lambda: module.session is not None, "a session")
    module.click("Red", (CENTRE[0], CENTRE[1], len(BALL) - 1 - K0))
    module.open_section("exportSection")
    module.choose("exportFormatComboBox", "DICOM Segmentation (.dcm)")
    module.type("exportPathLineEdit", str(tmp_path / "ball.dcm"))
    module.press("exportButton")
    module.wait(lambda: module.ui.exportResultLabel.text, "the file")
    assert "Written" in module.ui.exportResultLabel.text
    written = pydicom.dcmread(tmp_path / "ball.dcm")
    (frame,) = written.PerFrameFunctionalGroupsSequence
    source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
    assert files[source] == paths[K0]
    assert (written.pixel_array.astype(bool) == (read.array[K0] > 100)).all()


@pytest.mark.parametrize(
    ("choice", "name", "said"),
    [
        ("DICOM Segmentation (.dcm)", "ball.dcm", "was not loaded from the DICOM database"),
        ("Segmentation file (.seg.nrrd)", "missing/ball.seg.nrrd", "missing"),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_sentence(module, tmp_path, choice, name, said):
    module.open_ball()
    module.click("Red", CENTRE)
    module.open_section("exportSection")
    module.choose("exportFormatComboBox", choice)
    module.type("exportPathLineEdit", str(tmp_path / name))
    module.press("exportButton")
    module.wait(lambda: module.ui.exportResultLabel.text, "a sentence")
    assert said in module.ui.exportResultLabel.text
    assert list(tmp_path.iterdir()) == []


def test_nothing_can_be_exported_without_a_volume(module):
    module.open_section("exportSection")
    assert not module.ui.exportButton.enabled


def test_segments_are_read_in_steps_and_again_after_a_change(module, monkeypatch):
    from SAMSegmentPanel import export_reading

    monkeypatch.setattr(export_reading, "_VOXELS_A_STEP", 3 * BALL.shape[1] * BALL.shape[2])
    module.open_ball()
    module.click("Red", CENTRE)
    reading = export_reading.SegmentReading(module.session)
    for _ in range(7):
        assert not reading.step(), "24 slices, 3 a step"
    module.click("Red", (CENTRE[0], CENTRE[1], 0))
    module.press("addSegmentButton")
    count = 0
    while not reading.step():
        count += 1
    assert count == 15, "two segments, from the beginning"
    first, second = (segment.whole() for segment in reading.segments())
    reading.close()
    assert (first.mask == module.session.segments()[0].mask).all()
    assert first.mask[K0].any()
    assert not second.mask.any()
    assert first.name != second.name


def test_leaving_the_volume_while_segments_are_read_writes_nothing(module, tmp_path, monkeypatch):
    from SAMSegmentPanel import export_reading

    monkeypatch.setattr(export_reading, "_VOXELS_A_STEP", 1)
    module.open_ball()
    module.click("Red", CENTRE)
    module.open_section("exportSection")
    module.type("exportPathLineEdit", str(tmp_path / "ball.seg.nrrd"))
    module.press("exportButton")
    module.choose_node("volumeSelector", None)
    module.settle()
    assert list(tmp_path.iterdir()) == []
    assert module.ui.exportButton.text == "Export"
