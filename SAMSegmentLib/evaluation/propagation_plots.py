"""One picture for each propagation mode: 3D Dice by case, and what a slice's confidence is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .plots import draw_cases, save_figures
from .propagation_summary import confidence_correlation
from .summary import group

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .modes import PropagationMode
    from .records import PropagationRecord, SliceScore

# Points of the line through the scattered slices.
_GROUPS = 10


def write_propagation_plots(
    folder: Path, records: Iterable[PropagationRecord], modes: Sequence[PropagationMode]
) -> list[Path]:
    """Save ``MODE.png`` for each mode with records.

    :raises OutputError: a file cannot be written.
    """
    return save_figures(folder, records, modes, _figure)


def _figure(mode: PropagationMode, records: list[PropagationRecord]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5), layout="constrained")
    by_case, calibration = figure.subplots(1, 2)
    _draw_cases(by_case, records)
    _draw_calibration(calibration, [item for record in records for item in record.slices])
    figure.suptitle(f"{records[0].method}: whole structures from {mode.title}")
    return figure


def _draw_cases(axes: Axes, records: list[PropagationRecord]) -> None:
    draw_cases(axes, group(records, lambda record: record.case))
    axes.set(ylim=(-0.02, 1.02), ylabel="3D Dice", title="by case (structures)")


def _draw_calibration(axes: Axes, slices: list[SliceScore]) -> None:
    """Every propagated slice, and the means of ten groups of equal size by confidence."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="confidence of a slice", ylabel="its Dice")
    axes.set_title(f"{len(slices)} propagated slices, rank correlation {confidence_correlation(slices):.2f}")
    if not slices:
        return
    points = np.array(sorted((item.confidence, item.dice) for item in slices))
    axes.plot(*points.T, ".", markersize=2, alpha=0.4)
    means = [part.mean(axis=0) for part in np.array_split(points, _GROUPS) if len(part)]
    axes.plot(*np.array(means).T, "o-", color="black", label="means of tenths")
    axes.legend(fontsize=8)
