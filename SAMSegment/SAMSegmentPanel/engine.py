"""The engine as the panel sees it: one object, whichever worker process is behind it at the moment."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from SAMSegmentLib.embeddings import CacheCounts
from SAMSegmentLib.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.prompts import PromptSet
    from SAMSegmentLib.propagation import PropagatedSlice, PropagationRequest
    from SAMSegmentLib.volume import Volume, Window
    from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings
    from SAMSegmentLib.worker.interface import EmbeddingProgress, SliceAnswer

    from .settings import EngineSettings

_ANSWERS_REMEMBERED = 500


class Condition(Enum):
    """What the engine is at."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    WORKING = "working"
    FAILED = "failed"


@dataclass(frozen=True)
class EngineState:
    """The engine's condition, and what there is to say about it."""

    condition: Condition
    text: str = ""


class PanelEngine:
    """:class:`SAMSegmentLib.worker.interface.Engine` over a worker process that can be exchanged for another.

    A session keeps its engine for life; the user may choose another model or device meanwhile.

    :param tell: is given one sentence for the user now and then.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._worker: WorkerEngine | None = None
        self._starting = ""
        self._volume: tuple[Volume, Window] | None = None
        self._scores: dict[PromptSet, NDArray] = {}
        self._is_paused = False

    # --- its life

    @property
    def state(self) -> EngineState:
        """What it is at now."""
        worker = self._worker
        if worker is None:
            return EngineState(Condition.OFF)
        if worker.failure is not None:
            return EngineState(Condition.FAILED, str(worker.failure))
        if worker.precision is None or self._starting:
            return EngineState(Condition.STARTING, self._starting or "starting")
        return EngineState(Condition.WORKING if worker.is_busy else Condition.READY)

    def start(self, settings: EngineSettings) -> None:
        """Start a worker with these settings in place of the one that runs; what that one was asked is cancelled.

        :raises InputError: there is no such model.
        """
        self.stop()
        self._worker = worker_engine(settings.for_worker(), self._tell, self._show_status)
        if self._volume:
            self._worker.open_volume(*self._volume)
        if self._is_paused:
            self._worker.pause()
        self._worker.start()

    def stop(self) -> None:
        """End the worker."""
        self._scores.clear()
        self._starting = ""
        worker, self._worker = self._worker, None
        if worker:
            worker.close()

    def close(self) -> None:
        """End the worker and forget the volume."""
        self._volume = None
        self.stop()

    def open_volume(self, volume: Volume, window: Window) -> None:
        """Work on this volume from now on."""
        self._volume = volume, window
        self._scores.clear()
        if self._worker:
            self._worker.open_volume(volume, window)

    def process_events(self) -> None:
        """Finish futures whose answers have come; returns within a few milliseconds."""
        if self._worker:
            self._worker.process_events()

    def candidate_scores(self, prompts: PromptSet) -> NDArray | None:
        """The model's own estimates (3,) of its candidates for these prompts, None when they were not answered here."""
        return self._scores.get(_without_choice(prompts))

    # --- what a session asks

    @property
    def model_name(self) -> str:
        """The model's name in the catalogue, "" without a worker."""
        return self._worker.model_name if self._worker else ""

    @property
    def weights_sha256(self) -> str | None:
        """SHA-256 of the model's weights, None while they are not loaded."""
        return self._worker.weights_sha256 if self._worker else None

    @property
    def precision(self) -> str | None:
        """The number type that slices are encoded in, None while the model is not loaded."""
        return self._worker.precision if self._worker else None

    @property
    def cache_counts(self) -> CacheCounts:
        """Where the embeddings of the answers so far came from."""
        return self._worker.cache_counts if self._worker else CacheCounts()

    def predict(self, prompts: PromptSet, *, slot: str | None = None) -> Future[SliceAnswer]:
        """Answer the prompts of one slice."""
        if self._worker is None:
            return _not_running()
        future = self._worker.predict(prompts, slot=slot)
        future.add_done_callback(lambda done: self._remember(prompts, done))
        return future

    def propagate(self, request: PropagationRequest, on_slice: Callable[[PropagatedSlice], None]) -> Future[None]:
        """Carry masks through the volume."""
        return self._worker.propagate(request, on_slice) if self._worker else _not_running()

    def embed_all(
        self, orientation: Orientation, first: int, last: int, on_progress: Callable[[EmbeddingProgress], None]
    ) -> Future[None]:
        """Prepare the slices ``first`` to ``last`` while nothing else is to be done."""
        if self._worker is None:
            return _not_running()
        return self._worker.embed_all(orientation, first, last, on_progress)

    def focus(self, orientation: Orientation, index: int) -> None:
        """The user looks at this slice now."""
        if self._worker:
            self._worker.focus(orientation, index)

    def set_paused(self, paused: bool) -> None:
        """Prepare no slices that nobody waits for, or go on with it."""
        self._is_paused = paused
        if self._worker:
            (self._worker.pause if paused else self._worker.resume)()

    # --- inside

    def _show_status(self, text: str) -> None:
        self._starting = text

    def _remember(self, prompts: PromptSet, done: Future[SliceAnswer]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        if len(self._scores) >= _ANSWERS_REMEMBERED:
            self._scores.pop(next(iter(self._scores)))
        self._scores[_without_choice(prompts)] = done.result().candidates.predicted_iou


def worker_engine(
    settings: WorkerSettings, tell: Callable[[str], None], show_status: Callable[[str], None]
) -> WorkerEngine:
    """An engine in a process of its own."""
    # The message library that it needs may not be installed yet when the panel is made.
    from SAMSegmentLib.worker.client import WorkerEngine

    return WorkerEngine(settings, tell=tell, show_status=show_status)


def _without_choice(prompts: PromptSet) -> PromptSet:
    """The candidates are the same whichever of them is chosen."""
    return replace(prompts, candidate=None)


def _not_running() -> Future:
    future: Future = Future()
    future.set_exception(EngineError("The engine is not running; see 'Engine and settings' for what it needs."))
    return future
