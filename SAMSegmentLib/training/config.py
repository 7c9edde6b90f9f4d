"""What a training run is: one JSON file, kept in the package and stored with the run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InputError
from .shapes import SIDE

_STRIDE = 32  # of the network's coarsest features and of the decoder's grid above it
_LARGEST_OFFSET = 3.0  # a probability of 0.05 counts as inside
_Record = TypeVar("_Record", "Stage", "Phase", "TrainingConfig")


@dataclass(frozen=True)
class Stage:
    """Steps at one image size.

    :param side: pixels of the square slices.
    :param slices: in one step; each with ``targets_per_slice`` targets.
    :param steps: of the optimiser.
    """

    side: int
    slices: int
    steps: int

    def __post_init__(self) -> None:
        if self.side % _STRIDE or not _STRIDE <= self.side <= SIDE:
            raise ValueError(f"side must be a multiple of {_STRIDE} up to {SIDE}, not {self.side}")
        if min(self.slices, self.steps) < 1:
            raise ValueError("slices and steps must be 1 or more")

    @property
    def cost(self) -> int:
        """Pixels that the network sees: what the stage's share of the time is."""
        return self.steps * self.slices * self.side**2


@dataclass(frozen=True)
class Phase:
    """Stages under one learning rate schedule: warm-up, then a cosine to nearly nothing.

    :param name: for the log.
    :param peak_learning_rate: after the warm-up.
    :param warmup_steps: in which the rate rises linearly.
    :param stages: one after another.
    """

    name: str
    peak_learning_rate: float
    warmup_steps: int
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not 0 < self.peak_learning_rate < 1 or self.warmup_steps < 1 or not self.stages:
            raise ValueError("a phase needs a learning rate between 0 and 1, a warm-up and stages")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run.

    :param name: of the recipe; it goes into the weights file.
    :param seed: of everything random.
    :param phases: one after another, each from the averaged weights of the one before.
    :param targets_per_slice: structures asked for in every slice.
    :param pool_slices: different synthetic slices; each is used again and again in other views.
    :param slice_reuse: how often a slice is used, on average, before the pool has grown to its size.
    :param point_share: share of samples that start with one click.
    :param box_share: share that starts with a box; the rest starts with both.
    :param round_odds: probability of 1, 2, 3, ... rounds; each round after the first adds a corrective click.
    :param weight_decay: of AdamW, on matrices and kernels only.
    :param gradient_limit: largest norm of a gradient; longer ones are shortened.
    :param average_decay: of the exponential moving average of the weights, which is what a phase ends with.
    :param start_share: share of the weights that the last phase started from in what is written; the mean of both
        generalises better than either (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022).
    :param answer_offset: added to the logits of token 0 when they are written. The network is trained to be right about
        each pixel, and the Dice of a mask is highest when pixels of less than one half are counted in (Lipton et al.,
        "Optimal thresholding of classifiers to maximize F1 measure", 2014).
    """

    name: str
    seed: int
    phases: tuple[Phase, ...]
    targets_per_slice: int = 3
    pool_slices: int = 8000
    slice_reuse: int = 3
    point_share: float = 0.42
    box_share: float = 0.38
    round_odds: tuple[float, ...] = (0.35, 0.29, 0.165, 0.13, 0.065)
    weight_decay: float = 0.02
    gradient_limit: float = 2.0
    average_decay: float = 0.998
    start_share: float = 0.0
    answer_offset: float = 0.0

    def __post_init__(self) -> None:
        if not self.phases:
            raise ValueError("there are no phases")
        if min(self.targets_per_slice, self.pool_slices, self.slice_reuse) < 1:
            raise ValueError("targets_per_slice, pool_slices and slice_reuse must be 1 or more")
        if min(self.point_share, self.box_share) < 0 or self.point_share + self.box_share > 1:
            raise ValueError("point_share and box_share must be 0 or more, together at most 1")
        if not 0 <= self.start_share < 1 or not abs(self.answer_offset) <= _LARGEST_OFFSET:
            raise ValueError(f"start_share must be 0 or more and below 1, answer_offset within {_LARGEST_OFFSET:g}")
        if min(self.round_odds, default=-1) < 0 or abs(sum(self.round_odds) - 1) > 1e-6:
            raise ValueError("round_odds must be probabilities that sum to 1")

    @property
    def text(self) -> str:
        """The JSON of this configuration, every value written out."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of :attr:`text`: what a weights file is traced back by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def packaged_configs() -> list[str]:
    """Names of the configurations that come with the package."""
    folder = resources.files(__package__) / "configs"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def load_config(spec: str) -> TrainingConfig:
    """A configuration by its name in the package, or from a JSON file.

    :raises InputError: there is none, or it is not a configuration.
    """
    if spec in packaged_configs():
        text = (resources.files(__package__) / "configs" / f"{spec}.json").read_text("utf-8")
        return parse_config(text, spec)
    try:
        text = Path(spec).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        names = ", ".join(packaged_configs())
        raise InputError(f"{spec}: not a readable configuration; give a JSON file or one of {names}.") from error
    return parse_config(text, spec)


def parse_config(text: str, source: str) -> TrainingConfig:
    """A configuration from its JSON.

    :param source: where it comes from, for the sentence of an error.
    :raises InputError: not JSON, or a value that is missing, unknown or out of its range.
    """
    try:
        content = json.loads(text)
        phases = tuple(_phase(entry) for entry in content.pop("phases"))
        content["round_odds"] = tuple(content.get("round_odds", TrainingConfig.round_odds))
        return _record(TrainingConfig, {**content, "phases": phases})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{source}: not a training configuration ({error}); correct the file.") from error


def _phase(entry: dict[str, Any]) -> Phase:
    stages = tuple(_record(Stage, stage) for stage in entry.pop("stages"))
    return _record(Phase, {**entry, "stages": stages})


def _record(kind: type[_Record], values: dict[str, Any]) -> _Record:
    unknown = values.keys() - {known.name for known in fields(kind)}
    if unknown:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    return kind(**values)
