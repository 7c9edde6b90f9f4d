"""What propagation costs beside the model: its throughput against the bare decoder's, and its memory."""

from __future__ import annotations

import time
import tracemalloc
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from SAMSegmentLib.embeddings import EmbeddingCache
from SAMSegmentLib.evaluation.cases import read_case
from SAMSegmentLib.evaluation.propagation import StructurePropagation
from SAMSegmentLib.geometry import Orientation, slice_count
from SAMSegmentLib.intensity import resolve_window
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.propagation import PropagationRequest, propagate
from SAMSegmentLib.worker.volumemodel import VolumeModel
from Testing.phantoms import straight_tube

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from SAMSegmentLib.evaluation.modes import PropagationMode
    from SAMSegmentLib.evaluation.propagation import PropagationSettings, StructurePlan
    from SAMSegmentLib.geometry import SlicePlane
    from SAMSegmentLib.models.interface import Candidates, PromptableModel
    from SAMSegmentLib.prompts import SlicePrompts
    from SAMSegmentLib.volume import Volume

_ALL_EMBEDDINGS = 8 << 30
_REPEATS = 9
# Embeddings are no part of what is measured: a few slices' worth of the built-in model's.
_FEW_EMBEDDINGS = 4 << 20
_SLICE_COUNTS = (32, 64, 128, 256)


class RecordingSource:
    """A slice source that remembers what the decoder was asked."""

    def __init__(self, source: VolumeModel) -> None:
        self.source = source
        self.asked: list[tuple[SlicePlane, Sequence[SlicePrompts]]] = []

    @property
    def volume(self) -> Volume:
        return self.source.volume

    @property
    def takes_mask_prompts(self) -> bool:
        return self.source.takes_mask_prompts

    def pixels(self, plane: SlicePlane) -> NDArray[np.uint8]:
        return self.source.pixels(plane)

    def decode(self, plane: SlicePlane, prompts: Sequence[SlicePrompts]) -> list[Candidates]:
        self.asked.append((plane, prompts))
        return self.source.decode(plane, prompts)


@dataclass(frozen=True)
class Cost:
    """One propagation, and its decoder calls alone.

    :param slices: that propagation handed over, each counted once.
    :param decodes: prompt sets.
    """

    slices: int
    decodes: int
    seconds: float
    decoder_seconds: float


def throughput_rows(plans: Sequence[StructurePlan], settings: PropagationSettings, model_name: str) -> list[list[str]]:
    """The first structure of each case: slices per second, and those of the same decodes without anything else.

    All embeddings are in memory. Propagation and decoder take turns, nine times; the medians of both count.
    """
    model = load_model(model_name, device="cpu")
    rows = [["case", "keys", "slices", "decodes a slice", "slices/s", "decoder alone", "ratio"]]
    total = {mode.name: [0.0, 0.0] for mode in settings.modes}
    for plan in plans:
        if not plan.targets:
            continue
        case = read_case(plan.files)
        source = VolumeModel(model, case.image, plan.window, EmbeddingCache(_ALL_EMBEDDINGS))
        structure = StructurePropagation(case, plan.targets[0], settings.orientation)
        for mode in settings.modes:
            cost = _cost(model, source, structure, mode, settings)
            if cost.slices:
                total[mode.name][0] += cost.seconds
                total[mode.name][1] += cost.decoder_seconds
                rows.append([plan.files.name, *_cost_cells(mode, cost)])
    return rows + [
        ["all", str(mode.key_slices), "", "", "", "", f"{total[mode.name][1] / total[mode.name][0]:.2f}"]
        for mode in settings.modes
    ]


def memory_rows(model_name: str) -> list[list[str]]:
    """Peak of what Python and numpy hold while a tube of more and more slices is propagated and its masks dropped."""
    model = load_model(model_name, device="cpu")
    rows = [["slices", "1 key slice, MiB", "3 key slices, MiB"]]
    for count in _SLICE_COUNTS:
        phantom = straight_tube(count)
        source = VolumeModel(model, phantom.volume, resolve_window(phantom.volume), EmbeddingCache(_FEW_EMBEDDINGS))
        peaks = [
            _peak_mib(source, {int((part + 0.5) * count / keys): phantom.mask[0] for part in range(keys)}, count)
            for keys in (1, 3)
        ]
        rows.append([str(count), *(f"{peak:.1f}" for peak in peaks)])
    return rows


def _cost(
    model: PromptableModel,
    source: VolumeModel,
    structure: StructurePropagation,
    mode: PropagationMode,
    settings: PropagationSettings,
) -> Cost:
    key_masks = structure.key_masks(source, mode.key_slices)
    if not key_masks:
        return Cost(0, 0, 0.0, 0.0)
    last = slice_count(source.volume, settings.orientation) - 1
    request = PropagationRequest(settings.orientation, key_masks, 0, last)
    recording = RecordingSource(source)
    slices = {reached.plane.index for reached in propagate(recording, request)}
    known = {plane.index: source.embedding(plane)[0] for plane, _ in recording.asked}
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        deque(propagate(source, request), maxlen=0)
        propagated = time.perf_counter()
        for plane, prompts in recording.asked:
            model.decode(known[plane.index], prompts)
        times.append((propagated - started, time.perf_counter() - propagated))
    return Cost(
        slices=len(slices),
        decodes=sum(len(prompts) for _, prompts in recording.asked),
        seconds=median(ours for ours, _ in times),
        decoder_seconds=median(decoder for _, decoder in times),
    )


def _cost_cells(mode: PropagationMode, cost: Cost) -> list[str]:
    return [
        str(mode.key_slices),
        str(cost.slices),
        f"{cost.decodes / cost.slices:.2f}",
        f"{cost.slices / cost.seconds:.1f}",
        f"{cost.slices / cost.decoder_seconds:.1f}",
        f"{cost.decoder_seconds / cost.seconds:.2f}",
    ]


def _peak_mib(source: VolumeModel, key_masks: dict[int, NDArray[np.bool_]], count: int) -> float:
    request = PropagationRequest(Orientation.AXIAL, key_masks, 0, count - 1)
    tracemalloc.start()
    try:
        reached = {item.plane.index for item in propagate(source, request)}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if len(reached) + len(key_masks) < count:
        print(f"(only {len(reached)} of {count} slices were reached)")
    return peak / 2**20
