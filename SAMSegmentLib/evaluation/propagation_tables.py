"""Results of propagation for people (text) and for programs (CSV, JSON)."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .propagation_summary import summarise_propagation
from .summary import case_means, group
from .tables import defined, number_text, without_nan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .modes import PropagationMode
    from .records import PropagationRecord

_CSV_COLUMNS = (
    "case", "structure", "method", "mode", "dice", "iou", "hausdorff95_mm", "overshoot", "undershoot", "mask_voxels",
    "reference_voxels", "common_voxels", "slices",
)  # fmt: skip


def propagation_rows(records: Sequence[PropagationRecord], modes: Sequence[PropagationMode]) -> list[list[str]]:
    """The main table: a header, then a row for each method and mode."""
    titles = {mode.name: mode.title for mode in modes}
    header = [
        "method",
        "from",
        "structures",
        "3D Dice",
        "(by structure)",
        "3D IoU",
        "HD95 mm",
        "overshoot",
        "undershoot",
        "slices",
        "conf. corr.",
        "worst found",
    ]
    return [header] + [
        [
            item.method,
            titles[item.mode],
            str(item.structures),
            number_text(item.dice_3d),
            number_text(item.dice_by_structure),
            number_text(item.iou_3d),
            number_text(item.hausdorff95_mm, 1),
            number_text(item.overshoot, 1),
            number_text(item.undershoot, 1),
            str(item.slices),
            number_text(item.rank_correlation, 2),
            number_text(item.worst_found, 2),
        ]
        for item in summarise_propagation(records, modes)
    ]


def propagation_case_rows(
    records: Sequence[PropagationRecord], modes: Sequence[PropagationMode], method: str
) -> list[list[str]]:
    """Mean 3D Dice of one method by case (rows) and mode (columns)."""
    own = group((record for record in records if record.method == method), lambda record: record.mode)
    shown = [mode.name for mode in modes if mode.name in own]
    means = {name: case_means(own[name], lambda record: record.dice) for name in shown}
    structures = {
        case: len({record.structure for record in items})
        for case, items in group(records, lambda record: record.case).items()
    }
    return [["3D Dice by case", "structures", *shown]] + [
        [case, str(count), *(number_text(means[name].get(case, math.nan), 2) for name in shown)]
        for case, count in structures.items()
    ]


def write_propagation_csv(path: Path, records: Iterable[PropagationRecord]) -> None:
    """One line for each structure, method and mode."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _CSV_COLUMNS)
        writer.writeheader()
        writer.writerows(_csv_row(record) for record in records)


def propagation_json(
    records: Sequence[PropagationRecord], modes: Sequence[PropagationMode], settings: dict[str, Any]
) -> dict[str, Any]:
    """All figures as plain data for :mod:`json`, each propagated slice among them; what is undefined is null.

    :param settings: how they were made, put in as they are.
    """
    return {
        "version": 1,
        "settings": settings,
        "summary": [without_nan(asdict(item)) for item in summarise_propagation(records, modes)],
        "cases": [
            {"case": case, "method": method, "mode": mode, "dice_3d": defined(case_means(own, lambda r: r.dice)[case])}
            for (case, method, mode), own in group(records, lambda r: (r.case, r.method, r.mode)).items()
        ],
        "structures": [_structure_figures(record) for record in records],
    }


def _structure_figures(record: PropagationRecord) -> dict[str, Any]:
    return {
        "case": record.case,
        "structure": record.structure,
        "method": record.method,
        "mode": record.mode,
        "dice_3d": defined(record.dice),
        "iou_3d": defined(record.iou),
        "hausdorff95_mm": defined(record.hausdorff95_mm),
        "overshoot": record.overshoot,
        "undershoot": record.undershoot,
        "slices": [without_nan(asdict(item)) for item in record.slices],
    }


def _csv_row(record: PropagationRecord) -> dict[str, Any]:
    return {
        "case": record.case,
        "structure": record.structure,
        "method": record.method,
        "mode": record.mode,
        "dice": f"{record.dice:.6f}",
        "iou": f"{record.iou:.6f}",
        "hausdorff95_mm": f"{record.hausdorff95_mm:.4f}",
        "overshoot": record.overshoot,
        "undershoot": record.undershoot,
        "mask_voxels": record.overlap.mask,
        "reference_voxels": record.overlap.reference,
        "common_voxels": record.overlap.common,
        "slices": len(record.slices),
    }
