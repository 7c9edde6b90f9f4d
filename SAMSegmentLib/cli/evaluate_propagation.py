"""``samsegment evaluate --mode propagate``: how well whole structures come out of a few key slices."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..evaluation.cases import find_cases
from ..evaluation.propagation import PropagationSettings, evaluate_propagation, plan_structures
from ..evaluation.propagation_plots import write_propagation_plots
from ..evaluation.propagation_tables import (
    propagation_case_rows,
    propagation_json,
    propagation_rows,
    write_propagation_csv,
)
from ..io.atomic import atomic_path
from .report import print_line, print_notes, progress_bar, table

if TYPE_CHECKING:
    from ..evaluation.modes import PropagationMode
    from ..evaluation.propagation import StructurePlan
    from ..evaluation.records import PropagationRecord
    from ..models.interface import PromptableModel
    from .evaluate_command import EvaluateOptions


@dataclass
class _Progress:
    """What a run gathers on its way."""

    records: list[PropagationRecord] = field(default_factory=list)
    done: int = 0
    total: int = 0
    interrupted: bool = False


def run_evaluate_propagation(options: EvaluateOptions, modes: tuple[PropagationMode, ...]) -> None:
    """Evaluate, print tables, write files.

    :raises SAMSegmentError: with the exit code that the command line promises.
    """
    started = time.perf_counter()
    settings = PropagationSettings(modes, options.orientation, options.window)
    cases = find_cases(options.cases)
    with progress_bar("Reading", "case") as update:
        plans = plan_structures(cases, settings, options.limit, update)

    # Torch is imported only now: wrong usage and unreadable cases are answered without the wait.
    from ..models.load import load_model

    model = load_model(options.model, weights=options.weights, device=options.device)
    progress = _run(plans, model, settings)
    about = _about(options, model, plans, progress, time.perf_counter() - started)
    _print(progress, modes, about)
    _write(options, progress.records, modes, about)


def _run(plans: list[StructurePlan], model: PromptableModel, settings: PropagationSettings) -> _Progress:
    """Ctrl+C ends the run and keeps what there is."""
    progress = _Progress(total=sum(len(plan.targets) for plan in plans))
    with progress_bar("Propagating", "structure") as update:
        try:
            for records in evaluate_propagation(plans, model, settings):
                progress.records += records
                progress.done += 1
                update(progress.done, progress.total)
        except KeyboardInterrupt:
            progress.interrupted = True
    return progress


def _about(
    options: EvaluateOptions, model: PromptableModel, plans: list[StructurePlan], progress: _Progress, seconds: float
) -> dict[str, Any]:
    return {
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        "orientation": options.orientation.value,
        "window": options.window,
        "windows": {plan.files.name: {"level": plan.window.level, "width": plan.window.width} for plan in plans},
        "cases": len(plans),
        "structures": progress.total,
        "structures_done": progress.done,
        "seconds": round(seconds, 1),
    }


def _print(progress: _Progress, modes: tuple[PropagationMode, ...], about: dict[str, Any]) -> None:
    if progress.interrupted:
        print_notes(
            [f"Stopped by Ctrl+C after {progress.done} of {progress.total} structures; the figures are of these."]
        )
    if not progress.records:
        print_line("No structure was evaluated.")
        return
    for rows in (
        propagation_rows(progress.records, modes),
        propagation_case_rows(progress.records, modes, about["model"]),
    ):
        for line in table(rows):
            print_line(line)
        print_line()
    print_line(
        f"{about['model']} (weights {about['weights_sha256'][:12]}) on {about['structures_done']} structures of "
        f"{about['cases']} cases, {about['orientation']}, window {about['window']}, {about['seconds']:.0f} s."
    )


def _write(
    options: EvaluateOptions,
    records: list[PropagationRecord],
    modes: tuple[PropagationMode, ...],
    about: dict[str, Any],
) -> None:
    if options.csv:
        with atomic_path(options.csv) as temporary:
            write_propagation_csv(temporary, records)
    if options.json:
        with atomic_path(options.json) as temporary:
            text = json.dumps(propagation_json(records, modes, about), indent=1, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")
    if options.plot:
        write_propagation_plots(options.plot, records, modes)
