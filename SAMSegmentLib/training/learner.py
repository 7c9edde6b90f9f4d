"""The network with all that changes while it learns: optimiser, averaged weights, and their checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from ..models.builtin import TOKENS, BuiltinNetwork
from ..models.checkpoint import load_weights
from .batches import Batch
from .rounds import run_rounds
from .streams import STEP_STREAM

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from .config import TrainingConfig
    from .schedule import Position

_LOGITS_BIAS = "decoder.coarse_logits.bias"  # added to every logit of a token

_BETAS = (0.9, 0.98)
_AFFINITY_START = (6.0, -3.0)
_AFFINITY_WEIGHT = 0.5  # falls to nothing as a phase goes on
_NO_CORRECTIONS = 0.03  # share of the phase from random weights before the first corrective click


class Learner:
    """A built-in network in training, from random weights."""

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self._config = config
        self._device = device
        torch.manual_seed(config.seed)
        network = BuiltinNetwork()
        # Convolutions are faster with the channels innermost.
        self._network = network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]  # missing in torch's stubs
        self._scale = nn.Parameter(torch.tensor(_AFFINITY_START, device=device))
        self._optimiser = self._new_optimiser()
        self._average = self._copy_of_network()
        self._phase_start = self._copy_of_network()

    def load(self, weights: Mapping[str, Tensor], path: Path) -> None:
        """Take these weights instead.

        :param path: that they come from, for the sentence of an error.
        :raises ModelUnavailableError: they are not a built-in network's.
        """
        network = BuiltinNetwork()
        load_weights(network, weights, path, "the built-in model")
        self._network.load_state_dict(network.state_dict())
        self._average, self._phase_start = self._copy_of_network(), self._copy_of_network()

    def begin_phase(self) -> None:
        """Go on from the averaged weights, with an optimiser that remembers nothing."""
        self._network.load_state_dict(self._average)
        self._optimiser = self._new_optimiser()
        self._average, self._phase_start = self._copy_of_network(), self._copy_of_network()

    def result(self) -> dict[str, Tensor]:
        """The weights to ship: averages over the phase, and what the configuration makes of them."""
        share = self._config.start_share
        weights = {
            name: torch.lerp(values, self._phase_start[name], share) if values.is_floating_point() else values
            for name, values in self._average.items()
        }
        offset = torch.zeros(TOKENS, device=self._device)
        offset[0] = self._config.answer_offset
        weights[_LOGITS_BIAS] = weights[_LOGITS_BIAS] + offset
        return weights

    def learn(self, batch: Batch, position: Position, learning_rate: float, progress: float) -> dict[str, float]:
        """One step of the optimiser; figures for the log.

        :param progress: share 0..1 of the phase that is done.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        loss, figures = run_rounds(
            self._network,
            Batch(*(part.to(self._device) for part in batch)),
            self._scale,
            self._config,
            np.random.default_rng((self._config.seed, STEP_STREAM, position.samples)),
            affinity_weight=_AFFINITY_WEIGHT * (1 - progress),
            corrections=position.phase > 0 or progress >= _NO_CORRECTIONS,
        )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # missing in torch's stubs
        norm = nn.utils.clip_grad_norm_([*self._network.parameters(), self._scale], self._config.gradient_limit)
        if torch.isfinite(norm):
            self._optimiser.step()
            self._update_average(position.phase_step)
        return {**figures, "gradient": float(norm)}

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as tensors and plain containers."""
        return {
            "network": self._network.state_dict(),
            "average": self._average,
            "phase_start": self._phase_start,
            "scale": self._scale.detach(),
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._average = self._on_device(state["average"])
        self._phase_start = self._on_device(state["phase_start"])
        with torch.no_grad():
            self._scale.copy_(state["scale"])

    def _new_optimiser(self) -> torch.optim.AdamW:
        kernels = [each for each in self._network.parameters() if each.ndim > 1]
        others = [each for each in self._network.parameters() if each.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "weight_decay": self._config.weight_decay},
            {"params": [*others, self._scale], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=0.0, betas=_BETAS)

    def _on_device(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: values.to(self._device) for name, values in weights.items()}

    def _copy_of_network(self) -> dict[str, Tensor]:
        return {name: values.detach().clone() for name, values in self._network.state_dict().items()}

    @torch.no_grad()
    def _update_average(self, phase_step: int) -> None:
        # A short memory at first, or the start would stay in the average for hundreds of steps.
        decay = min(self._config.average_decay, (2 + phase_step) / (11 + phase_step))
        for name, values in self._network.state_dict().items():
            if values.is_floating_point():
                self._average[name].lerp_(values, 1 - decay)
            else:
                self._average[name].copy_(values)
