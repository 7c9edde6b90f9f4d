"""``samsegment embed``: encode slices before they are needed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..embeddings import BUDGET_VARIABLE, EmbeddingCache, default_disk_store, packed_size
from ..errors import InputError, OutputError, StoppedError
from ..geometry import native_orientation, slice_plane, slice_range
from ..intensity import check_window, resolve_window
from ..io.read import read_volume
from ..models.catalogue import catalogue_entry
from ..models.weights import locate_weights
from .interrupts import interrupts_noticed
from .parsing import parse_range
from .report import print_json, print_line, print_notes, progress_bar, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..embeddings import DiskStore, EmbeddingKey
    from ..geometry import Orientation, SlicePlane
    from ..models.interface import Embedding
    from ..volume import Volume
    from ..worker.volumemodel import VolumeModel


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


@dataclass
class _Tally:
    """How far it came."""

    encoded: int = 0
    found: int = 0

    @property
    def done(self) -> int:
        return self.encoded + self.found


def run_embed(options: EmbedOptions) -> None:
    """Encode every slice that the cache on disk lacks, and report.

    :raises SAMSegmentError: with the exit code that the command line promises; what was encoded before is kept.
    """
    started = time.perf_counter()
    wanted = parse_range(options.slices)
    check_window(options.window)
    locate_weights(catalogue_entry(options.model), options.weights)
    warnings: list[str] = []
    disk = default_disk_store(warnings.append)
    if disk is None:
        raise InputError(f"The cache on disk is off; unset {BUDGET_VARIABLE} or give it the number of bytes to use.")
    with progress_bar("Reading", "slice") as update:
        volume = read_volume(options.image, series=options.series, frame=options.frame, progress=update)
    orientation = options.orientation or native_orientation(volume)
    first, last = slice_range(volume, orientation, *wanted)
    planes = [slice_plane(volume, orientation, index) for index in range(first, last + 1)]
    print_notes(volume.notes)
    on_volume = _open_model(options, volume, disk)
    try:
        tally = _embed(planes, on_volume, disk, warnings)
    except KeyboardInterrupt:  # the second one: the first waits for the end of a slice
        raise StoppedError(
            "Stopped by Ctrl+C within a slice; those before it are in the cache, and the same command goes on from "
            "there."
        ) from None
    keys = [on_volume.key(plane.orientation, plane.index) for plane in planes]
    _check_kept(keys[: tally.done], disk)
    _report(options, disk, keys, tally, time.perf_counter() - started)
    if tally.done < len(planes):
        raise StoppedError(
            f"Stopped by Ctrl+C; {tally.done} of {len(planes)} slices are in the cache, and the same command goes on "
            "from there."
        )


def _open_model(options: EmbedOptions, volume: Volume, disk: DiskStore) -> VolumeModel:
    # Torch is imported only now: wrong usage and unreadable images are answered without the wait.
    from ..models.load import load_model
    from ..worker.volumemodel import VolumeModel

    model = load_model(options.model, weights=options.weights, device=options.device, precision=options.precision)
    # No memory: each slice is looked at once.
    return VolumeModel(model, volume, resolve_window(volume, options.window), EmbeddingCache(0, disk))


def _embed(planes: Sequence[SlicePlane], on_volume: VolumeModel, disk: DiskStore, warnings: Sequence[str]) -> _Tally:
    tally = _Tally()
    with progress_bar("Encoding", "slice") as update, interrupts_noticed() as interruption:
        for plane in planes:
            # Slices that are there are read, too: a damaged one is found now, and the others count as used.
            embedding, was_known = on_volume.embedding(plane)
            if warnings:
                raise OutputError(warnings[0])
            if tally.done == 0:
                _check_budget(planes, embedding, on_volume, disk)
            tally.found += was_known
            tally.encoded += not was_known
            update(tally.done, len(planes))
            if interruption.noticed:
                break
    return tally


def _check_budget(planes: Sequence[SlicePlane], embedding: Embedding, on_volume: VolumeModel, disk: DiskStore) -> None:
    """Refuse what would drive its own first slices out of the cache again."""
    needed = sum(packed_size(on_volume.key(plane.orientation, plane.index), embedding) for plane in planes)
    if needed > disk.budget_bytes:
        raise InputError(
            f"{on_volume.volume.name}: embeddings of {len(planes)} slices take {needed} bytes in the cache, whose "
            f"budget is {disk.budget_bytes}; choose fewer with --slices, or set {BUDGET_VARIABLE}={needed} or more."
        )


def _check_kept(keys: Sequence[EmbeddingKey], disk: DiskStore) -> None:
    lost = sum(not disk.holds(key) for key in keys)
    if lost:
        raise OutputError(
            f"{disk.folder}: {lost} of {len(keys)} embeddings did not stay there, because another process fills or "
            "clears the cache, or its old files cannot be removed; run 'samsegment cache clear', then this again."
        )


def _report(
    options: EmbedOptions, disk: DiskStore, keys: Sequence[EmbeddingKey], tally: _Tally, seconds: float
) -> None:
    orientation = keys[0].orientation
    if options.json:
        print_json(
            {
                "image": str(options.image),
                "model": keys[0].model,
                "orientation": orientation,
                "slices": [keys[0].index, keys[-1].index],
                "encodes": tally.encoded,
                "cache_hits": {"memory": 0, "disk": tally.found},
                "complete": tally.done == len(keys),
                "folder": str(disk.folder),
                "total_s": round(seconds, 3),
            }
        )
        return
    used = size_text(disk.usage().bytes)
    print_line(
        f"{tally.done} of {len(keys)} {orientation} slices have embeddings: {tally.encoded} encoded now, "
        f"{tally.found} were there"
    )
    print_line(f"The cache {disk.folder} holds {used} of {size_text(disk.budget_bytes)}")
