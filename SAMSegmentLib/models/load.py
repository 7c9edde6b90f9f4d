"""A model by its name, ready to use. torch is imported when a model is loaded, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..errors import ModelUnavailableError
from .catalogue import BUILTIN, CATALOGUE, catalogue_entry
from .weights import file_sha256, find_weights, locate_weights, verify_weights

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from .catalogue import CatalogueEntry
    from .interface import PromptableModel


def load_model(
    name: str = BUILTIN, *, weights: Path | None = None, device: str = "auto", precision: str = "auto"
) -> PromptableModel:
    """A promptable model with its weights.

    :param name: of the catalogue. A SAM checkpoint of another size than the name says is taken for what it is: the
        model's ``name`` then tells.
    :param weights: a weights file of the user's own, instead of the one in a weights folder; its SHA-256 is free.
    :param device: auto, cpu, cuda or mps.
    :param precision: of the encoder: auto, float32, bfloat16 or float16.
    :raises InputError: no such model, device or precision.
    :raises ModelUnavailableError: weights or device are not here, or the weights are damaged or of another
        architecture.
    """
    entry = catalogue_entry(name)
    path = locate_weights(entry, weights)

    from .checkpoint import read_checkpoint
    from .devices import resolve_device, resolve_precision

    target = resolve_device(device)
    number_type = resolve_precision(precision, target)
    digest = verify_weights(entry, path) if weights is None else file_sha256(path)
    found = _Weights(read_checkpoint(path), path, digest)
    _require_family(entry, found)
    if entry.family == "builtin":
        return _builtin(found, target, number_type)
    if entry.family == "mobile_sam":
        return _mobile_sam(found, target, number_type)
    return _sam(entry, found, target, number_type)


def model_states() -> list[tuple[CatalogueEntry, Path | None]]:
    """Every model of the catalogue and its weights file, None where it is not on this machine."""
    return [(entry, find_weights(entry)) for entry in CATALOGUE]


class _Weights(NamedTuple):
    tensors: dict[str, Tensor]
    path: Path
    sha256: str


def _require_family(entry: CatalogueEntry, weights: _Weights) -> None:
    """Refuse weights that can be told to be another model's."""
    from .mobile_sam import is_mobile_sam
    from .sam_network import recognise_size

    if is_mobile_sam(weights.tensors):
        found = catalogue_entry("mobile_sam")
    elif size := recognise_size(weights.tensors):
        found = catalogue_entry(f"sam_{size.name}")
    else:
        return
    if found.family != ("sam" if entry.family == "medsam" else entry.family):
        raise ModelUnavailableError(f"{weights.path}: holds {found.name}, not {entry.name}; use --model {found.name}.")


def _builtin(weights: _Weights, device: torch.device, precision: str) -> PromptableModel:
    import torch

    from .builtin import BuiltinNetwork
    from .builtin_model import BuiltinModel
    from .checkpoint import load_weights

    with torch.device("meta"):
        network = BuiltinNetwork()
    load_weights(network, weights.tensors, weights.path, "the built-in model")
    return BuiltinModel(network.eval(), weights.sha256, device, precision)


def _mobile_sam(weights: _Weights, device: torch.device, precision: str) -> PromptableModel:
    from .mobile_sam import build_mobile_sam
    from .sam import SamModel

    network = build_mobile_sam(weights.tensors, weights.path)
    return SamModel("mobile_sam", network, weights.sha256, device, precision)


def _sam(entry: CatalogueEntry, weights: _Weights, device: torch.device, precision: str) -> PromptableModel:
    from .medsam import MedSamModel
    from .sam import SamModel
    from .sam_network import build_sam

    size, network = build_sam(weights.tensors, weights.path)
    if entry.family == "sam":
        return SamModel(f"sam_{size.name}", network, weights.sha256, device, precision)
    if entry.name != f"medsam_{size.name}":
        raise ModelUnavailableError(
            f"{weights.path}: holds a {size.name}, not {entry.name}; choose another file or --model."
        )
    return MedSamModel(entry.name, network, weights.sha256, device, precision)
