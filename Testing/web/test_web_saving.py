"""Saving: what a file holds, what counts as saved, and what is kept of work that was not."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from slicer import vtkMRMLSegmentationNode, vtkOrientedImageData, vtkSegment
from trame_server.state import State
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from SAMSegmentLib.segments import Segment
from SAMSegmentLib.volume import Volume
from SAMSegmentWeb import saving_control
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.saving_control import SavingControl
from SAMSegmentWeb.scene_voxels import SceneSegments
from SAMSegmentWeb.segmentation_file import read_layers
from SAMSegmentWeb.work import Work
from Testing.web.images import write_ball
from Testing.web.loops import run_apart
from Testing.web.pages import ANSWER
from Testing.web.viewers import ViewerProcess

_SHAPE = (3, 4, 5)
_BINARY = "Binary labelmap"


def _volume():
    return Volume(np.zeros(_SHAPE, dtype=np.int16), np.eye(4), name="ct.nii")


def _labelmap(labels, start=(0, 0, 0)):
    image = vtkOrientedImageData()
    (k, j, i), (slices, rows, columns) = start, labels.shape
    image.SetExtent(i, i + columns - 1, j, j + rows - 1, k, k + slices - 1)
    image.GetPointData().SetScalars(numpy_to_vtk(labels.ravel(), deep=True))
    return image


def _segmentation(*segments):
    """A node with segments of a name, labelmap and label."""
    node = vtkMRMLSegmentationNode()
    for name, image, label in segments:
        segment = vtkSegment()
        segment.SetName(name)
        segment.SetLabelValue(label)
        segment.AddRepresentation(_BINARY, image)
        node.GetSegmentation().AddSegment(segment)
    return node


def _shared(*, overlapping=False):
    """Two segments in one labelmap, one in a smaller one, and one without voxels."""
    labels = np.zeros(_SHAPE, dtype=np.uint8)
    labels[0], labels[1, 1:3] = 1, 2
    box = np.array([[[1, 0]]], dtype=np.uint8)
    alone = _labelmap(box, (0 if overlapping else 2, 3, 3))
    shared = _labelmap(labels)
    return _segmentation(("a", shared, 1), ("b", shared, 2), ("c", alone, 1), ("empty", vtkOrientedImageData(), 1))


def _work(node):
    state, saved = State(), []
    state.ready()
    work = SimpleNamespace(
        messages=Messages(state),
        opened=SimpleNamespace(volume=_volume(), segmentation_node=node),
        scene_session=SimpleNamespace(session=None),
        changes=3,
        note_saved=saved.append,
    )
    return state, work, saved


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["liver"], "downloads."),
        (["liver", "spleen"], "downloads. spleen is empty and left out."),
        (["liver", *"abcde"], "downloads. a, b, c, d, ... are empty and left out."),
    ],
)
def test_segments_that_are_left_out_are_named(tmp_path, names, note):
    images = [_labelmap(np.full(_SHAPE, number == 0, dtype=np.uint8)) for number in range(len(names))]
    state, work, _saved = _work(_segmentation(*((name, image, 1) for name, image in zip(names, images, strict=True))))
    run_apart(SavingControl(state, work, tmp_path).save("seg.nrrd"))
    assert state["PageState__message"].endswith(note)


@pytest.mark.parametrize(
    ("kind", "overlapping", "is_saved"),
    [("prompts", False, False), ("seg.nrrd", True, True), ("nifti", False, True), ("nifti", True, False)],
)
def test_only_a_file_with_every_voxel_counts_as_saved(tmp_path, monkeypatch, kind, overlapping, is_saved):
    monkeypatch.setattr(saving_control, "session_to_json", lambda _session: {"segments": []})
    state, work, saved = _work(_shared(overlapping=overlapping))
    run_apart(SavingControl(state, work, tmp_path).save(kind))
    assert "is saved" in state["PageState__message"]
    assert saved == ([3] if is_saved else [])
    assert ("by hand is not in it" in state["PageState__message"]) == (kind == "prompts")


def test_a_file_holds_the_segments_as_they_stood_when_it_was_begun_and_the_loop_goes_on_meanwhile(
    tmp_path, monkeypatch
):
    node, may_end, written = _shared(), threading.Event(), []
    segment = node.GetSegmentation().GetNthSegment(0)

    def write(_path, _volume, segments):
        assert may_end.wait(60)
        written.extend(segments)
        return ()

    monkeypatch.setattr(saving_control, "write_segmentation", write)
    state, work, _ = _work(node)

    async def use():
        saving = asyncio.create_task(SavingControl(state, work, tmp_path).save("seg.nrrd"))
        while not state["PageState__message"]:
            await asyncio.sleep(0.01)
        assert state["PageState__message"] == "Saving ct-segmentation.seg.nrrd ..."
        vtk_to_numpy(segment.GetRepresentation(_BINARY).GetPointData().GetScalars())[:] = 0
        may_end.set()
        await saving

    run_apart(asyncio.wait_for(use(), 60))
    assert [item.name for item in written] == ["a", "b", "c"]
    assert [int(item.mask.sum()) for item in written] == [20, 10, 1]
    assert all(item.mask.shape == _SHAPE for item in written)
    assert written[2].mask[2, 3, 3]
    assert state["PageState__message"].endswith("empty is empty and left out.")


def test_masks_of_many_segments_are_not_in_memory_at_once(monkeypatch):
    made, most = [0], [0]

    class Counted(Segment):
        def __init__(self, *arguments):
            made[0] += 1
            most[0] = max(most[0], made[0])
            super().__init__(*arguments)

        def __del__(self):
            made[0] -= 1

    monkeypatch.setattr("SAMSegmentWeb.scene_voxels.Segment", Counted)
    labels = np.arange(60, dtype=np.uint8).reshape(_SHAPE)
    shared = _labelmap(labels)
    node = _segmentation(*((str(label), shared, label) for label in range(1, 60)))
    segments = SceneSegments.of(_volume(), node).filled()
    assert sum(int(segment.mask.sum()) for segment in segments) == 59
    assert most[0] <= 2


def test_too_little_memory_is_one_sentence(tmp_path, monkeypatch):
    def write(*_arguments):
        raise MemoryError

    monkeypatch.setattr(saving_control, "write_segmentation", write)
    state, work, saved = _work(_shared())
    run_apart(SavingControl(state, work, tmp_path).save("seg.nrrd"))
    assert "not enough memory" in state["PageState__message"]
    assert saved == list(tmp_path.iterdir()) == []


def test_colours_come_from_the_segmentation_that_is_opened(tmp_path):
    segments = [
        Segment(name, color, np.arange(60).reshape(_SHAPE) == number)
        for number, (name, color) in enumerate((("a", (1, 2, 3)), ("b", (255, 0, 51))))
    ]
    saving_control.write_segmentation(tmp_path / "made.seg.nrrd", _volume(), segments)
    (layer,) = read_layers(tmp_path / "made.seg.nrrd", _volume())
    assert [tuple(round(255 * part) for part in color) for color in layer.colors] == [(1, 2, 3), (255, 0, 51)]
    nibabel.save(nibabel.Nifti1Image(np.ones(_SHAPE[::-1], np.uint8), np.eye(4)), tmp_path / "labels.nii")
    (layer,) = read_layers(tmp_path / "labels.nii", _volume())
    assert layer.colors == (None,)


@pytest.mark.parametrize("has_prompts", [True, False])
def test_the_end_says_what_is_kept_of_work_that_was_not_saved(monkeypatch, has_prompts):
    work, kept = Work.__new__(Work), []
    state = SimpleNamespace(prompts={"a": 1} if has_prompts else {}, masks={})
    work.opened = SimpleNamespace(volume=_volume())
    work._session = SimpleNamespace(is_open=True, session=SimpleNamespace(states=[state]))
    work.engine = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(Work, "is_unsaved", True)
    monkeypatch.setattr(Work, "_unbind", lambda _self, *, keep_autosave: kept.append(keep_autosave))
    assert ("prompts are kept" in work.close()) == has_prompts
    monkeypatch.setattr(Work, "is_unsaved", False)
    assert work.close() == ""
    assert kept == [has_prompts, False]


def _kept(home):
    return [path for path in (home / "autosave").glob("*.json") if '"ijk"' in path.read_text()]


def test_ctrl_c_keeps_the_prompts_of_unsaved_work_and_nothing_of_saved_work(new_tab, tmp_path):
    image, home = write_ball(tmp_path / "ball.nii.gz"), tmp_path / "home"
    for is_saved in (False, True):
        with ViewerProcess(str(image), home=home) as viewer:
            tab = new_tab(viewer.address)
            tab.wait_for_volume("ball")
            if is_saved:
                tab.button("Do them again").click()
            else:
                tab.click("Red", (0.5, 0.45))
            tab.wait_until(lambda tab=tab: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
            if is_saved:
                tab.voxels(tmp_path)
            tab.page.close()
            assert viewer.stop(signal.SIGINT) == 0
            assert ("Its prompts are kept" in viewer.output) != is_saved
        assert len(_kept(home)) == (0 if is_saved else 1)


def test_ctrl_c_while_the_viewer_is_loaded_ends_it_as_later(tmp_path):
    # Slicer's libraries are loaded, and Ctrl+C comes, when the first of them is asked for.
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'trame_slicer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from SAMSegmentLib.cli import main; main()\n"
    )
    environment = {**os.environ, "SAMSEGMENT_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, "view", "--no-browser"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Starting the viewer ...\n")
    assert not any(tmp_path.glob("samsegment-view-*"))
