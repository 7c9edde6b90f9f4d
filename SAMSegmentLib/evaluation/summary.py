"""From records to the figures of a table: means of the cases' means, so that no case counts more than another."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from .metrics import rank_correlation
from .modes import GOAL_DICE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import TypeVar

    from .modes import Mode
    from .records import PropagationRecord, Record

    Key = TypeVar("Key", bound=Hashable)
    AnyRecord = TypeVar("AnyRecord", Record, PropagationRecord)


@dataclass(frozen=True)
class Summary:
    """One method in one mode. All but the counts and the correlation are means of the cases' means.

    :param best_dice: Dice of the best candidate, chosen with the reference; NaN for baselines.
    :param dice_3d: Dice of each structure, its evaluated slices taken together.
    :param spread: standard deviation of Dice over the jittered repeats; NaN in modes without repeats.
    :param clicks: given until the answer.
    :param reached_goal: part of the answers with a Dice of at least 0.85.
    :param rank_correlation: Spearman's, of predicted and true IoU over all answers; NaN for baselines.
    :param empty: number of answers without a pixel.
    :param emptied: number of those after a negative click.
    """

    method: str
    mode: str
    targets: int
    dice: float
    best_dice: float
    iou: float
    hausdorff95_mm: float
    dice_3d: float
    spread: float
    clicks: float
    reached_goal: float
    rank_correlation: float
    empty: int
    emptied: int


def summarise(records: Sequence[Record], modes: Iterable[Mode]) -> list[Summary]:
    """One summary for each mode and each method that has records in it, the model before the baselines."""
    grouped = group(records, lambda record: (record.mode, record.method))
    methods = list(dict.fromkeys(record.method for record in records))
    return [
        _summary(method, mode.name, grouped[mode.name, method])
        for method in methods
        for mode in modes
        if (mode.name, method) in grouped
    ]


def group(records: Iterable[AnyRecord], key: Callable[[AnyRecord], Key]) -> dict[Key, list[AnyRecord]]:
    """Records by a key, in the order in which the keys appear."""
    groups: dict[Key, list[AnyRecord]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return dict(groups)


def case_means(records: Iterable[AnyRecord], value: Callable[[AnyRecord], float]) -> dict[str, float]:
    """Mean of a record's value for each case."""
    return {
        case: float(np.mean([value(record) for record in own]))
        for case, own in group(records, lambda record: record.case).items()
    }


def over_cases(records: Iterable[AnyRecord], value: Callable[[AnyRecord], float]) -> float:
    """Mean over the cases of the means of their records."""
    return float(np.mean(list(case_means(records, value).values())))


def structure_dice_3d(records: Iterable[Record]) -> dict[tuple[str, str], float]:
    """For each (case, structure): Dice over all its slices in the records, mean over the repeats."""
    repeats = group(records, lambda record: (record.case, record.structure, record.repeat))
    dices: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (case, structure, _), own in repeats.items():
        dices[case, structure].append(reduce(add, (record.overlap for record in own)).dice)
    return {key: float(np.mean(values)) for key, values in dices.items()}


def overall_rank_correlation(records: Iterable[Record]) -> float:
    """Spearman's correlation of predicted and true IoU over all modes; NaN without predictions."""
    pairs = [(record.predicted_iou, record.iou) for record in records if record.predicted_iou is not None]
    return rank_correlation([predicted for predicted, _ in pairs], [true for _, true in pairs])


def _summary(method: str, mode: str, records: list[Record]) -> Summary:
    return Summary(
        method=method,
        mode=mode,
        targets=len(group(records, lambda record: (record.case, record.structure, record.index))),
        dice=over_cases(records, lambda record: record.dice),
        best_dice=over_cases(records, lambda record: math.nan if record.best_dice is None else record.best_dice),
        iou=over_cases(records, lambda record: record.iou),
        hausdorff95_mm=over_cases(records, lambda record: record.hausdorff95_mm),
        dice_3d=_mean_dice_3d(records),
        spread=_spread(records),
        clicks=over_cases(records, lambda record: record.clicks),
        reached_goal=over_cases(records, lambda record: record.dice >= GOAL_DICE),
        rank_correlation=overall_rank_correlation(records),
        empty=sum(record.overlap.mask == 0 for record in records),
        emptied=sum(record.emptied for record in records),
    )


def _mean_dice_3d(records: Iterable[Record]) -> float:
    by_case: dict[str, list[float]] = defaultdict(list)
    for (case, _), dice in structure_dice_3d(records).items():
        by_case[case].append(dice)
    return float(np.mean([np.mean(dices) for dices in by_case.values()]))


def _spread(records: Iterable[Record]) -> float:
    by_case: dict[str, list[float]] = defaultdict(list)
    for (case, _, _), own in group(records, lambda record: (record.case, record.structure, record.index)).items():
        if len(own) > 1:
            by_case[case].append(float(np.std([record.dice for record in own])))
    return float(np.mean([np.mean(spreads) for spreads in by_case.values()])) if by_case else math.nan
