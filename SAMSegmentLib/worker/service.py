"""The worker's loop: take what has come, do one unit of the most urgent work, look again."""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..embeddings import EmbeddingCache, default_disk_store
from ..errors import EngineError, SAMSegmentError
from ..geometry import Orientation, slice_count, slice_plane
from ..propagation import propagate
from ..volume import Volume, Window
from .messages import (
    Cancel,
    Counted,
    Done,
    EmbedAll,
    Focus,
    LoadModel,
    Notice,
    OpenVolume,
    Pause,
    Predict,
    Progress,
    Propagate,
    Ready,
    SliceReached,
    Status,
)
from .scheduler import Answering, Encoding, Propagating, Scheduler
from .voxelfile import map_voxels
from .wire import answer_message, failed_message, pack_bits, prompts_of, propagation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from queue import SimpleQueue

    import msgspec

    from ..models.interface import PromptableModel
    from ..propagation import PropagatedSlice
    from .messages import ToWorker
    from .scheduler import Work
    from .volumemodel import VolumeModel


class Service:
    """One model on one volume at a time, for one host.

    Everything happens in the thread that calls :meth:`run`: a fresh thread would make CUDA plan its work again.

    :param inbox: what the host sends, put there by another thread.
    :param send: sends a message to the host.
    """

    def __init__(self, inbox: SimpleQueue[ToWorker], send: Callable[[msgspec.Struct], None]) -> None:
        self._inbox = inbox
        self._send = send
        self._model: Any = None
        self._cache: EmbeddingCache | None = None
        self._work: _VolumeWork | None = None

    def run(self) -> None:
        """Serve as long as the process lives; returns, after saying why, when the model or the volume cannot be had."""
        try:
            while True:
                work = self._next_work()
                if work is None:
                    self._take(self._inbox.get())
                elif self._work:
                    self._work.do(work)
                while not self._inbox.empty():
                    self._take(self._inbox.get())
        except _CannotServeError as error:
            self._send(failed_message(None, error.reason))

    def _next_work(self) -> Work | None:
        if self._work is None:
            return None
        self._work.scheduler.batch = self._model.batch  # smaller after the graphics processor's memory was full
        return self._work.scheduler.next()

    def _take(self, message: ToWorker) -> None:
        if isinstance(message, LoadModel):
            with _fatal():
                self._load(message)
        elif isinstance(message, OpenVolume):
            with _fatal():
                self._open(message)
        elif self._work is not None:
            self._work.take(message)

    def _load(self, message: LoadModel) -> None:
        self._send(Status("starting"))
        import torch

        from .fallback import FallbackModel

        threads = message.threads or thread_count()
        if threads:
            torch.set_num_threads(threads)
        self._send(Status(f"loading model {message.model}"))
        factory = model_factory(message.factory)
        weights = Path(message.weights) if message.weights else None

        def make(device: str) -> PromptableModel:
            model: PromptableModel = factory(message.model, weights=weights, device=device, precision=message.precision)
            return model

        self._model = FallbackModel(make, message.device, lambda text: self._send(Notice(text)))
        disk = default_disk_store(lambda text: self._send(Notice(text))) if message.disk_cache else None
        self._cache = EmbeddingCache(message.cache_bytes, disk)
        self._send(Ready(self._model.name, self._model.weights_sha256, self._model.precision))

    def _open(self, message: OpenVolume) -> None:
        from .volumemodel import VolumeModel

        dtype = np.dtype(message.dtype)
        if dtype.kind not in "iufb" or self._model is None or self._cache is None:
            raise EngineError("The volume cannot be opened: its voxels are no numbers, or there is no model yet.")
        volume = Volume(
            array=map_voxels(Path(message.path), dtype, message.shape),
            ijk_to_ras=np.asarray(message.ijk_to_ras).reshape(4, 4),
            name="the volume",
            inverted=message.inverted,
        )
        on_volume = VolumeModel(self._model, volume, Window(*message.window), self._cache)
        self._work = _VolumeWork(on_volume, self._send)


class _VolumeWork:
    """What is to be done on one volume."""

    def __init__(self, on_volume: VolumeModel, send: Callable[[msgspec.Struct], None]) -> None:
        self._on_volume = on_volume
        self._send = send
        counts = {orientation: slice_count(on_volume.volume, orientation) for orientation in Orientation}
        self.scheduler = Scheduler(counts, on_volume.is_encoded)
        self._propagations: dict[int, Iterator[PropagatedSlice]] = {}
        self._sweeps: dict[int, _SweepCount] = {}

    def take(self, message: ToWorker) -> None:
        """Queue what a message asks for."""
        if isinstance(message, Predict):
            self.scheduler.add_prediction(message)
        elif isinstance(message, Focus):
            self.scheduler.focus(Orientation(message.orientation), message.index)
        elif isinstance(message, Cancel):
            self._forget(message.id)
        elif isinstance(message, Pause):
            self.scheduler.paused = message.paused
        elif isinstance(message, EmbedAll):
            self._sweeps[message.id] = _SweepCount(message.last - message.first + 1)
            self.scheduler.add_sweep(message.id, Orientation(message.orientation), message.first, message.last)
        elif isinstance(message, Propagate):
            request = propagation_of(message)
            candidates = propagate(
                self._on_volume.volume, request, lambda prompts: self._on_volume.answer(prompts).candidates
            )
            self._propagations[message.id] = candidates
            self.scheduler.add_propagation(message.id)

    def do(self, work: Work) -> None:
        """Do one unit of work, and tell the host what came of it."""
        number = _request_of(work)
        try:
            if isinstance(work, Answering):
                self._answer(work.request)
            elif isinstance(work, Propagating):
                self._propagate(work.id)
            else:
                self._encode(work)
        except SAMSegmentError as error:
            if number is not None:
                self._forget(number)
                self._send(failed_message(number, error))

    def _answer(self, request: Predict) -> None:
        answer = self._on_volume.answer(prompts_of(request))
        self._tell_counts()
        self._send(answer_message(request.id, answer.candidates, answer.timings))

    def _propagate(self, number: int) -> None:
        reached = next(self._propagations[number], None)
        self._tell_counts()
        if reached is None:
            self._forget(number)
            self._send(Done(number))
        else:
            self._send(SliceReached(number, reached.plane.index, pack_bits(reached.mask), reached.predicted_iou))

    def _encode(self, work: Encoding) -> None:
        self._on_volume.encode([slice_plane(self._on_volume.volume, *key) for key in work.slices])
        if work.sweep is None:
            return
        count = self._sweeps[work.sweep]
        count.encoded += len(work.slices)
        done = count.total - self.scheduler.remaining(work.sweep)
        self._send(Progress(work.sweep, done, count.total, count.encoded))
        if not work.slices:
            self._forget(work.sweep)
            self._send(Done(work.sweep))

    def _tell_counts(self) -> None:
        counts = self._on_volume.counts
        self._send(Counted(counts.memory_hits, counts.disk_hits, counts.misses))

    def _forget(self, number: int) -> None:
        self.scheduler.cancel(number)
        self._propagations.pop(number, None)
        self._sweeps.pop(number, None)


class _SweepCount:
    def __init__(self, total: int) -> None:
        self.total = total
        self.encoded = 0


class _CannotServeError(Exception):
    """The model or the volume cannot be had: there is nothing that this process could do."""

    def __init__(self, reason: SAMSegmentError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@contextmanager
def _fatal() -> Iterator[None]:
    try:
        yield
    except SAMSegmentError as error:
        raise _CannotServeError(error) from error


def _request_of(work: Work) -> int | None:
    if isinstance(work, Answering):
        return work.request.id
    return work.id if isinstance(work, Propagating) else work.sweep


def model_factory(name: str) -> Callable[..., PromptableModel]:
    """The function of that ``module:function``, which makes a model from its name, weights, device and precision."""
    module, _, function = name.partition(":")
    factory: Callable[..., PromptableModel] = getattr(importlib.import_module(module), function)
    return factory


def thread_count() -> int:
    """All cores but one, which is the viewer's; both where there are only two; 0 where the user has set a number."""
    if "OMP_NUM_THREADS" in os.environ:
        return 0  # torch has heard of it
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores - 1 if cores > 2 else cores
