"""The worker's loop: take what has come, do one unit of the most urgent work, look again.

What nobody waits for is encoded in steps, and each is a unit: a click elsewhere waits for a step, not for the slice.
"""

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
from ..propagation import propagate_in_units
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
    Status,
)
from .scheduler import Answering, Encoding, Propagating, Scheduler
from .voxelfile import map_voxels
from .wire import answer_message, failed_message, prompts_of, propagation_of, reached_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from queue import SimpleQueue

    import msgspec

    from ..models.interface import PromptableModel
    from ..models.steps import Steps
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
        self._propagations: dict[int, _PropagationRun] = {}
        self._sweeps: dict[int, _SweepCount] = {}
        self._begun: _BegunEncoding | None = None

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
            units = propagate_in_units(self._on_volume, propagation_of(message))
            self._propagations[message.id] = _PropagationRun(units)
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
            if isinstance(work, Encoding):
                self._drop_encoding()
            if number is not None:
                self._forget(number)
                self._send(failed_message(number, error))

    def _answer(self, request: Predict) -> None:
        answer = self._on_volume.answer(prompts_of(request))
        self._tell_counts()
        self._send(answer_message(request.id, answer.candidates, answer.timings))

    def _propagate(self, number: int) -> None:
        run = self._propagations[number]
        try:
            reached = next(run.units)
        except StopIteration:
            self._tell_counts()
            self._forget(number)
            self._send(Done(number))
            return
        self._tell_counts()
        if reached is not None:
            self._send(reached_message(number, run.handed_over, reached))
            run.handed_over += 1

    def _encode(self, work: Encoding) -> None:
        if self._begun is None:
            planes = [slice_plane(self._on_volume.volume, *key) for key in work.slices]
            self._begun = _BegunEncoding(work, self._on_volume.encode_in_steps(planes))
        if self._begun.goes_on():
            return
        self._drop_encoding()
        if work.sweep is not None:
            self._tell_progress(work, work.sweep)

    def _tell_progress(self, work: Encoding, sweep: int) -> None:
        count = self._sweeps[sweep]
        count.encoded += len(work.slices)
        done = count.total - self.scheduler.remaining(sweep)
        self._send(Progress(sweep, done, count.total, count.encoded))
        if not work.slices:
            self._forget(sweep)
            self._send(Done(sweep))

    def _drop_encoding(self) -> None:
        self._begun = None
        self.scheduler.finish_encoding()

    def _tell_counts(self) -> None:
        counts = self._on_volume.counts
        self._send(Counted(counts.memory_hits, counts.disk_hits, counts.misses))

    def _forget(self, number: int) -> None:
        if self._begun and self._begun.work.sweep == number:
            self._begun = None
        self.scheduler.cancel(number)
        self._propagations.pop(number, None)
        self._sweeps.pop(number, None)


class _BegunEncoding:
    """Slices of which a part is computed."""

    def __init__(self, work: Encoding, steps: Steps[None]) -> None:
        self.work = work
        self._steps = steps

    def goes_on(self) -> bool:
        """Take the next step; False after the last."""
        try:
            next(self._steps)
        except StopIteration:
            return False
        return True


class _PropagationRun:
    def __init__(self, units: Iterator[PropagatedSlice | None]) -> None:
        self.units = units
        self.handed_over = 0


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
