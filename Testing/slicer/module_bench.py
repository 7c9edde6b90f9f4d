"""The SAMSegment module on the stand-in host, with an engine that tests can hold, on a volume that shows a ball."""

import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

from SAMSegmentLib.embeddings import CacheCounts, EmbeddingCache
from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import slice_plane
from SAMSegmentLib.models.catalogue import catalogue_entry
from SAMSegmentLib.propagation import propagate
from SAMSegmentLib.worker.interface import EmbeddingProgress
from SAMSegmentLib.worker.volumemodel import VolumeModel
from Testing.fakes import ThresholdModel
from Testing.generated import ball
from Testing.paths import REPOSITORY

MODULE_FILE = REPOSITORY / "SAMSegment" / "SAMSegment.py"
UI_FILE = REPOSITORY / "SAMSegment" / "Resources" / "UI" / "SAMSegment.ui"

SHAPE = (24, 32, 40)  # k, j, i
CENTRE = (20, 16, 12)  # i, j, k
BALL = ball(SHAPE, CENTRE, 8)


def exercises(*names: str) -> Callable:
    """Says which controls of the panel a test uses; the fixture ``module`` sees to it that it does use them."""

    def mark(function: Callable) -> Callable:
        function.exercises = names
        return function

    return mark


class StandInWorker:
    """What :class:`WorkerEngine` is to the panel, with a model that paints bright pixels.

    One step of what was asked is done in each call of ``process_events``, none while ``is_held``.
    """

    model_name, weights_sha256 = "builtin", "0" * 64

    def __init__(self, settings: Any, tell: Callable[[str], None], show_status: Callable[[str], None]) -> None:
        self.settings, self.tell, self.show_status = settings, tell, show_status
        self.failure: SAMSegmentError | None = None
        self.precision: str | None = None
        self.cache_counts = CacheCounts()
        self.is_held = self.is_paused = self.is_closed = False
        self.focused: list[tuple[Any, int]] = []
        self._model: VolumeModel | None = None
        self._steps: deque[tuple[Future, Any]] = deque()

    @property
    def is_busy(self) -> bool:
        return bool(self._steps)

    def start(self) -> None:
        self.show_status("loading model builtin")

    def open_volume(self, volume: Any, window: Any) -> None:
        self._model = VolumeModel(ThresholdModel(), volume, window, EmbeddingCache(1 << 24))

    def close(self) -> None:
        self.is_closed = True
        for future, _steps in self._steps:
            future.cancel()

    def focus(self, orientation: Any, index: int) -> None:
        self.focused.append((orientation, index))

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def predict(self, prompts: Any, *, slot: str | None = None) -> Future:
        future: Future = Future()

        def steps():
            answer = self._model.answer(prompts)
            if not future.cancelled():
                future.set_result(answer)
            yield

        return self._ask(future, steps())

    def propagate(self, request: Any, on_slice: Callable) -> Future:
        future: Future = Future()

        def steps():
            for reached in propagate(self._model, request):
                if future.cancelled():
                    return
                try:
                    on_slice(reached)
                except CancelledError:
                    future.cancel()
                    return
                yield
            future.set_result(None)

        return self._ask(future, steps())

    def embed_all(self, orientation: Any, first: int, last: int, on_progress: Callable) -> Future:
        future: Future = Future()

        def steps():
            for index in range(first, last + 1):
                if future.cancelled():
                    return
                self._model.embedding(slice_plane(self._model.volume, orientation, index))
                on_progress(EmbeddingProgress(index - first + 1, last - first + 1, index - first + 1, 1.0))
                yield
            future.set_result(None)

        return self._ask(future, steps())

    def process_events(self) -> None:
        if self.is_held:
            return
        if self.precision is None:
            self.precision = "float32"
            self.show_status("")
        if self._steps:
            future, steps = self._steps[0]
            try:
                next(steps)
            except StopIteration:
                self._steps.popleft()
            except SAMSegmentError as error:
                self._steps.popleft()
                future.set_exception(error)

    def _ask(self, future: Future, steps: Any) -> Future:
        self._steps.append((future, steps))
        return future


class Module:
    """The module in front of a user, who has the panel's controls and the views."""

    def __init__(self, host: Any, monkeypatch: Any) -> None:
        self.host = host
        self.workers: list[StandInWorker] = []
        self.touched: set[str] = set()
        self._library: dict[str, Any] = {}
        self.widget = host.load_module(MODULE_FILE)
        monkeypatch.setattr("SAMSegmentPanel.engine.worker_engine", self._make_worker)
        host.enter("SAMSegment")

    # --- the user

    def open_ball(self, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Any:
        """Load the ball and choose it; returns its node when a session is there and the engine is ready."""
        node = slicer.util.addVolumeFromArray(np.where(BALL, 200, 20).astype(np.int16), name="Ball")
        node.SetSpacing(*spacing)
        self.choose_node("volumeSelector", node)
        self.wait(lambda: self.session is not None, "a session")
        self.wait(lambda: "Ready" in self.ui.engineStateLabel.text, "the engine")
        return node

    def press(self, name: str) -> None:
        self._use(name, self.host.click)

    def choose(self, name: str, choice: str | int) -> None:
        self._use(name, self.host.choose, choice)

    def choose_node(self, name: str, node: Any) -> None:
        self._use(name, self.host.choose_node, node)

    def set(self, name: str, value: Any) -> None:
        self._use(name, self.host.set_slider, value)

    def type(self, name: str, text: str) -> None:
        self._use(name, self.host.type_text, text)

    def click_row(self, name: str, row: int, column: int = 0) -> None:
        self._use(name, self.host.click_row, row, column)

    def open_section(self, name: str) -> None:
        if getattr(self.ui, name).collapsed:
            self._use(name, self.host.click)

    def click(self, view: str, ijk: tuple[int, int, int], **options: Any) -> None:
        """Click a voxel in a view, after the view was moved to its slice."""
        self.host.view(view).click(self.place(view, ijk), **options)
        self.settle()

    def drag(self, view: str, first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
        begin, end = self.place(view, first), self.place(view, second)
        self.host.view(view).drag(begin, end)
        self.settle()

    def look(self, view: str, ijk: tuple[int, int, int]) -> None:
        """Move a view to a voxel's slice, and the mouse into the view."""
        place = self.place(view, ijk)
        interactor = self.host.view(view).interactor
        interactor.SetEventInformation(*(round(value) for value in place), 0, 0, "\0", 0, "")
        interactor.InvokeEvent("EnterEvent")
        self.settle()

    def propagate(self) -> None:
        """Press the button, and wait for the end."""
        self.press("propagateButton")
        self.wait(lambda: not self.ui.cancelPropagationButton.enabled, "propagation to end")
        self.settle()

    def reload(self) -> Any:
        """The developer's button; returns the new panel's Python object."""
        self._library = _loaded("SAMSegmentLib")
        return self.host.reload("SAMSegment")

    def restore_library(self) -> None:
        """After a reload, which loads the library anew: other tests know the classes of the first time."""
        if self._library:
            for name in (*_loaded("SAMSegmentLib"), *_loaded("SAMSegmentPanel")):
                del sys.modules[name]
            sys.modules.update(self._library)

    # --- what is there

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def session(self) -> Any:
        return self.widget.panel.work.scene_session

    @property
    def worker(self) -> StandInWorker:
        return self.workers[-1]

    @property
    def said(self) -> str:
        return self.ui.messageLabel.text

    def mask(self) -> np.ndarray:
        """The selected segment as the segmentation node holds it."""
        names = dict(zip(self.session.segment_ids, self.session.segments(), strict=True))
        return names[self.session.selected_segment_id].mask

    def prompts(self) -> list[tuple[str, str, int]]:
        """Kind, orientation and slice of all prompts."""
        return [(entry.kind, entry.key[0].value, entry.key[1]) for entry in self.session.prompts()]

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
        self.host.wait_until(condition, seconds, what)

    def settle(self) -> None:
        """Until the engine has answered all, and the panel shows it."""
        self.host.process_events(30)
        self.wait(lambda: not self.workers or not self.worker.is_busy or self.worker.is_held, "answers")
        self.wait(lambda: not self.widget.panel.work.is_changed, "the panel to show them")

    def place(self, view: str, ijk: tuple[int, int, int]) -> tuple[float, float]:
        """Move a view to a voxel's slice; returns where the voxel is in it."""
        matrix = slicer.util.arrayFromVTKMatrix(_ijk_to_ras(self.session.volume_node))
        ras = (matrix @ [*ijk, 1])[:3]
        # Not show_ras(), which moves the whole picture: a drag has two places in it.
        self.host.view(view).slice_node.JumpSliceByOffsetting(*ras)
        return self.host.view(view).xy_of_ras(tuple(ras))

    def _make_worker(self, settings: Any, tell: Callable[[str], None], show_status: Callable[[str], None]) -> Any:
        self.workers.append(StandInWorker(settings, tell, show_status))
        return self.worker

    def _use(self, name: str, action: Callable, *values: Any) -> None:
        action(getattr(self.ui, name), *values)
        self.touched.add(name)
        self.host.process_events(30)
        self.wait(lambda: not self.widget.panel.work.is_changed, "the panel to show it")


def put_weights(name: str) -> Path:
    """A file where the weights of a model are looked for; returns its path."""
    entry = catalogue_entry(name)
    path = Path(os.environ["SAMSEGMENT_HOME"]) / "weights" / entry.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"stand-in")
    return path


def _loaded(package: str) -> dict[str, Any]:
    return {name: loaded for name, loaded in sys.modules.items() if name.partition(".")[0] == package}


def _ijk_to_ras(node: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix
