"""Structures of many cases, propagated in many ways by several processes."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING

from SAMSegmentLib.embeddings import DEFAULT_MEMORY_BYTES, DiskStore, EmbeddingCache
from SAMSegmentLib.evaluation.cases import read_case
from SAMSegmentLib.evaluation.propagation import StructurePropagation
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.worker.volumemodel import VolumeModel
from Testing.benchmarks.propagation_variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from SAMSegmentLib.evaluation.propagation import PropagationSettings, StructurePlan
    from SAMSegmentLib.evaluation.records import PropagationRecord
    from SAMSegmentLib.models.interface import PromptableModel

# Structures that a process takes on at a time: few enough that all processes end at about the same time.
_PORTION = 4
_DISK_BYTES = 16 << 30


@dataclass(frozen=True)
class Job:
    """Some structures of one case.

    :param variants: names in :data:`VARIANTS`.
    :param cache_folder: where all processes keep embeddings, so that each slice is encoded once.
    """

    plan: StructurePlan
    settings: PropagationSettings
    variants: tuple[str, ...]
    model: str
    cache_folder: Path


def split(
    plans: Sequence[StructurePlan],
    settings: PropagationSettings,
    variants: Sequence[str],
    model: str,
    cache_folder: Path,
) -> list[Job]:
    """Jobs of a few structures each."""
    return [
        Job(
            replace(plan, targets=plan.targets[start : start + _PORTION]),
            settings,
            tuple(variants),
            model,
            cache_folder,
        )
        for plan in plans
        for start in range(0, len(plan.targets), _PORTION)
    ]


def run_all(jobs: Sequence[Job], processes: int) -> Iterator[list[PropagationRecord]]:
    """Yield the records of each job as it is done."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the processes that are started; more threads than cores only wait
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run, job) for job in jobs]):
            yield done.result()


def run(job: Job) -> list[PropagationRecord]:
    """The records of every structure, mode and variant of one job."""
    model = _model(job.model)
    case = read_case(job.plan.files)
    disk = DiskStore(job.cache_folder, _DISK_BYTES, warn=print)
    source = VolumeModel(model, case.image, job.plan.window, EmbeddingCache(DEFAULT_MEMORY_BYTES, disk))
    structures = [StructurePropagation(case, target, job.settings.orientation) for target in job.plan.targets]
    return [
        structure.run(source, mode, name, VARIANTS[name])
        for structure in structures
        for mode in job.settings.modes
        for name in job.variants
    ]


@cache
def _model(name: str) -> PromptableModel:
    return load_model(name, device="cpu")
