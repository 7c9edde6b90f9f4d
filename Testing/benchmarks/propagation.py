"""Propagation against micro-sam's routine: same model, same cases, same key masks.

Run: ``python -m Testing.benchmarks.propagation ../shared/data --jobs 2 [--projection box mask] [--variants all]
[--csv FILE] [--json FILE] [--cost]``. A structure's key masks are the model's answers to the reference's tight boxes in
one and in three key slices. Means are over structures, and over the means of the cases.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from SAMSegmentLib.cli.report import table
from SAMSegmentLib.evaluation.cases import find_cases
from SAMSegmentLib.evaluation.modes import PROPAGATION_MODES
from SAMSegmentLib.evaluation.propagation import PropagationSettings, plan_structures
from SAMSegmentLib.evaluation.propagation_tables import propagation_json, propagation_rows, write_propagation_csv
from SAMSegmentLib.evaluation.summary import case_means, group, over_cases
from SAMSegmentLib.geometry import Orientation
from Testing.benchmarks.micro_sam_routine import Projection
from Testing.benchmarks.propagation_cost import memory_rows, throughput_rows
from Testing.benchmarks.propagation_runs import run_all, split
from Testing.benchmarks.propagation_variants import ABLATIONS, BASELINES, OURS, VARIANTS

if TYPE_CHECKING:
    from SAMSegmentLib.evaluation.modes import PropagationMode
    from SAMSegmentLib.evaluation.propagation import StructurePlan
    from SAMSegmentLib.evaluation.records import PropagationRecord

# A structure counts as worse than the baseline from this difference of 3D Dice on.
WORSE = 0.05


def main() -> None:
    """Run, print tables, write the records."""
    options = _options()
    modes = tuple(mode for mode in PROPAGATION_MODES if mode.key_slices in options.keys)
    settings = PropagationSettings(modes, Orientation(options.orientation), options.window)
    plans = _plans(options, settings)
    if options.cost:
        _print("Throughput with cached embeddings", throughput_rows(plans, settings, options.model))
        _print("Memory beside volume and embeddings", memory_rows(options.model))
        return
    records = _records(options, plans, settings)
    if options.csv:
        write_propagation_csv(options.csv, records)
    if options.json:
        options.json.write_text(json.dumps(propagation_json(records, modes, {}), indent=1), encoding="utf-8")
    _print("All ways", propagation_rows(records, modes))
    for mode in modes:
        _compare(mode, [record for record in records if record.mode == mode.name])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--case", nargs="+", help="only cases of these names")
    parser.add_argument("--per-case", type=int, default=24, help="structures of each case (default 24)")
    parser.add_argument("--keys", type=int, nargs="+", choices=(1, 3), default=(1, 3))
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--orientation", default="axial", choices=[item.value for item in Orientation])
    parser.add_argument("--window", default="auto")
    parser.add_argument("--projection", nargs="+", default=["box"], choices=[item.value for item in Projection])
    parser.add_argument(
        "--variants",
        nargs="+",
        default=[],
        choices=["all", *(item.name for item in ABLATIONS)],
        help="also ours with parts left out or put in",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--csv", type=Path, help="save every structure's figures")
    parser.add_argument("--json", type=Path, help="save them with Dice and confidence of every slice")
    parser.add_argument("--cost", action="store_true", help="measure throughput and memory instead")
    return parser.parse_args()


def _plans(options: argparse.Namespace, settings: PropagationSettings) -> list[StructurePlan]:
    cases = [files for files in find_cases(options.cases) if not options.case or files.name in options.case]
    return plan_structures(cases, settings, per_case=options.per_case)


def _records(
    options: argparse.Namespace, plans: list[StructurePlan], settings: PropagationSettings
) -> list[PropagationRecord]:
    """In the order of cases, structures and variants, whichever process was first."""
    baselines = [
        item.name
        for item, projection in zip(BASELINES, Projection, strict=True)
        if projection.value in options.projection
    ]
    ablations = [item.name for item in ABLATIONS if item.name in options.variants or "all" in options.variants]
    with tempfile.TemporaryDirectory(prefix="samsegment-benchmark-") as folder:
        jobs = split(plans, settings, [*baselines, OURS.name, *ablations], options.model, Path(folder))
        records = [
            record for done in tqdm(run_all(jobs, options.jobs), total=len(jobs), disable=None) for record in done
        ]
    methods = list(VARIANTS)
    return sorted(records, key=lambda item: (item.case, item.structure, item.mode, methods.index(item.method)))


def _compare(mode: PropagationMode, records: list[PropagationRecord]) -> None:
    by_method = group(records, lambda record: record.method)
    best = max(
        (item.name for item in BASELINES if item.name in by_method),
        key=lambda name: np.mean([record.dice for record in by_method[name]]),
    )
    baseline, ours = by_method[best], by_method[OURS.name]
    _print(f"{mode.title}: by case, {best} and ours", _case_rows(baseline, ours))
    _print(f"{mode.title}: worse than {best} by more than {WORSE}", _worse_rows(baseline, ours))
    others = {name: own for name, own in by_method.items() if name in {item.name for item in ABLATIONS}}
    if others:
        _print(f"{mode.title}: ours with parts left out or put in", _ablation_rows(ours, others))


def _case_rows(baseline: list[PropagationRecord], ours: list[PropagationRecord]) -> list[list[str]]:
    dice = [case_means(records, lambda record: record.dice) for records in (baseline, ours)]
    distance = [case_means(records, lambda record: record.hausdorff95_mm) for records in (baseline, ours)]
    counts = {case: len(own) for case, own in group(ours, lambda record: record.case).items()}
    rows = [["case", "structures", "3D Dice", "ours", "gain", "HD95 mm", "ours"]]
    rows += [
        [case, str(count), *_pair(dice[0][case], dice[1][case]), *_pair(distance[0][case], distance[1][case], 1)[:2]]
        for case, count in counts.items()
    ]
    for title, mean in (("mean of the cases", _mean_of_cases), ("mean of the structures", _mean)):
        dices = [mean(records, "dice") for records in (baseline, ours)]
        distances = [mean(records, "hausdorff95_mm") for records in (baseline, ours)]
        rows.append([title, str(len(ours)), *_pair(*dices), *_pair(*distances, 1)[:2]])
    return rows


def _worse_rows(baseline: list[PropagationRecord], ours: list[PropagationRecord]) -> list[list[str]]:
    worse = [(theirs, own) for theirs, own in zip(baseline, ours, strict=True) if own.dice < theirs.dice - WORSE]
    worse.sort(key=lambda pair: pair[1].dice - pair[0].dice)
    share = f"{len(worse)} of {len(ours)} ({len(worse) / len(ours):.0%})"
    return [["structure", "3D Dice", "ours", "gain", "HD95 mm", "ours", "overshoot", "undershoot", share]] + [
        [
            f"{own.case}: {own.structure}",
            *_pair(theirs.dice, own.dice),
            *_pair(theirs.hausdorff95_mm, own.hausdorff95_mm, 1)[:2],
            f"{own.overshoot:.1f}",
            f"{own.undershoot:.1f}",
            "",
        ]
        for theirs, own in worse
    ]


def _ablation_rows(ours: list[PropagationRecord], others: dict[str, list[PropagationRecord]]) -> list[list[str]]:
    """Each with its difference to ours."""
    rows = [["variant", "3D Dice by structure", "gain", "by case", "gain", "HD95 mm"]]
    for name, own in {OURS.name: ours, **others}.items():
        by_structure = _pair(_mean(ours, "dice"), _mean(own, "dice"))[1:]
        by_case = _pair(_mean_of_cases(ours, "dice"), _mean_of_cases(own, "dice"))[1:]
        rows.append([name, *by_structure, *by_case, f"{_mean_of_cases(own, 'hausdorff95_mm'):.1f}"])
    return rows


def _mean(records: list[PropagationRecord], member: str) -> float:
    return float(np.mean([getattr(record, member) for record in records]))


def _mean_of_cases(records: list[PropagationRecord], member: str) -> float:
    return over_cases(records, lambda record: getattr(record, member))


def _pair(theirs: float, ours: float, digits: int = 3) -> tuple[str, str, str]:
    """Both and their difference."""
    return f"{theirs:.{digits}f}", f"{ours:.{digits}f}", f"{ours - theirs:+.{digits}f}"


def _print(title: str, rows: list[list[str]]) -> None:
    print(f"\n{title}")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
