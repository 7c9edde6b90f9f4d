"""The engine in a process of its own, as a front end sees it: requests go out, futures come back, nothing waits."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ..embeddings import DEFAULT_MEMORY_BYTES, CacheCounts, EmbeddingKey, window_key
from ..errors import EngineError
from ..geometry import slice_range
from ..models.catalogue import BUILTIN, catalogue_entry
from .channel import ChannelError
from .messages import (
    Answer,
    Cancel,
    Counted,
    Done,
    Failed,
    LoadModel,
    Log,
    Notice,
    Pause,
    Progress,
    Ready,
    SliceReached,
    Status,
)
from .requests import EmbeddingRun, Prediction, PropagationRun, WorkFuture
from .supervisor import Supervisor
from .wire import embed_message, error_of, focus_message, predict_message, propagate_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from ..errors import SAMSegmentError
    from ..geometry import Orientation
    from ..prompts import PromptSet
    from ..propagation import PropagatedSlice, PropagationRequest
    from ..volume import Volume, Window
    from .interface import EmbeddingProgress, SliceAnswer
    from .launch import WorkerProcess
    from .messages import ToHost
    from .requests import Outcome, Request

Result = TypeVar("Result")

# A viewer draws its next picture 16 ms after the last; what is left over waits for the next call.
_LONGEST_S = 0.004
_BETWEEN_LOOKS_S = 0.001

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker process is started with.

    :param model: name in the catalogue.
    :param weights: a weights file of the user's own.
    :param device: auto, cpu, cuda or mps.
    :param precision: auto, float32, bfloat16 or float16.
    :param threads: for computing; 0: all cores but one, both where there are two.
    :param cache_bytes: memory for embeddings.
    :param disk_cache: whether embeddings are kept on disk, too.
    :param factory: ``module:function`` that makes the model, for models of other origin.
    """

    model: str = BUILTIN
    weights: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    cache_bytes: int = DEFAULT_MEMORY_BYTES
    disk_cache: bool = True
    factory: str = "SAMSegmentLib.models.load:load_model"


class WorkerEngine:
    """:class:`Engine` whose model runs in a worker process.

    All methods are called from one thread and return within milliseconds; futures are finished, and callbacks called,
    in :meth:`process_events`, which that thread calls every few milliseconds (a Qt timer, asyncio) or in :meth:`wait`.
    A process that fails is started again and asked again for all that was not answered.

    :param tell: is given one sentence for the user now and then: a restart, a step back to the CPU.
    :param show_status: is told what the worker is at while it starts, "" when it is ready or has failed for good.
    :raises InputError: there is no such model.
    """

    def __init__(
        self,
        settings: WorkerSettings | None = None,
        *,
        tell: Callable[[str], None] = lambda _text: None,
        show_status: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._settings = settings or WorkerSettings()
        self._tell = tell
        self._show_status = show_status
        self._status = ""
        self._model_name = self._settings.model
        self._weights_sha256: str | None = None
        if self._settings.weights is None and self._settings.factory == WorkerSettings.factory:
            self._weights_sha256 = catalogue_entry(self._settings.model).sha256
        self._volume: tuple[Volume, Window] | None = None
        self._pending: dict[int, Request] = {}
        self._slots: dict[str, Future] = {}
        self._last_number = 0
        self._focus: dict[Orientation, int] = {}
        self._paused = False
        self._precision: str | None = None
        self._cache_counts = self._counts_of_earlier_processes = CacheCounts()
        self._supervisor = Supervisor(self._introduce, tell)

    # --- what it works with

    @property
    def model_name(self) -> str:
        """The model's name in the catalogue; weights of another size correct it when they are loaded."""
        return self._model_name

    @property
    def weights_sha256(self) -> str | None:
        """SHA-256 of the model's weights, hexadecimal; None where only the loaded model can tell."""
        return self._weights_sha256

    @property
    def precision(self) -> str | None:
        """The number type that slices are encoded in; None while the model is not loaded yet."""
        return self._precision

    @property
    def cache_counts(self) -> CacheCounts:
        """Where the embeddings of the answers so far came from."""
        return self._cache_counts

    def embedding_key(self, orientation: Orientation, index: int) -> EmbeddingKey:
        """What the embedding of a slice is kept under, for a host that looks into the cache on disk itself.

        :raises EngineError: the model is not loaded yet, or no volume is open.
        """
        if self._volume is None or self._weights_sha256 is None or self._precision is None:
            raise EngineError("The model is not loaded yet, or no volume is open; ask again after its first answer.")
        volume, window = self._volume
        return EmbeddingKey(
            fingerprint=volume.fingerprint,
            window=window_key(window, volume.inverted),
            model=self._model_name,
            weights_sha256=self._weights_sha256,
            precision=self._precision,
            orientation=orientation.value,
            index=index,
        )

    @property
    def worker_pid(self) -> int | None:
        """The worker process's number, None when there is none."""
        return self._supervisor.pid

    @property
    def is_busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._pending)

    @property
    def failure(self) -> SAMSegmentError | None:
        """Why no process will be started any more until :meth:`retry`, None while there is hope."""
        return self._supervisor.failure

    def start(self) -> None:
        """Start the process ahead of the first request: importing and loading take their time meanwhile."""
        self._supervisor.start()

    def open_volume(self, volume: Volume, window: Window) -> None:
        """Work on this volume from now on; what was asked about another is cancelled."""
        self._cancel_all()
        self._volume = volume, window
        self._focus.clear()
        running = self._supervisor.running()
        if running:
            running.send_volume(volume, window)
            running.send(Pause(self._paused))
        self.retry()  # what stood in the way may have been the other volume

    def retry(self) -> None:
        """Start again after a failure whose cause was mended."""
        self._supervisor.retry()

    def close(self) -> None:
        """Cancel what is asked for and end the process."""
        self._cancel_all()
        self._supervisor.close()

    # --- requests

    def predict(self, prompts: PromptSet, *, slot: str | None = None) -> Future[SliceAnswer]:
        """Answer the prompts of one slice; see :class:`Engine`."""
        if slot is not None and slot in self._slots:
            self._slots.pop(slot).cancel()
        number, future = self._new_future()
        if slot is not None:
            self._slots[slot] = future
            future.add_done_callback(lambda done: self._leave_slot(slot, done))
        self._ask(Prediction(predict_message(number, prompts, slot), prompts, future))
        return future

    def propagate(self, request: PropagationRequest, on_slice: Callable[[PropagatedSlice], None]) -> Future[None]:
        """Carry masks through the volume; see :class:`Engine`."""
        number, future = self._new_future()
        self._ask(PropagationRun(propagate_message(number, request), request.orientation, on_slice, future))
        return future

    def embed_all(
        self,
        orientation: Orientation,
        first: int,
        last: int,
        on_progress: Callable[[EmbeddingProgress], None] = lambda _progress: None,
    ) -> Future[None]:
        """Encode the slices ``first`` to ``last`` (inclusive) while nothing else is to be done.

        :raises InputError: they lie outside of the volume, or in the wrong order.
        """
        if self._volume:
            slice_range(self._volume[0], orientation, first, last)
        number, future = self._new_future()
        self._ask(EmbeddingRun(embed_message(number, orientation, first, last), on_progress, future))
        return future

    def focus(self, orientation: Orientation, index: int) -> None:
        """The user looks at this slice now: it is encoded before others, and then those next to it.

        :param index: may lie outside of the volume, as a view may.
        """
        self._focus.pop(orientation, None)  # the newest last
        self._focus[orientation] = index
        self._supervisor.send(focus_message(orientation, index))

    def pause(self) -> None:
        """Encode no slices that nobody waits for; prompts are answered all the same."""
        self._set_paused(paused=True)

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self._set_paused(paused=False)

    # --- answers

    def process_events(self) -> None:
        """Finish futures whose answers have come; returns within a few milliseconds."""
        until = time.perf_counter() + _LONGEST_S
        for message in self._supervisor.poll():
            self._take(message)
            if time.perf_counter() > until:
                break
        self._fail_all_if_hopeless()

    def wait(self, future: Future[Result], *, give_up: Callable[[], bool] | None = None) -> Result:
        """The result of one of its futures, when it has come; see :class:`Engine`."""
        while not future.done():
            if give_up is not None and give_up():
                future.cancel()
            self.process_events()
            time.sleep(_BETWEEN_LOOKS_S)
        return future.result()

    # --- inside

    def _new_future(self) -> tuple[int, WorkFuture]:
        self._last_number += 1
        number = self._last_number
        return number, WorkFuture(lambda: self._cancelled(number))

    def _ask(self, request: Request) -> None:
        if self._volume is None:
            request.future.set_exception(EngineError("No volume is open to work on; open one first."))
            return
        self._pending[request.message.id] = request
        if self._supervisor.failure is not None:
            self._fail_all_if_hopeless()
        elif self._supervisor.running():
            self._supervisor.send(request.message)
        else:
            self._supervisor.start()  # a new process is told of all that is pending

    def _cancelled(self, number: int) -> None:
        if self._pending.pop(number, None):
            self._supervisor.send(Cancel(number))

    def _leave_slot(self, slot: str, future: Future) -> None:
        if self._slots.get(slot) is future:
            del self._slots[slot]

    def _cancel_all(self) -> None:
        for request in list(self._pending.values()):
            request.future.cancel()

    def _fail_all_if_hopeless(self) -> None:
        failure = self._supervisor.failure
        if failure is not None:
            self._set_status("")  # nothing is starting any more
            pending = list(self._pending.values())
            self._pending.clear()
            for request in pending:
                if not request.future.done():  # another one's callback may have cancelled it
                    request.future.set_exception(failure)

    def _set_status(self, text: str) -> None:
        if text != self._status:
            self._status = text
            self._show_status(text)

    def _set_paused(self, *, paused: bool) -> None:
        self._paused = paused
        self._supervisor.send(Pause(paused))

    def _introduce(self, process: WorkerProcess) -> None:
        """What a new process must know: model, volume, and all that is not answered."""
        self._counts_of_earlier_processes = self._cache_counts
        settings = self._settings
        process.send(
            LoadModel(
                factory=settings.factory,
                model=settings.model,
                weights=str(settings.weights) if settings.weights else None,
                device=settings.device,
                precision=settings.precision,
                threads=settings.threads,
                cache_bytes=settings.cache_bytes,
                disk_cache=settings.disk_cache,
            )
        )
        if self._volume:
            process.send_volume(*self._volume)
        for orientation, index in self._focus.items():
            process.send(focus_message(orientation, index))
        if self._paused:
            process.send(Pause(paused=self._paused))
        for request in self._pending.values():
            process.send(request.message)

    def _take(self, message: ToHost) -> None:
        if isinstance(message, Ready):
            self._model_name = message.model
            self._weights_sha256 = message.weights_sha256
            self._precision = message.precision
            self._set_status("")
        elif isinstance(message, Counted):
            before = self._counts_of_earlier_processes
            self._cache_counts = CacheCounts(
                before.memory_hits + message.memory_hits,
                before.disk_hits + message.disk_hits,
                before.misses + message.misses,
            )
        elif isinstance(message, Status):
            self._set_status(message.text)
        elif isinstance(message, Notice):
            self._tell(message.text)
        elif isinstance(message, Log):
            _log.log(message.level, "%s", message.text)
        elif isinstance(message, Failed):
            self._take_failure(message)
        elif isinstance(message, Answer | SliceReached | Progress | Done):
            self._take_result(message)

    def _take_failure(self, message: Failed) -> None:
        if message.id is None:
            self._supervisor.give_up(error_of(message))
            return
        request = self._pending.pop(message.id, None)
        if request:
            request.future.set_exception(error_of(message))

    def _take_result(self, outcome: Outcome) -> None:
        request = self._pending.get(outcome.id)
        if request is None or self._volume is None:
            return  # cancelled meanwhile
        if isinstance(outcome, Answer | Done):
            # Before its callbacks run: they may ask for more.
            del self._pending[outcome.id]
        try:
            if request.take(outcome, self._volume[0]):
                self._supervisor.trust()
        except ChannelError as error:
            self._pending[outcome.id] = request
            self._supervisor.distrust(str(error))
