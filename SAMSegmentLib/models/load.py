"""A model by its name, ready to use. torch is imported when a model is loaded, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ModelUnavailableError
from .catalogue import BUILTIN, CATALOGUE, catalogue_entry
from .weights import file_sha256, find_weights, locate_weights, verify_weights

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from .catalogue import CatalogueEntry
    from .interface import PromptableModel


def load_model(name: str = BUILTIN, *, weights: Path | None = None, device: str = "auto") -> PromptableModel:
    """A promptable model with its weights.

    :param name: of the catalogue. A SAM checkpoint of another size than the name says is taken for what it is: the
        model's ``name`` then tells.
    :param weights: a weights file of the user's own, instead of the one in a weights folder; its SHA-256 is free.
    :param device: auto, cpu, cuda or mps.
    :raises InputError: no such model or device.
    :raises ModelUnavailableError: weights or device are not here, or the weights are damaged or of another
        architecture.
    """
    entry = catalogue_entry(name)
    path = locate_weights(entry, weights)

    from .checkpoint import read_checkpoint
    from .devices import resolve_device

    target = resolve_device(device)
    digest = verify_weights(entry, path) if weights is None else file_sha256(path)
    state = read_checkpoint(path)
    if entry.family == "builtin":
        return _builtin(state, path, digest, target)
    return _sam(entry, state, path, digest, target)


def model_states() -> list[tuple[CatalogueEntry, Path | None]]:
    """Every model of the catalogue and its weights file, None where it is not on this machine."""
    return [(entry, find_weights(entry)) for entry in CATALOGUE]


def _builtin(state: dict[str, Tensor], path: Path, digest: str, device: torch.device) -> PromptableModel:
    import torch

    from .builtin import BuiltinNetwork
    from .builtin_model import BuiltinModel
    from .checkpoint import load_weights
    from .sam_network import recognise_size

    size = recognise_size(state)
    if size is not None:
        raise ModelUnavailableError(
            f"{path}: holds a SAM {size.name}, not the built-in model; add --model sam_{size.name}."
        )
    with torch.device("meta"):
        network = BuiltinNetwork()
    load_weights(network, state, path, "the built-in model")
    return BuiltinModel(network.eval(), digest, device)


def _sam(
    entry: CatalogueEntry, state: dict[str, Tensor], path: Path, digest: str, device: torch.device
) -> PromptableModel:
    from .medsam import MedSamModel
    from .sam import SamModel
    from .sam_network import build_sam

    size, network = build_sam(state, path)
    if entry.family == "sam":
        return SamModel(f"sam_{size.name}", network, digest, device)
    if entry.name != f"medsam_{size.name}":
        raise ModelUnavailableError(f"{path}: holds a {size.name}, not {entry.name}; choose another file or --model.")
    return MedSamModel(entry.name, network, digest, device)
