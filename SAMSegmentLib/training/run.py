"""A training run in its folder: configuration, log, checkpoints, and at the end the weights."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..errors import InputError
from ..io.atomic import atomic_path, not_writable
from ..models.checkpoint import TORCH_LOAD_ERRORS, read_checkpoint
from ..models.weights import file_sha256
from .batches import SlicePool, StageBatches, load_batches
from .export import export_weights
from .learner import Learner
from .schedule import Position, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .config import TrainingConfig

CONFIG_NAME, LOG_NAME, CHECKPOINT_NAME = "config.json", "log.jsonl", "checkpoint.pt"
POOL_NAME, WEIGHTS_NAME = "slices.bin", "builtin.safetensors"

_LOG_EVERY = 50  # steps
_CHECKPOINT_SECONDS = 300.0

_logger = logging.getLogger(__name__)


class TrainingRun:
    """Training from where the folder's checkpoint left off, or from the start.

    :param folder: of the run, made if need be.
    :param start: weights to start from; the first phase, which would make such weights, is then left out.
    :param minutes: see :class:`Schedule`.
    :param workers: processes that make batches ahead.
    :raises InputError: the folder holds another run, or there is no second phase for the weights to start in.
    :raises ModelUnavailableError: the weights to start from are not those of a built-in model.
    :raises OutputError: the folder cannot be written.
    """

    def __init__(
        self,
        config: TrainingConfig,
        folder: Path,
        *,
        start: Path | None = None,
        minutes: float | None = None,
        device: torch.device | None = None,
        workers: int = 1,
    ) -> None:
        self._config = config
        self._folder = folder
        self._workers = workers
        self._schedule = Schedule(config, minutes)
        self._start_sha256 = None if start is None else file_sha256(start)
        self._learner = Learner(config, device or torch.device("cpu"))
        self._position = Position()
        self._figures: dict[str, list[float]] = {}
        _claim_folder(folder, config)
        if (folder / CHECKPOINT_NAME).is_file():
            self._restore()
        elif start is not None:
            self._start_from(start)
        self._pool = SlicePool(config.seed, config.pool_slices, folder / POOL_NAME)
        self._saved_at = time.monotonic()

    def run(self, stop_after: int | None = None) -> bool:
        """Train to the end, or for ``stop_after`` steps; whether the end was reached.

        The state is kept either way; at the end the weights are written.

        :raises OutputError: the folder cannot be written any more.
        """
        steps_left = float("inf") if stop_after is None else stop_after
        while self._position.phase < len(self._config.phases):
            steps_left -= self._run_stage(steps_left)
            if not self._schedule.is_stage_over(self._position):
                self._save()
                return False
            self._begin_next_stage()
        self._export()
        return True

    def _run_stage(self, most_steps: float) -> int:
        """Train to the end of the stage, but at most so many steps; how many there were."""
        stage = self._schedule.stage(self._position)
        # Counted from the stage's start, so that a step has the same batch after a restart.
        samples_before = self._position.samples - self._position.step * stage.slices
        batches = StageBatches(self._config, stage, samples_before, self._pool)
        source = load_batches(batches, self._position.step, self._workers)
        steps = 0
        while steps < most_steps and not self._schedule.is_stage_over(self._position):
            started = time.monotonic()
            rate, progress = self._schedule.learning_rate(self._position), self._schedule.progress(self._position)
            figures = self._learner.learn(next(source), self._position, rate, progress)
            self._position = self._position.after_step(stage.slices, time.monotonic() - started)
            self._log(figures, rate)
            if time.monotonic() - self._saved_at > _CHECKPOINT_SECONDS:
                self._save()
            steps += 1
        return steps

    def _begin_next_stage(self) -> None:
        phase = self._position.phase
        self._position = self._position.next_stage(self._config.phases[phase])
        if phase < self._position.phase < len(self._config.phases):
            self._learner.begin_phase()
        self._save()

    def _start_from(self, weights: Path) -> None:
        if len(self._config.phases) < 2:
            raise InputError(f"{self._config.name}: has one phase only, which makes the weights; leave out --start.")
        self._learner.load(read_checkpoint(weights), weights)
        self._position = Position(phase=1)

    def _log(self, figures: Mapping[str, float], rate: float) -> None:
        """Add up the figures; write their means every so many steps, and at the first to show that it runs."""
        for name, value in figures.items():
            self._figures.setdefault(name, []).append(value)
        if self._position.phase_step % _LOG_EVERY and self._position.phase_step > 1:
            return
        means = {name: round(float(np.mean(values)), 4) for name, values in sorted(self._figures.items())}
        self._figures.clear()
        where = {**asdict(self._position), "seconds": round(self._position.seconds, 1), "rate": round(rate, 7)}
        line = json.dumps({**where, **means})
        _logger.info("%s", line)
        path = self._folder / LOG_NAME
        try:
            with path.open("a", encoding="utf-8") as log:
                log.write(line + "\n")
        except OSError as error:
            raise not_writable(path, error) from error

    def _save(self) -> None:
        state = {"position": asdict(self._position), "start": self._start_sha256, **self._learner.state()}
        with atomic_path(self._folder / CHECKPOINT_NAME) as path:
            torch.save(state, path)
        self._saved_at = time.monotonic()

    def _restore(self) -> None:
        path = self._folder / CHECKPOINT_NAME
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            self._learner.restore(state)
            self._position = Position(**state["position"])
            self._start_sha256 = state["start"]
        except TORCH_LOAD_ERRORS as error:
            raise InputError(f"{path}: not a checkpoint of this run; remove it or choose another folder.") from error

    def _export(self) -> None:
        origin = {
            "recipe": self._config.name,
            "config_sha256": self._config.sha256,
            "slices_seen": str(self._position.samples),
            "started_from_sha256": self._start_sha256 or "random weights",
        }
        export_weights(self._learner.result(), origin, self._folder / WEIGHTS_NAME)


def _claim_folder(folder: Path, config: TrainingConfig) -> None:
    """Make the folder this run's: it holds the run's configuration and nobody else's."""
    stored = folder / CONFIG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_taken = stored.is_file() and stored.read_text("utf-8") != config.text
    except OSError as error:
        raise not_writable(folder, error) from error
    if is_taken:
        raise InputError(f"{folder}: holds a run with another configuration; choose another folder.")
    with atomic_path(stored) as path:
        path.write_text(config.text, "utf-8")
