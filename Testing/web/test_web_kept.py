"""Work that must not be lost: another image, a removed segment, a viewer that fails, prompts offered again."""

import asyncio
import re
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest
from trame_server.state import State

from SAMSegmentLib.autosave import Autosave
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.segmentstate import SegmentState, SliceMask
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.sessionfile import SavedSegment, SavedSession
from SAMSegmentLib.volume import Volume
from SAMSegmentLib.worker.inprocess import InProcessEngine
from SAMSegmentWeb import opening_control, recovery_control, viewer
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.opening import Source
from SAMSegmentWeb.propagation_control import PropagationControl
from SAMSegmentWeb.segment_control import SegmentControl
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of
from Testing.sessions import WINDOW
from Testing.web.images import write_ball
from Testing.web.loops import run_apart
from Testing.web.pages import ANSWER


def _volume():
    return Volume(np.zeros((2, 4, 4), dtype=np.int16), np.eye(4), name="new")


class _UnsavedWork:
    """A volume is open, and what was done on it is in no file."""

    def __init__(self, state, path):
        self.messages = Messages(state)
        self.opened = SimpleNamespace(source=Source(path))
        self.is_unsaved = True
        self.opened_names = []

    def open(self, _source, volume):
        self.opened_names.append(volume.name)

    async def save(self, kind):
        assert kind == "seg.nrrd"
        self.is_unsaved = False

    async def fail_to_save(self, _kind):
        self.messages.fail("The disk is full.")


@pytest.mark.parametrize(
    ("answer", "opened", "is_asked"),
    [("keep_open", [], False), ("open_waiting", ["new"], False), ("save_and_open", ["new"], False), ("fail", [], True)],
)
def test_unsaved_work_is_asked_about_before_another_image_takes_its_place(
    tmp_path, monkeypatch, answer, opened, is_asked
):
    monkeypatch.setattr(opening_control, "read_source", lambda _source, _note: _volume())
    state, kept = State(), []
    work = _UnsavedWork(state, tmp_path / "old.nii")
    uploads = SimpleNamespace(keep_only=lambda path: kept.append(path.name))
    save = work.fail_to_save if answer == "fail" else work.save
    control = opening_control.OpeningControl(state, work, uploads, lambda: None, save)

    async def use():
        assert await control.open(Source(tmp_path / "new.nii"))
        assert state["OpeningState__is_loss_asked"]
        assert work.opened_names == []
        if answer in ("fail", "save_and_open"):
            await control.save_and_open()
        else:
            getattr(control, answer)()

    run_apart(use())
    assert work.opened_names == opened
    assert state["OpeningState__is_loss_asked"] == is_asked
    assert kept == {"keep_open": ["old.nii"], "fail": []}.get(answer, ["new.nii"])


def test_a_click_that_was_not_saved_survives_another_image_and_a_saved_one_is_not_asked_about(
    viewer, new_tab, tmp_path
):
    tab = new_tab(viewer.address)
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    other = write_ball(tmp_path / "other.nii.gz")
    tab.open_files(other, unsaved="Stay with this one")
    tab.page.get_by_text("Open another image?").wait_for(state="hidden")
    assert tab.page.get_by_text(re.compile("^Inside at")).count() == 1
    assert tab.button("Undo").is_enabled()
    assert tab.voxels(tmp_path).any()
    tab.open_files(other, unsaved="none of them")
    tab.wait_for_volume("other")
    assert tab.button("Undo").is_disabled()


class _Session:
    """Two segments: the first one has a voxel, the second one is empty."""

    volume = SimpleNamespace(shape_ijk=(4, 4, 2))

    def __init__(self):
        self.segment_ids = ["liver", "empty"]
        self.selected_segment_id = "liver"

    def name_of(self, segment_id):
        return segment_id

    def prompts(self):
        return []

    def voxels(self, segment_id, slices):
        mask = np.zeros((len(slices), 4, 4), dtype=bool)
        mask[0, 1, 2] = segment_id == "liver"
        return mask

    def remove_segment(self, segment_id):
        self.segment_ids.remove(segment_id)


class _Stack:
    """Undo of one step, or of none."""

    def __init__(self, steps):
        self.steps = steps

    def can_undo(self):
        return self.steps > 0

    def can_redo(self):
        return False

    def clear(self):
        self.steps = 0


@pytest.mark.parametrize(
    ("segment_id", "steps", "is_asked"), [("liver", 0, True), ("empty", 1, True), ("empty", 0, False)]
)
def test_a_segment_is_removed_without_a_question_only_when_nothing_goes_with_it(segment_id, steps, is_asked):
    state, session, stack = State(), _Session(), _Stack(steps)
    work = SimpleNamespace(
        scene_session=session,
        selected=None,
        undo_stack=stack,
        forget_steps=stack.clear,
        messages=Messages(state),
        add_listener=lambda _: None,
    )
    control = SegmentControl(state, work)
    control.remove(segment_id)
    assert bool(state["PromptState__is_removal_asked"]) == is_asked
    assert (segment_id in session.segment_ids) == is_asked
    if is_asked:
        assert state["PromptState__removal"] == f"Remove {segment_id!r}?"
        control.remove_asked()
    assert segment_id not in session.segment_ids
    assert stack.steps == 0, "undo goes on where there is nothing to undo"


@pytest.mark.parametrize("fails", [True, False])
def test_a_viewer_that_fails_leaves_the_prompts_to_be_offered_again(monkeypatch, tmp_path, fails):
    class Application:
        controllers = None
        port = 1
        kept = None

        def __init__(self, _secret, _folder):
            self.ready = asyncio.get_running_loop().create_future()
            self.ready.set_result(True)

        async def serve(self, _host, _port):
            await asyncio.sleep(0 if not fails else 60)

        async def look(self):
            await asyncio.sleep(0 if fails else 60)
            raise RuntimeError("a defect")

        async def stop(self, *, keep_autosave):
            Application.kept = keep_autosave

    monkeypatch.setitem(viewer.sys.modules, "SAMSegmentWeb.application", SimpleNamespace(Application=Application))
    monkeypatch.setattr(viewer, "_stop_event", asyncio.Event)
    served = viewer._serve(viewer.ViewOptions(open_browser=False), tmp_path, lambda _line: None)
    if fails:
        with pytest.raises(RuntimeError, match="a defect"):
            run_apart(served)
    else:
        run_apart(served)
    assert Application.kept == fails


def test_prompts_that_are_kept_when_the_viewer_fails_have_the_last_change(tmp_path):
    volume = volume_of(ball((12, 16, 20), (9, 8, 6), 4.5).astype(np.uint8) * 255)
    session = SegmentationSession(volume, InProcessEngine(ThresholdModel(), volume, WINDOW))
    autosave = Autosave(session, tmp_path)
    session.add_segment("last change")
    autosave.close(keep=True)
    (path,) = tmp_path.glob("*.json")
    assert "last change" in path.read_text()


@pytest.mark.parametrize("is_interrupted", [True, False])
def test_prompts_that_were_not_all_done_again_are_kept(monkeypatch, is_interrupted):
    class Session:
        session = SimpleNamespace(state=lambda _name: SimpleNamespace(unanswered=tuple))

        def __init__(self):
            self.is_open = True
            self.segment_ids = []

        def name_of(self, segment_id):
            return segment_id

        def add_saved(self, saved):
            self.segment_ids.append(saved.name)
            self.is_open = not is_interrupted  # another image is opened
            return saved.name

    segments = tuple(SavedSegment(name, None, ("a prompt",), ()) for name in ("liver", "spleen"))
    discarded = []
    found = SimpleNamespace(
        saved=SavedSession(None, None, None, None, segments), saved_at=0, discard=lambda: discarded.append(True)
    )
    monkeypatch.setattr(recovery_control, "recoverable", lambda _volume: [found])
    state = State()
    work = SimpleNamespace(
        opened=SimpleNamespace(volume=_volume()), scene_session=Session(), messages=Messages(state), window="auto"
    )
    control = recovery_control.RecoveryControl(state, work)

    async def use():
        control.show_volume()
        while not state["OpeningState__is_recovery_shown"]:
            await asyncio.sleep(0.01)
        await control.restore()

    run_apart(asyncio.wait_for(use(), 30))
    assert discarded == ([] if is_interrupted else [True])
    assert ("Not all prompts" in state["PageState__message"]) == is_interrupted


def _state(key):
    return SegmentState("a", (4, 4, 9), masks={(Orientation.AXIAL, key): SliceMask.given(np.ones((4, 4), dtype=bool))})


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (3, "Stopped; 0 slices were made."),
        (4, "Stopped, since a slice that it went from was changed; propagate again."),
    ],
)
def test_a_click_that_ends_propagation_says_so(after, said):
    states, future, listeners = [_state(3)], Future(), []
    inner = SimpleNamespace(state=lambda _name: states[-1])
    session = SimpleNamespace(
        name_of=lambda segment_id: segment_id,
        session=inner,
        segment_ids=("a",),
        propagate=lambda *_arguments: future,
    )
    state = State()
    work = SimpleNamespace(
        scene_session=session,
        selected=(session, "a"),
        opened=None,
        messages=Messages(state),
        add_listener=listeners.append,
        note_change=lambda: None,
    )
    control = PropagationControl(state, work, SimpleNamespace(active_slice=(Orientation.AXIAL, 3)))
    control.start()
    states.append(_state(after))
    future.cancel()
    listeners[0]()
    assert state["PropagationState__text"] == said
