"""``samsegment evaluate --mode propagate``: how well whole structures come out of a few key slices."""

from __future__ import annotations

import time
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
from .evaluation_run import EvaluationRun, save_json
from .report import print_line, progress_bar, table

if TYPE_CHECKING:
    from ..evaluation.modes import PropagationMode
    from ..evaluation.propagation import StructurePlan
    from ..evaluation.records import PropagationRecord
    from ..models.interface import PromptableModel
    from .evaluate_command import EvaluateOptions


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
    run = EvaluationRun["PropagationRecord"]("structure", sum(len(plan.targets) for plan in plans))
    run.gather(evaluate_propagation(plans, model, settings), "Propagating")
    about = _about(options, model, plans, run, time.perf_counter() - started)
    _print(run, modes, about)
    _write(options, run.records, modes, about)


def _about(
    options: EvaluateOptions,
    model: PromptableModel,
    plans: list[StructurePlan],
    run: EvaluationRun[PropagationRecord],
    seconds: float,
) -> dict[str, Any]:
    return {
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        "orientation": options.orientation.value,
        "window": options.window,
        "windows": {plan.files.name: {"level": plan.window.level, "width": plan.window.width} for plan in plans},
        "cases": len(plans),
        "structures": run.total,
        "structures_done": run.done,
        "seconds": round(seconds, 1),
    }


def _print(run: EvaluationRun[PropagationRecord], modes: tuple[PropagationMode, ...], about: dict[str, Any]) -> None:
    if not run.records:
        print_line("No structure was evaluated.")
        return
    for rows in (
        propagation_rows(run.records, modes),
        propagation_case_rows(run.records, modes, about["model"]),
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
        save_json(options.json, propagation_json(records, modes, about))
    if options.plot:
        write_propagation_plots(options.plot, records, modes)
