"""Files that the page opens and saves: segmentations with many labels, names, refusals, notes."""

from types import SimpleNamespace

import aiohttp
import nibabel
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from trame_server.state import State

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.mrml.volumes import volume_from_node
from SAMSegmentLib.volume import Volume
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.opening import read_source, source_of_uploads
from SAMSegmentWeb.saving_control import SavingControl
from SAMSegmentWeb.segmentation_file import add_segments, read_layers
from SAMSegmentWeb.uploads import UPLOAD_PATH, Uploads
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import BALL, Loop
from Testing.web.loops import run_apart


def _save_labels(path, labels, affine=None):
    nibabel.save(nibabel.Nifti1Image(labels.T, np.eye(4) if affine is None else affine), path)
    return path


def test_labels_of_a_file_become_segments_with_their_place(tmp_path):
    labels = np.zeros((5, 6, 7), dtype=np.int32)
    labels[1:3, 2:5, 3] = 2
    labels[4, 5, 6] = 700_000
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    volume = Volume(np.zeros(labels.shape, dtype=np.int16), affine)
    (layer,) = read_layers(_save_labels(tmp_path / "labels.nii.gz", labels, affine), volume)
    assert layer.names == ("label 2", "label 700000")
    assert layer.start == (1, 2, 3)
    assert np.array_equal(layer.labels, (1 * (labels == 2) + 2 * (labels == 700_000))[1:, 2:, 3:])


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.array([[[0, -5]]], dtype=np.int16), "holds the label -5; give its segments numbers above 0"),
        (np.ones((2, 1, 1, 2), dtype=np.int16), "holds 2 3D frames; save the one"),
    ],
)
def test_labels_that_cannot_be_segments_are_refused_without_options_of_the_command_line(tmp_path, labels, sentence):
    path = _save_labels(tmp_path / "labels.nii.gz", labels)
    with pytest.raises(InputError, match=rf"^labels\.nii\.gz: {sentence}") as refusal:
        read_layers(path, Volume(np.zeros((1, 1, 2), dtype=np.int16), np.eye(4)))
    assert "--" not in str(refusal.value)


@pytest.fixture
def loop():
    with MRMLScene() as world:
        loop = Loop(world)
        yield loop
        loop.scene_session.close()


def _open_labels(loop, path):
    """Put a file's segments into the scene, as the page does; their ids."""
    session = loop.scene_session
    opened = SimpleNamespace(volume=volume_from_node(loop.volume_node))
    work = SimpleNamespace(opened=opened, scene_session=session, note_change=lambda: None)
    before = session.segment_ids
    run_apart(add_segments(work, path))
    return [segment_id for segment_id in session.segment_ids if segment_id not in before]


def test_segments_of_one_file_share_a_labelmap_and_each_is_still_changed_alone(loop, tmp_path):
    loop.click()  # otherwise the untouched segments make room
    labels = np.zeros(BALL.shape, dtype=np.int16)
    labels[2:8, :8], labels[2:8, 8:], labels[10] = 3, 7, 9
    ids = _open_labels(loop, _save_labels(tmp_path / "labels.nii.gz", labels))
    assert loop.node.GetSegmentation().GetNumberOfLayers() <= 2
    drawn = loop.masks()
    assert all(np.array_equal(drawn[name], labels == value) for name, value in zip(ids, (3, 7, 9), strict=True))

    loop.scene_session.selected_segment_id = ids[0]
    loop.click()
    clicked = loop.masks()
    found = BALL & (np.arange(len(BALL)) == 6)[:, None, None]
    assert np.array_equal(clicked[ids[0]], drawn[ids[0]] | found)
    # The editor's default: segments do not overlap.
    assert all(np.array_equal(clicked[name], drawn[name] & ~found) for name in drawn if name != ids[0])
    saved = {segment.name: segment.mask for segment in loop.scene_session.segments()}
    assert np.array_equal(saved["label 7"], clicked[ids[1]])
    loop.scene_session.undo()
    assert all(np.array_equal(mask, drawn[name]) for name, mask in loop.masks().items())

    loop.paint(ids[1], (0, 3, 0, 3, 9, 11))
    loop.paint(ids[2], (0, 3, 0, 3, 9, 11), erase=True)
    painted = loop.masks()
    assert painted[ids[1]].sum() == drawn[ids[1]].sum() + 48
    assert painted[ids[2]].sum() == drawn[ids[2]].sum() - 16
    assert np.array_equal(painted[ids[0]], drawn[ids[0]])


async def _upload(folder, *names, batch="00cc00cc"):
    """What a server with ``folder`` answers to files whose bodies are their names: (status, sentence)."""
    application = web.Application()
    Uploads(folder).install(application)
    answers = []
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        for name in names:
            query = {"batch": batch, "name": name}
            async with session.post(server.make_url(UPLOAD_PATH), params=query, data=name.encode()) as answer:
                answers.append((answer.status, (await answer.json()).get("error", "")))
    return answers


@pytest.mark.parametrize(
    "names", [("clash/CT0+", "clash/CT0=", "clash/CT0:"), ("a+/1.dcm", "a=/1.dcm"), ("\u8089" * 120, "\u8089" * 119)]
)
def test_files_whose_names_become_one_are_all_kept(tmp_path, names):
    assert run_apart(_upload(tmp_path, *names)) == [(200, "")] * len(names)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.read_text() for path in kept) == sorted(names)
    assert {path.suffix for path in kept} == {"." + name.partition(".")[2] if "." in name else "" for name in names}


def test_without_its_folder_the_viewer_says_how_to_make_it_again(tmp_path):
    gone = tmp_path / "gone"
    ((status, sentence),) = run_apart(_upload(gone, "a.nii"))
    assert (status, f"mkdir -m 700 {gone}" in sentence) == (507, True)
    state = State()
    opened = SimpleNamespace(volume=Volume(np.zeros((2, 2, 2), np.int16), np.eye(4), name="scan"))
    work = SimpleNamespace(messages=Messages(state), opened=opened, scene_session=SimpleNamespace(), changes=0)
    run_apart(SavingControl(state, work, gone).save("nifti"))
    assert f"mkdir -m 700 {gone}" in state["PageState__message"]


def test_files_without_a_folder_are_called_by_their_number_in_what_is_said_of_them(tmp_path):
    batch = tmp_path / "3db9c828256ddd3d"
    batch.mkdir()
    for name in ("a.txt", "b.txt"):
        (batch / name).write_text("not an image")
    with pytest.raises(InputError, match=r"^selection of 2 files holds no DICOM file; choose"):
        read_source(source_of_uploads(batch), lambda *_: None)
