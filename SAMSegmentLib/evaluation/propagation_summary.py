"""From propagated structures to the figures of a table, and how well confidence tells good slices from bad ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .metrics import rank_correlation
from .summary import group, over_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .modes import PropagationMode
    from .records import PropagationRecord, SliceScore

# A user who goes through the least confident 30 % of the slices is to meet the worst 10 %.
_WORST = 0.1
_LISTED = 0.3


@dataclass(frozen=True)
class PropagationSummary:
    """One method in one mode. Dice, IoU, distance and ends are means of the cases' means unless said otherwise.

    :param dice_by_structure: mean over all structures, so that a case with many of them counts more.
    :param slices: number of slices that propagation gave a mask.
    :param rank_correlation: Spearman's, of confidence and true Dice over all these slices.
    :param worst_found: part of the worst 10 % of these slices by Dice that are among the 30 % of least confidence.
    """

    method: str
    mode: str
    structures: int
    dice_3d: float
    dice_by_structure: float
    iou_3d: float
    hausdorff95_mm: float
    overshoot: float
    undershoot: float
    slices: int
    rank_correlation: float
    worst_found: float


def summarise_propagation(
    records: Sequence[PropagationRecord], modes: Iterable[PropagationMode]
) -> list[PropagationSummary]:
    """One summary for each mode and each method that has records in it."""
    grouped = group(records, lambda record: (record.mode, record.method))
    methods = list(dict.fromkeys(record.method for record in records))
    return [
        _summary(grouped[mode.name, method]) for method in methods for mode in modes if (mode.name, method) in grouped
    ]


def confidence_correlation(slices: Sequence[SliceScore]) -> float:
    """Spearman's rank correlation of confidence and Dice; NaN where one of them is constant."""
    return rank_correlation([item.confidence for item in slices], [item.dice for item in slices])


def worst_found(slices: Sequence[SliceScore]) -> float:
    """The part of the worst 10 % of the slices by Dice that a user meets in the 30 % of least confidence.

    Of slices that are equally bad, and only in part among the worst, each counts in part. NaN without slices.
    """
    if not slices:
        return math.nan
    dice = np.array([item.dice for item in slices])
    count = math.ceil(_WORST * len(dice))
    border = np.sort(dice)[count - 1]
    worse, as_bad = dice < border, dice == border
    weight = worse + as_bad * ((count - np.count_nonzero(worse)) / np.count_nonzero(as_bad))
    by_confidence = np.argsort([item.confidence for item in slices], kind="stable")
    return float(weight[by_confidence[: math.ceil(_LISTED * len(dice))]].sum() / count)


def _summary(records: list[PropagationRecord]) -> PropagationSummary:
    slices = [item for record in records for item in record.slices]
    return PropagationSummary(
        method=records[0].method,
        mode=records[0].mode,
        structures=len(records),
        dice_3d=over_cases(records, lambda record: record.dice),
        dice_by_structure=float(np.mean([record.dice for record in records])),
        iou_3d=over_cases(records, lambda record: record.iou),
        hausdorff95_mm=over_cases(records, lambda record: record.hausdorff95_mm),
        overshoot=over_cases(records, lambda record: record.overshoot),
        undershoot=over_cases(records, lambda record: record.undershoot),
        slices=len(slices),
        rank_correlation=confidence_correlation(slices),
        worst_found=worst_found(slices),
    )
