"""``samsegment embed``: encode slices before they are needed."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..embeddings import BUDGET_VARIABLE, default_disk_store, packed_size
from ..errors import InputError, OutputError, StoppedError
from ..geometry import native_orientation, slice_range
from ..intensity import check_window, resolve_window
from ..io.read import read_volume
from ..models.catalogue import catalogue_entry
from ..models.weights import locate_weights
from ..worker.client import WorkerSettings
from .engine import running_engine
from .interrupts import interrupts_noticed
from .parsing import parse_range
from .report import print_json, print_line, print_notes, progress_bar, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ..embeddings import DiskStore, EmbeddingKey
    from ..geometry import Orientation
    from ..models.interface import Embedding
    from ..worker.client import WorkerEngine
    from ..worker.interface import EmbeddingProgress


@dataclass(frozen=True)
class EmbedOptions:
    """The options of ``samsegment embed`` as the user gave them."""

    image: Path
    model: str
    weights: Path | None = None
    orientation: Orientation | None = None
    slices: str | None = None
    window: str = "auto"
    series: str | None = None
    frame: int | None = None
    device: str = "auto"
    precision: str = "auto"
    json: bool = False


@dataclass(frozen=True)
class _Slices:
    """What is to be encoded, and where it goes.

    :param notices: sentences of the worker so far.
    """

    engine: WorkerEngine
    disk: DiskStore
    orientation: Orientation
    first: int
    last: int
    notices: Sequence[str]

    def keys(self) -> list[EmbeddingKey]:
        """Known when the engine has answered once."""
        return [self.engine.embedding_key(self.orientation, index) for index in range(self.first, self.last + 1)]


@dataclass(frozen=True)
class _Outcome:
    """What came of it.

    :param found: slices whose embedding was there.
    :param done: slices that have one now.
    """

    keys: Sequence[EmbeddingKey]
    found: int
    done: int


def run_embed(options: EmbedOptions) -> None:
    """Encode every slice that the cache on disk lacks, and report.

    :raises SAMSegmentError: with the exit code that the command line promises; what was encoded before is kept.
    """
    started = time.perf_counter()
    wanted = parse_range(options.slices)
    check_window(options.window)
    locate_weights(catalogue_entry(options.model), options.weights)
    notices: list[str] = []
    disk = default_disk_store(notices.append)
    if disk is None:
        raise InputError(f"The cache on disk is off; unset {BUDGET_VARIABLE} or give it the number of bytes to use.")
    with running_engine(_worker_settings(options), notices.append) as engine:
        with progress_bar("Reading", "slice") as update:
            volume = read_volume(options.image, series=options.series, frame=options.frame, progress=update)
        orientation = options.orientation or native_orientation(volume)
        first, last = slice_range(volume, orientation, *wanted)
        print_notes(volume.notes)
        engine.open_volume(volume, resolve_window(volume, options.window))
        outcome = _embed(_Slices(engine, disk, orientation, first, last, notices), volume.name)
    print_notes(notices)
    _report(options, disk, outcome, time.perf_counter() - started)
    if outcome.done < len(outcome.keys):
        raise StoppedError(
            f"Stopped by Ctrl+C; {outcome.done} of {len(outcome.keys)} slices are in the cache, and the same command "
            "goes on from there."
        )


def _worker_settings(options: EmbedOptions) -> WorkerSettings:
    return WorkerSettings(
        model=options.model,
        weights=options.weights,
        device=options.device,
        precision=options.precision,
        cache_bytes=0,  # each slice is looked at once
    )


def _embed(slices: _Slices, image: str) -> _Outcome:
    with progress_bar("Encoding", "slice") as update, interrupts_noticed() as interruption:
        try:
            return _embed_all(slices, image, update, lambda: interruption.noticed)
        except KeyboardInterrupt:  # the second one
            raise StoppedError(
                "Stopped by Ctrl+C within a slice; those before it are in the cache, and the same command goes on from "
                "there."
            ) from None


def _embed_all(
    slices: _Slices, image: str, update: Callable[[int, int], None], give_up: Callable[[], bool]
) -> _Outcome:
    embedding, encoded = _first_embedding(slices)
    keys = slices.keys()
    _check_budget(keys, embedding, slices.disk, image)
    found = _read(keys, slices.disk, update) - encoded

    def on_progress(progress: EmbeddingProgress) -> None:
        update(found + encoded + progress.encoded, len(keys))
        # Why embeddings are not kept is told once, and among other things.
        if slices.notices and not all(slices.disk.holds(key) for key in keys[: progress.done]):
            raise OutputError(slices.notices[-1])

    try:
        future = slices.engine.embed_all(slices.orientation, slices.first, slices.last, on_progress)
        slices.engine.wait(future, give_up=give_up)
    except CancelledError:
        _wait_for_the_end(slices)
    else:
        _check_kept(keys, slices.disk)
    return _Outcome(keys, found, sum(slices.disk.holds(key) for key in keys))


def _first_embedding(slices: _Slices) -> tuple[Embedding, int]:
    """That of the first slice, and how many slices (0 or 1) were encoded for it."""
    encoded = 0

    def on_progress(progress: EmbeddingProgress) -> None:
        nonlocal encoded
        encoded = progress.encoded

    for _ in range(2):  # one that is there may be damaged, and reading removes it
        slices.engine.wait(slices.engine.embed_all(slices.orientation, slices.first, slices.first, on_progress))
        embedding = slices.disk.read(slices.engine.embedding_key(slices.orientation, slices.first))
        if embedding is not None:
            return embedding, encoded
    if slices.notices:
        raise OutputError(slices.notices[-1])
    raise InputError(
        f"{slices.disk.folder}: no embedding stays in the cache, whose budget is {slices.disk.budget_bytes} bytes; "
        f"unset {BUDGET_VARIABLE} or give it more."
    )


def _check_budget(keys: Sequence[EmbeddingKey], embedding: Embedding, disk: DiskStore, image: str) -> None:
    """Refuse what would drive its own first slices out of the cache again."""
    needed = sum(packed_size(key, embedding) for key in keys)
    if needed > disk.budget_bytes:
        raise InputError(
            f"{image}: embeddings of {len(keys)} slices take {needed} bytes in the cache, whose budget is "
            f"{disk.budget_bytes}; choose fewer with --slices, or set {BUDGET_VARIABLE}={needed} or more."
        )


def _read(keys: Sequence[EmbeddingKey], disk: DiskStore, update: Callable[[int, int], None]) -> int:
    """How many embeddings are there. They are read, so that damaged ones go now, and the others count as used."""
    found = 0
    for key in keys:
        found += disk.read(key) is not None
        update(found, len(keys))
    return found


def _wait_for_the_end(slices: _Slices) -> None:
    """Until nothing is written any more: the worker answers one request after the other, and this one is done."""
    slices.engine.wait(slices.engine.embed_all(slices.orientation, slices.first, slices.first))


def _check_kept(keys: Sequence[EmbeddingKey], disk: DiskStore) -> None:
    lost = sum(not disk.holds(key) for key in keys)
    if lost:
        raise OutputError(
            f"{disk.folder}: {lost} of {len(keys)} embeddings did not stay there, because another process fills or "
            "clears the cache, or its old files cannot be removed; run 'samsegment cache clear', then this again."
        )


def _report(options: EmbedOptions, disk: DiskStore, outcome: _Outcome, seconds: float) -> None:
    keys, encoded = outcome.keys, outcome.done - outcome.found
    orientation = keys[0].orientation
    if options.json:
        print_json(
            {
                "image": str(options.image),
                "model": keys[0].model,
                "orientation": orientation,
                "slices": [keys[0].index, keys[-1].index],
                "encodes": encoded,
                "cache_hits": {"memory": 0, "disk": outcome.found},
                "complete": outcome.done == len(keys),
                "folder": str(disk.folder),
                "total_s": round(seconds, 3),
            }
        )
        return
    used = size_text(disk.usage().bytes)
    print_line(
        f"{outcome.done} of {len(keys)} {orientation} slices have embeddings: {encoded} encoded now, "
        f"{outcome.found} were there"
    )
    print_line(f"The cache {disk.folder} holds {used} of {size_text(disk.budget_bytes)}")
