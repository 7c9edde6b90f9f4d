"""Results for people (text) and for programs (CSV, JSON)."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .modes import GOAL_DICE, MOST_CLICKS
from .summary import case_means, group, overall_rank_correlation, structure_dice_3d, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .modes import Mode
    from .records import Record
    from .summary import Summary

_CSV_COLUMNS = (
    "case", "structure", "index", "method", "mode", "repeat", "dice", "iou", "hausdorff95_mm", "mask_pixels",
    "reference_pixels", "common_pixels", "clicks", "predicted_iou", "best_dice", "emptied",
)  # fmt: skip


def summary_rows(records: Sequence[Record], modes: Sequence[Mode]) -> list[list[str]]:
    """The main table: a header, then a row for each method and mode."""
    titles = {mode.name: mode.title for mode in modes}
    header = [
        "method",
        "mode",
        "Dice",
        "best of 3",
        "IoU",
        "HD95 mm",
        "3D Dice",
        "spread",
        "IoU corr.",
        "empty",
        "emptied",
    ]
    return [header] + [
        [
            item.method,
            titles[item.mode],
            number_text(item.dice),
            number_text(item.best_dice),
            number_text(item.iou),
            number_text(item.hausdorff95_mm, 1),
            number_text(item.dice_3d),
            number_text(item.spread),
            number_text(item.rank_correlation, 2),
            str(item.empty),
            str(item.emptied),
        ]
        for item in summarise(records, modes)
    ]


def case_rows(records: Sequence[Record], modes: Sequence[Mode], method: str) -> list[list[str]]:
    """Mean Dice of one method by case (rows) and mode (columns)."""
    own = group((record for record in records if record.method == method), lambda record: record.mode)
    shown = [mode.name for mode in modes if mode.name in own]
    means = {name: case_means(own[name], lambda record: record.dice) for name in shown}
    cases = list(dict.fromkeys(record.case for record in records))
    return [["Dice by case", *shown]] + [
        [case, *(number_text(means[name].get(case, math.nan), 2) for name in shown)] for case in cases
    ]


def goal_sentence(summaries: Iterable[Summary]) -> str | None:
    """How many clicks it took to reach the goal; None when that was not asked for."""
    for item in summaries:
        if item.mode == "clicks-goal":
            return (
                f"Clicks to reach Dice {GOAL_DICE}: {item.clicks:.1f} on average ({MOST_CLICKS} at most); "
                f"{item.reached_goal:.0%} reached it."
            )
    return None


def write_csv(path: Path, records: Iterable[Record]) -> None:
    """One line for each record."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _CSV_COLUMNS)
        writer.writeheader()
        writer.writerows(_csv_row(record) for record in records)


def results_json(records: Sequence[Record], modes: Sequence[Mode], settings: dict[str, Any]) -> dict[str, Any]:
    """All figures as plain data for :mod:`json`; what is undefined is null.

    :param settings: how they were made, put in as they are.
    """
    return {
        "version": 1,
        "settings": settings,
        "summary": [without_nan(asdict(item)) for item in summarise(records, modes)],
        "rank_correlation": defined(overall_rank_correlation(records)),
        "cases": _case_figures(records),
        "structures": _structure_figures(records),
    }


def _case_figures(records: Iterable[Record]) -> list[dict[str, Any]]:
    return [
        {"case": case, "method": method, "mode": mode, "dice": defined(case_means(own, lambda r: r.dice)[case])}
        for (case, method, mode), own in group(records, lambda r: (r.case, r.method, r.mode)).items()
    ]


def _structure_figures(records: Iterable[Record]) -> list[dict[str, Any]]:
    groups = group(records, lambda r: (r.case, r.structure, r.method, r.mode))
    return [
        {
            "case": case,
            "structure": structure,
            "method": method,
            "mode": mode,
            "slices": len({record.index for record in own}),
            "dice": defined(sum(record.dice for record in own) / len(own)),
            "dice_3d": defined(structure_dice_3d(own)[case, structure]),
        }
        for (case, structure, method, mode), own in groups.items()
    ]


def _csv_row(record: Record) -> dict[str, Any]:
    counts = record.overlap
    own = {"dice": f"{record.dice:.6f}", "iou": f"{record.iou:.6f}", "hausdorff95_mm": f"{record.hausdorff95_mm:.4f}"}
    pixels = {"mask_pixels": counts.mask, "reference_pixels": counts.reference, "common_pixels": counts.common}
    return {name: own.get(name, pixels.get(name, getattr(record, name, ""))) for name in _CSV_COLUMNS}


def without_nan(data: dict[str, Any]) -> dict[str, Any]:
    """Figures for JSON: what is undefined is None, the others are rounded."""
    return {key: defined(value) if isinstance(value, float) else value for key, value in data.items()}


def defined(value: float) -> float | None:
    """A figure for JSON, None where it is undefined."""
    return None if math.isnan(value) else round(value, 6)


def number_text(value: float, digits: int = 3) -> str:
    """A figure for a table."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
