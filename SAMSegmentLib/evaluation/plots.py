"""One picture for each mode: how Dice spreads within and between the cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError, OutputError
from ..io.atomic import atomic_path, not_writable
from .summary import case_means, group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .modes import Mode, PropagationMode
    from .records import PropagationRecord, Record

AnyRecord = TypeVar("AnyRecord", "Record", "PropagationRecord")
AnyMode = TypeVar("AnyMode", "Mode", "PropagationMode")


def check_plotting(folder: Path) -> None:
    """Refuse what would fail only after the work is done.

    :raises InputError: matplotlib is not installed.
    :raises OutputError: the folder cannot be made.
    """
    try:
        import matplotlib.figure  # noqa: F401 - only asked for
    except ImportError:
        raise InputError(
            "Plots need matplotlib, which is not installed; "
            "install it with pip install 'samsegment[evaluate]', or leave out --plot."
        ) from None
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; give a folder for the plots.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise not_writable(folder, error) from None


def write_plots(folder: Path, records: Iterable[Record], modes: Sequence[Mode]) -> list[Path]:
    """Save ``MODE.png`` for each mode with records.

    :raises OutputError: a file cannot be written.
    """
    return save_figures(folder, records, modes, _figure)


def save_figures(
    folder: Path,
    records: Iterable[AnyRecord],
    modes: Sequence[AnyMode],
    draw: Callable[[AnyMode, list[AnyRecord]], Figure],
) -> list[Path]:
    """Save what ``draw`` makes of each mode with records as ``MODE.png``.

    :raises OutputError: a file cannot be written.
    """
    by_mode = group(records, lambda record: record.mode)
    paths = []
    for mode in modes:
        if mode.name not in by_mode:
            continue
        path = folder / f"{mode.name}.png"
        with atomic_path(path) as temporary:
            draw(mode, by_mode[mode.name]).savefig(temporary, format="png", dpi=120)
        paths.append(path)
    return paths


def _figure(mode: Mode, records: list[Record]) -> Figure:
    """Boxes of the model's Dice in each case, and beside them the mean of every method."""
    from matplotlib.figure import Figure

    by_method = group(records, lambda record: record.method)
    method, *baselines = by_method
    by_case = group(by_method[method], lambda record: record.case)
    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = figure.add_subplot()
    draw_cases(axes, by_case)
    axes.axhline(_mean(by_method[method]), label=f"{method}: {_mean(by_method[method]):.3f}", color="black", zorder=0)
    for number, baseline in enumerate(baselines):
        mean = _mean(by_method[baseline])
        axes.axhline(mean, label=f"{baseline}: {mean:.3f}", color=f"C{number}", linestyle="--", linewidth=1, zorder=0)
    axes.set(ylim=(-0.02, 1.02), ylabel="Dice in a slice", title=f"{mode.title}: {method} by case (answers)")
    figure.legend(title="mean of the cases' means", fontsize=8, loc="outside right upper")
    return figure


def draw_cases(axes: Axes, by_case: Mapping[str, Sequence[Record | PropagationRecord]]) -> None:
    """A box of the records' Dice for each case, with its name and their number below."""
    axes.boxplot(
        [[record.dice for record in own] for own in by_case.values()],
        flierprops={"marker": ".", "markersize": 3},
    )
    names = [f"{case} ({len(own)})" for case, own in by_case.items()]
    axes.set_xticks(range(1, len(names) + 1), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)


def _mean(records: list[Record]) -> float:
    means = case_means(records, lambda record: record.dice)
    return sum(means.values()) / len(means)
