"""Where a run stands, and the learning rate there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import Phase, Stage, TrainingConfig

_LOWEST_SHARE = 0.01  # of the peak learning rate, at the end


@dataclass(frozen=True)
class Position:
    """The next step of a run.

    :param phase: number of the phase,
    :param stage: of the stage within it, and
    :param step: of the step within that.
    :param phase_step: steps done in the phase.
    :param samples: slices seen in the whole run.
    :param seconds: spent in the phase.
    """

    phase: int = 0
    stage: int = 0
    step: int = 0
    phase_step: int = 0
    samples: int = 0
    seconds: float = 0.0

    def after_step(self, slices: int, seconds: float) -> Position:
        """The position one step further, which took this many slices and seconds."""
        return replace(
            self,
            step=self.step + 1,
            phase_step=self.phase_step + 1,
            samples=self.samples + slices,
            seconds=self.seconds + seconds,
        )

    def next_stage(self, phase: Phase) -> Position:
        """The start of the next stage, which may be that of the next phase."""
        if self.stage + 1 < len(phase.stages):
            return replace(self, stage=self.stage + 1, step=0)
        return Position(phase=self.phase + 1, samples=self.samples)


class Schedule:
    """Progress and learning rate by position.

    :param minutes: that the phase may take: when time runs faster than the steps, the schedule follows time and the
        stages end early. None lets every phase have all its steps, however long that takes.
    """

    def __init__(self, config: TrainingConfig, minutes: float | None = None) -> None:
        self._config = config
        self._seconds = None if minutes is None else 60 * minutes

    def stage(self, position: Position) -> Stage:
        """The stage that a position lies in."""
        return self._config.phases[position.phase].stages[position.stage]

    def is_stage_over(self, position: Position) -> bool:
        """Whether the stage has had its steps or its time."""
        return self.progress(position) >= self._stage_end(position) - 1e-9

    def progress(self, position: Position) -> float:
        """Share 0..1 of the phase that is done, a step of a large image counting for more."""
        stages = self._config.phases[position.phase].stages
        stage = stages[position.stage]
        before = sum(earlier.cost for earlier in stages[: position.stage])
        done = (before + stage.cost * position.step / stage.steps) / sum(each.cost for each in stages)
        elapsed = position.seconds / self._seconds if self._seconds else 0.0
        return min(1.0, max(done, elapsed))

    def learning_rate(self, position: Position) -> float:
        """Linear warm-up, then half a cosine (Loshchilov and Hutter, 2017)."""
        phase = self._config.phases[position.phase]
        warmup = min(1.0, (position.phase_step + 1) / phase.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress(position)))
        return phase.peak_learning_rate * warmup * (_LOWEST_SHARE + (1 - _LOWEST_SHARE) * cosine)

    def _stage_end(self, position: Position) -> float:
        stages = self._config.phases[position.phase].stages
        return sum(stage.cost for stage in stages[: position.stage + 1]) / sum(stage.cost for stage in stages)
