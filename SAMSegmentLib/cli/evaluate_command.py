"""``samsegment evaluate``: how good a model is on volumes with reference masks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..evaluation.baselines import load_baselines
from ..evaluation.cases import find_cases
from ..evaluation.modes import find_modes, find_propagation_modes
from ..evaluation.plots import check_plotting, write_plots
from ..evaluation.runner import Settings, evaluate, plan_cases
from ..evaluation.summary import summarise
from ..evaluation.tables import case_rows, goal_sentence, results_json, summary_rows, write_csv
from ..intensity import check_window
from ..io.atomic import atomic_path
from ..models.catalogue import catalogue_entry
from .evaluate_propagation import run_evaluate_propagation
from .evaluation_run import EvaluationRun, save_json
from .report import print_line, progress_bar, table
from .segment_result import check_extra

if TYPE_CHECKING:
    from pathlib import Path

    from ..evaluation.modes import Mode
    from ..evaluation.records import Record
    from ..evaluation.runner import CasePlan
    from ..geometry import Orientation
    from ..models.interface import PromptableModel


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of ``samsegment evaluate`` as the user gave them."""

    cases: Path
    model: str
    weights: Path | None
    modes: tuple[str, ...]
    orientation: Orientation
    window: str
    limit: int | None
    baselines: bool
    seed: int
    device: str
    csv: Path | None
    json: Path | None
    plot: Path | None


def run_evaluate(options: EvaluateOptions) -> None:
    """Evaluate, print tables, write files.

    :raises SAMSegmentError: with the exit code that the command line promises.
    """
    propagation_modes = find_propagation_modes(options.modes)
    modes = () if propagation_modes else find_modes(options.modes, catalogue_entry(options.model).prompts)
    check_window(options.window)
    for path, ending in ((options.csv, ".csv"), (options.json, ".json")):
        check_extra(path, ending)
    if options.plot:
        check_plotting(options.plot)
    if propagation_modes:
        run_evaluate_propagation(options, propagation_modes)
    else:
        _run_evaluate_slices(options, modes)


def _run_evaluate_slices(options: EvaluateOptions, modes: tuple[Mode, ...]) -> None:
    started = time.perf_counter()
    settings = Settings(modes, options.orientation, options.window, options.seed)
    baselines = load_baselines() if options.baselines else ()
    cases = find_cases(options.cases)
    with progress_bar("Reading", "case") as update:
        plans = plan_cases(cases, settings, options.limit, update)

    # Torch is imported only now: wrong usage and unreadable cases are answered without the wait.
    from ..models.load import load_model

    model = load_model(options.model, weights=options.weights, device=options.device)
    run = EvaluationRun["Record"]("target", sum(len(plan.targets) for plan in plans))
    run.gather(evaluate(plans, model, settings, baselines), "Evaluating")
    about = _about(options, model, plans, run, time.perf_counter() - started)
    _print(run, settings, about)
    _write(options, run.records, settings, about)


def _about(
    options: EvaluateOptions, model: PromptableModel, plans: list[CasePlan], run: EvaluationRun[Record], seconds: float
) -> dict[str, Any]:
    return {
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        "orientation": options.orientation.value,
        "window": options.window,
        "windows": {plan.files.name: {"level": plan.window.level, "width": plan.window.width} for plan in plans},
        "seed": options.seed,
        "cases": len(plans),
        "targets": run.total,
        "targets_done": run.done,
        "seconds": round(seconds, 1),
    }


def _print(run: EvaluationRun[Record], settings: Settings, about: dict[str, Any]) -> None:
    if not run.records:
        print_line("No target was evaluated.")
        return
    for rows in (
        summary_rows(run.records, settings.modes),
        case_rows(run.records, settings.modes, about["model"]),
    ):
        for line in table(rows):
            print_line(line)
        print_line()
    sentence = goal_sentence(summarise(run.records, settings.modes))
    if sentence:
        print_line(sentence)
    print_line(
        f"{about['model']} (weights {about['weights_sha256'][:12]}) on {about['targets_done']} targets of "
        f"{about['cases']} cases, {about['orientation']}, window {about['window']}, seed {about['seed']}, "
        f"{about['seconds']:.0f} s."
    )


def _write(options: EvaluateOptions, records: list[Record], settings: Settings, about: dict[str, Any]) -> None:
    if options.csv:
        with atomic_path(options.csv) as temporary:
            write_csv(temporary, records)
    if options.json:
        save_json(options.json, results_json(records, settings.modes, about))
    if options.plot:
        write_plots(options.plot, records, settings.modes)
