"""What the page's controls say and decide, without a browser."""

import os
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from trame_server.state import State

from SAMSegmentLib.cli import view_command
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.segmentstate import SegmentState, SliceMask
from SAMSegmentLib.sessionfile import SavedSegment, SavedSession
from SAMSegmentLib.slicescores import SliceScore
from SAMSegmentLib.volume import SourceFrame, Volume
from SAMSegmentLib.worker.client import WorkerSettings
from SAMSegmentLib.worker.interface import EmbeddingProgress
from SAMSegmentWeb import viewer
from SAMSegmentWeb.confidence_plot import ConfidencePlot
from SAMSegmentWeb.layouts import has_large_slice, layouts, only_layout, primary_layout
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.model_control import ModelControl
from SAMSegmentWeb.propagation_results import PropagationResults, describe_extent
from SAMSegmentWeb.replay import replay as replay_saved
from SAMSegmentWeb.review_control import ReviewControl
from SAMSegmentWeb.saving_control import refused_kinds
from SAMSegmentWeb.segment_control import SegmentControl
from SAMSegmentWeb.segmentation_file import read_layers
from SAMSegmentWeb.stops import Stops
from Testing.generated import volume_of
from Testing.paths import REPOSITORY
from Testing.web.loops import run_apart


def _score(index, confidence, **more):
    return SliceScore(Orientation.AXIAL, index, None, None, 0, confidence, **more)


def test_the_plot_has_doubtful_slices_apart_and_what_the_user_made_at_the_top():
    scores = [_score(2, 0.9), _score(3, 0.69), _score(4, None), _score(5, 0.1, is_accepted=True), _score(6, 0.0)]
    plot = ConfidencePlot.of(scores)
    assert plot.sure == "M2 100V10h1V100z"
    assert plot.doubtful == "M3 100V31h1V100z" + "M6 100V96h1V100z"
    assert plot.key == "M4 100V0h1V100z" + "M5 100V0h1V100z"
    assert ConfidencePlot.of([]).is_empty


def test_only_slices_that_are_worth_a_look_are_counted_as_left():
    state, gone_to = State(), []
    scores = [_score(3, 0.2), _score(7, 0.6), _score(5, 0.8)]
    inner = SimpleNamespace(doubtful_slices=lambda _name: scores)
    session = SimpleNamespace(name_of=lambda segment_id: segment_id, session=inner)
    work = SimpleNamespace(selected=(session, "a"), messages=Messages(state), add_listener=lambda _: None)
    control = ReviewControl(state, work, SimpleNamespace(show=gone_to.append))
    said = []
    for _ in range(4):
        control.next_doubtful()
        said.append(state["ReviewState__doubtful"])
    assert [index for _, index in gone_to] == [3, 7, 5, 3]
    assert said[:3] == [
        "Axial slice 3: 20 % sure. 1 more to look at.",
        "Axial slice 7: 60 % sure. It is the last one worth a look.",
        "Axial slice 5: 80 % sure, which is no reason for doubt.",
    ]
    assert said[3] == said[0]


def test_prompts_that_are_opened_twice_get_names_of_their_own():
    class Session:
        is_open = True
        session = SimpleNamespace(state=lambda _name: SimpleNamespace(unanswered=tuple))

        def __init__(self):
            self.segment_ids = []

        def name_of(self, segment_id):
            return segment_id

        def prompts(self):
            return ["one"]

        def add_saved(self, saved):
            self.segment_ids.append(saved.name)
            return saved.name

    saved = SavedSession(None, None, None, None, (SavedSegment("liver", None, (), ()),))
    work = SimpleNamespace(scene_session=Session())
    for _ in range(3):
        run_apart(replay_saved(work, saved))
    assert work.scene_session.segment_ids == ["liver", "liver (2)", "liver (3)"]


def _segment(*indices, key, outdated=None):
    mask = SliceMask.given(np.ones((2, 2), dtype=bool))
    propagated = SliceMask(mask.bits, mask.shape, confidence=0.9)
    masks = {(Orientation.AXIAL, index): propagated for index in indices}
    if outdated is not None:
        masks[Orientation.AXIAL, outdated] = replace(propagated, is_outdated=True)
    return SegmentState("a", (1, 2, 3), masks={**masks, (Orientation.AXIAL, key): mask})


def test_what_propagation_made_is_said_until_it_is_undone_or_its_key_slices_change():
    results = PropagationResults()
    made, axial = _segment(1, 2, 3, key=4), Orientation.AXIAL
    results.keep("id", made, axial, "Done: 3 slices were made.")
    undone = SegmentState("a", (1, 2, 3), masks={key: mask for key, mask in made.masks.items() if key[1] == 4})
    assert results.text("id", made, axial) == "Done: 3 slices were made."
    assert results.text("id", undone, axial) == ""
    outdated = "1 slice is from before a change: propagate again."
    assert results.text("id", _segment(1, 2, key=7, outdated=3), axial) == outdated
    assert results.text("new", _segment(1, 2, key=7, outdated=3), axial) == outdated
    results.keep("new", _segment(1, 2, key=7, outdated=3), axial, "Stopped; 2 slices were made.")
    both = f"Stopped; 2 slices were made. {outdated}"
    assert results.text("new", _segment(1, 2, key=7, outdated=3), axial) == both
    assert results.text("id", made, Orientation.CORONAL) == ""
    assert results.text("another", made, axial) == ""
    results.keep("id", undone, axial, "Stopped; 3 slices were made.")
    assert results.text("id", undone, axial) == ""
    results.keep("id", undone, axial, "Stopped; 0 slices were made.", has_made=False)
    assert results.text("id", undone, axial) == "Stopped; 0 slices were made."


def test_after_propagation_it_is_said_where_the_segment_lies_and_how_large_it_is():
    volume = volume_of(np.zeros((9, 2, 2), dtype=np.uint8), np.diag([5.0, 5.0, 2.0, 1.0]))
    described = partial(describe_extent, volume, orientation=Orientation.AXIAL)
    assert described(_segment(2, 3, key=4)) == "The segment is in slices 2 to 4, 0.6 ml."
    assert described(_segment(7, 8, key=6)).endswith("It came to the end of the volume: look whether it goes on there.")
    assert "end of" not in described(_segment(7, key=8)), "the user was there"
    assert described(SegmentState("a", (1, 2, 3))) == ""


def test_stops_are_of_a_segment_and_orientation_and_go_where_a_key_slice_comes():
    stops = Stops()
    for index in (9, 3, 5):
        stops.set("id", Orientation.AXIAL, index, is_stop=True)
    stops.set("id", Orientation.AXIAL, 5, is_stop=False)
    assert stops.of("id", Orientation.AXIAL, ()) == (3, 9)
    assert stops.of("id", Orientation.AXIAL, (3,)) == (9,)
    assert stops.of("id", Orientation.CORONAL, ()) == stops.of("other", Orientation.AXIAL, ()) == ()


@pytest.mark.parametrize("orientation", list(Orientation))
def test_each_orientation_can_have_the_large_view(orientation):
    views = layouts()[primary_layout(orientation)].get_views(is_recursive=True)
    assert views[0].properties.orientation == orientation.value.capitalize()
    assert {view.singleton_tag for view in views} == {"Red", "Green", "Yellow", "ThreeD"}
    assert has_large_slice(only_layout(orientation))
    assert not has_large_slice("3D Only")


class _Segment:
    """As VTK names its methods."""

    def __init__(self, name):
        self.name = name

    def GetName(self):
        return self.name

    def SetName(self, name):
        self.name = name


def _scene(*names):
    """A scene session with segments of these names, whose ids are their numbers."""

    class Session:
        def __init__(self):
            self.segment_ids = [str(number) for number in range(len(names))]
            self.selected_segment_id = "0"

        def add_segment(self, name):
            self.segment_ids.append(str(len(self.segment_ids)))
            segments[self.segment_ids[-1]] = _Segment(name)
            return self.segment_ids[-1]

    segments = {str(number): _Segment(name) for number, name in enumerate(names)}
    node = SimpleNamespace(GetSegmentation=lambda: SimpleNamespace(GetSegment=segments.get))
    return segments, Session(), SimpleNamespace(segmentation_node=node)


@pytest.mark.parametrize(
    ("typed", "name", "said"),
    [
        (" spleen ", "spleen", False),
        ("liver", "liver (3)", True),
        ("Segment_2", "Segment_2", False),
        ("  ", "Segment_2", False),
    ],
)
def test_no_two_segments_get_one_name(typed, name, said):
    segments, session, opened = _scene("liver", "Segment_2", "liver (2)")
    state = State()
    work = SimpleNamespace(
        scene_session=session,
        opened=opened,
        messages=Messages(state),
        add_listener=lambda _: None,
        note_change=lambda: None,
    )
    control = SegmentControl(state, work)
    control.rename("1", typed)
    assert segments["1"].name == name
    assert ("already" in (state["PageState__message"] or "")) == said
    segments["2"].name = "Segment_4"
    control.add()
    assert segments["3"].name == "Segment_5"


def test_dicom_segmentations_are_offered_for_dicom_images_alone(tmp_path):
    array = np.zeros((1, 2, 2), dtype=np.int16)
    assert "DICOM" in refused_kinds(Volume(array, np.eye(4)))["dicom"]
    frame = SourceFrame(tmp_path / "a.dcm", 1, "1.2", (2, 2), np.eye(4))
    assert refused_kinds(Volume(array, np.eye(4), source_frames=(frame,))) == {}


def test_a_line_on_stderr_says_at_once_that_the_viewer_starts(monkeypatch, capsys):
    said = []

    async def serve(_options, _folder, say):
        said.append(capsys.readouterr())
        say("The viewer is at ...")

    monkeypatch.setattr(viewer, "_serve", serve)
    with ThreadPoolExecutor(1) as thread:  # Playwright keeps an event loop running in this one
        thread.submit(view_command.run_view, None, "127.0.0.1", 0, allow_remote=False, open_browser=False).result(60)
    assert [(item.out, item.err) for item in said] == [("", "Starting the viewer ...\n")]
    assert capsys.readouterr().out == "The viewer is at ...\n"


@pytest.mark.parametrize("least", [0, -50])
def test_an_image_is_not_taken_for_a_segmentation(tmp_path, least):
    image = np.arange(least, least + 1000, dtype=np.int16).reshape(10, 10, 10)
    nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), tmp_path / "ct.nii.gz")
    with pytest.raises(
        InputError, match=r"^ct\.nii\.gz: holds \d+ labels, so it is an image; open it with 'Open file'"
    ):
        read_layers(tmp_path / "ct.nii.gz", Volume(np.zeros(image.shape, dtype=np.int16), np.eye(4)))


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine")
def test_make_app_takes_an_image_and_options():
    made = "--old-file=.venv/app.stamp"
    command = ["make", "--dry-run", "--no-print-directory", made, "app", "ARGS=scan.nii.gz --no-browser --port 8080"]
    # The tests themselves may be run by make, whose options are not for this one.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=alone).stdout
    assert lines.split()[-5:] == ["view", "scan.nii.gz", "--no-browser", "--port", "8080"]


class _Engine:
    """Encodes nothing, and knows whether it is to pause."""

    def __init__(self):
        self.is_paused = False
        self.note = None
        self.future = Future()

    def embed_all(self, _orientation, _first, _last, note):
        self.note = note
        return self.future

    def pause(self):
        self.is_paused = True


def _model_control():
    state = State()
    work = SimpleNamespace(
        messages=Messages(state),
        add_listener=lambda _: None,
        engine=_Engine(),
        settings=WorkerSettings(),
        opened=SimpleNamespace(volume=Volume(np.zeros((9, 2, 2), np.int16), np.eye(4))),
    )

    def use_settings(settings):
        work.engine.future.cancel()
        work.engine, work.settings = _Engine(), settings

    work.use_settings = use_settings
    return ModelControl(state, work, SimpleNamespace(active_slice=None), SimpleNamespace()), work, state


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_what_was_prepared_of_one_volume_is_not_said_of_the_next(is_cancelled):
    control, work, state = _model_control()
    control.embed_all()
    work.engine.note(EmbeddingProgress(done=3, total=9, encoded=3, seconds=3.5))
    assert state["EngineState__embedded"] == "3 of 9 slices, about 7 s left"
    if is_cancelled:
        control.stop_embedding()
    else:
        work.engine.future.set_result(None)
        control.show_volume()
    assert state["EngineState__embedded"] == ""


def test_an_engine_that_takes_the_place_of_a_paused_one_is_paused_too():
    control, work, _ = _model_control()
    control.toggle_pause()
    first = work.engine
    control.choose_model(work.settings.model)
    assert work.engine is not first
    assert work.engine.is_paused
