"""Training batches as a pure function of the configuration and the step, however many processes make them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..io.atomic import not_writable
from .anatomy import DETAIL, LEVELS, WHOLE
from .augment import random_view
from .generator import SyntheticSlice, generate_slice
from .shapes import SIDE
from .streams import SAMPLE_STREAM, SLICE_STREAM
from .targets import pick_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from .augment import View
    from .config import Stage, TrainingConfig
    from .targets import Target

_HEAD_START = 256  # slices in the pool at the first step
_REGION_STRIDE = 4  # of the descriptors that regions are compared with
_ENTRY = (2 + LEVELS, SIDE, SIDE)  # of the pool's file: pixels, labels, and a plane that says whether they are there
_MIDDLE_GREY, _GREY_SCALE = 127.5, 64.0


class Batch(NamedTuple):
    """``b`` slices with ``n`` = b * targets_per_slice targets, those of a slice side by side.

    ``slices`` (b, 1, side, side) float32 as the encoder takes them; ``regions`` (b, side / 4, side / 4) int64, equal
    where the structure is the same; ``masks`` (n, side, side) bool; ``points`` (n, 2) and ``boxes`` (n, 4) float32 in
    pixels; ``visible`` (n,) bool.
    """

    slices: Tensor
    regions: Tensor
    masks: Tensor
    points: Tensor
    boxes: Tensor
    visible: Tensor


class SlicePool:
    """Synthetic slices by number, generated when first asked for and kept in a file.

    A slice depends on the seed and its number only: a pool that is lost, or filled by several processes at once, comes
    out the same.

    :param path: of the file; None keeps nothing.
    :raises OutputError: the file cannot be made.
    """

    def __init__(self, seed: int, count: int, path: Path | None) -> None:
        self.count = count
        self._seed = seed
        self._path = path
        self._kept: np.memmap | None = None
        if path is not None:
            _reserve(path, count * math.prod(_ENTRY))

    def __getitem__(self, number: int) -> SyntheticSlice:
        """Slice ``number``, 0 to ``count`` - 1."""
        kept = self._open()
        if kept is None:
            return self._generate(number)
        # A new file reads as zeros: the last plane's first byte is set when the entry is complete.
        entry = kept[number]
        if not entry[-1, 0, 0]:
            fresh = self._generate(number)
            entry[0], entry[1 : 1 + LEVELS] = fresh.pixels, fresh.labels
            entry[-1, 0, 0] = 1
        return SyntheticSlice(np.array(entry[0]), np.array(entry[1 : 1 + LEVELS]))

    def _generate(self, number: int) -> SyntheticSlice:
        return generate_slice(np.random.default_rng((self._seed, SLICE_STREAM, number)))

    def _open(self) -> np.memmap | None:
        # Opened by the process that reads, not by the one that hands the pool to it.
        if self._kept is None and self._path is not None:
            self._kept = np.memmap(self._path, np.uint8, "r+", shape=(self.count, *_ENTRY))
        return self._kept


class StageBatches(Dataset[Batch]):
    """The batches of one stage by step.

    :param samples_before: slices that earlier stages have used: the pool has grown by then.
    """

    def __init__(self, config: TrainingConfig, stage: Stage, samples_before: int, pool: SlicePool) -> None:
        self._config = config
        self._stage = stage
        self._samples_before = samples_before
        self._pool = pool

    def __len__(self) -> int:
        return self._stage.steps

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step, 0 for the stage's first."""
        first = self._samples_before + step * self._stage.slices
        return _collate([self._sample(first + item) for item in range(self._stage.slices)])

    def _sample(self, number: int) -> tuple[View, list[Target]]:
        rng = np.random.default_rng((self._config.seed, SAMPLE_STREAM, number))
        grown = min(self._pool.count, _HEAD_START + number // self._config.slice_reuse)
        wanted = self._config.targets_per_slice
        while True:
            view = random_view(rng, self._pool[int(rng.integers(grown))], self._stage.side)
            targets = [target for _ in range(wanted) if (target := pick_target(rng, view)) is not None]
            if targets:
                # A view with few structures is asked for some of them twice.
                return view, [targets[index % len(targets)] for index in range(wanted)]


def load_batches(batches: StageBatches, first_step: int, workers: int) -> Iterator[Batch]:
    """The batches from ``first_step`` on, in order, made ahead by ``workers`` processes (0: by this one)."""
    return iter(
        DataLoader(
            batches,
            batch_size=None,
            sampler=range(first_step, len(batches)),
            num_workers=workers,
            prefetch_factor=4 if workers else None,
        )
    )


def _reserve(path: Path, size: int) -> None:
    """A file of this many bytes, zeros where nothing was written; one of another size is started anew."""
    try:
        if not path.is_file() or path.stat().st_size != size:
            with path.open("wb") as stream:
                stream.truncate(size)
    except OSError as error:
        raise not_writable(path, error) from error


def _collate(samples: list[tuple[View, list[Target]]]) -> Batch:
    views = [view for view, _ in samples]
    targets = [target for _, of_slice in samples for target in of_slice]
    return Batch(
        slices=torch.from_numpy(np.stack([_encoder_input(view) for view in views]))[:, None],
        regions=torch.from_numpy(np.stack([_regions(view) for view in views])),
        masks=torch.from_numpy(np.stack([target.mask for target in targets])),
        points=torch.tensor([target.point for target in targets], dtype=torch.float32),
        boxes=torch.from_numpy(np.stack([target.box for target in targets])),
        visible=torch.tensor([target.is_visible for target in targets]),
    )


def _encoder_input(view: View) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = ((view.pixels - _MIDDLE_GREY) / _GREY_SCALE).astype(np.float32)
    rows, columns = view.shape
    scaled[rows:], scaled[:, columns:] = 0, 0
    return scaled


def _regions(view: View) -> NDArray[np.int64]:
    middle = slice(_REGION_STRIDE // 2, None, _REGION_STRIDE)
    labels = view.labels[:, middle, middle].astype(np.int64)
    regions: NDArray[np.int64] = labels[WHOLE] * 256 + labels[DETAIL]
    return regions
