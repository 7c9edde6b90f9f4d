"""The Segment Anything Model twice: as its authors' code runs it, and as this package does."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..errors import InputError
from ..models.catalogue import CATALOGUE, catalogue_entry
from ..models.checkpoint import read_checkpoint
from ..models.devices import resolve_device, resolve_precision
from ..models.sam import SamModel
from ..models.sam_network import SIZES, SamNetwork, build_sam
from ..models.torchvision_ops import declare_missing_operators
from ..models.weights import find_weights, locate_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..models.catalogue import CatalogueEntry

STOCK = "segment_anything float32"

# Pixels along a side of the slice: a CT slice.
SLICE_SIDE = 512

_FAMILIES = ("sam", "medsam")


@dataclass(frozen=True)
class Subject:
    """What is measured, so that another process can make the same.

    :param model: name in the catalogue.
    :param weights: the file, None for random weights of that architecture: speed does not depend on them.
    """

    model: str
    weights: Path | None
    device: str

    @property
    def torch_device(self) -> torch.device:
        """The device that the name means on this machine."""
        return resolve_device(self.device)


def choose_subject(model: str, weights: Path | None, device: str, precision: str) -> Subject:
    """Understand the options of a benchmark.

    :param weights: the user's file; without one that of a weights folder is taken, or random weights.
    :raises InputError: no such model, device or precision, or segment_anything's code does not run that model.
    :raises ModelUnavailableError: the weights file or the device is not here.
    """
    entry = catalogue_entry(model)
    if entry.family not in _FAMILIES:
        names = ", ".join(item.name for item in CATALOGUE if item.family in _FAMILIES)
        raise InputError(f"{model} is none of segment_anything's own models, beside which is measured: {names}.")
    target = resolve_device(device)
    resolve_precision(precision, target)
    path = find_weights(entry) if weights is None else locate_weights(entry, weights)
    return Subject(model, path, target.type)


def our_precisions(subject: Subject, precision: str) -> list[str]:
    """What to measure of ours: the precision asked for; for ``auto`` float32 and what ``auto`` picks."""
    picked = resolve_precision(precision, subject.torch_device)
    return [picked] if precision != "auto" or picked == "float32" else ["float32", picked]


def stock_network(subject: Subject) -> SamNetwork:
    """The network as the authors' code builds it, on the CPU.

    :raises ModelUnavailableError: the weights file is damaged or of another architecture.
    """
    if subject.weights is not None:
        _, network = build_sam(read_checkpoint(subject.weights), subject.weights)
        return network
    return _random_network(catalogue_entry(subject.model))


def stock_predictor(network: SamNetwork, device: torch.device) -> Any:
    """A ``SamPredictor`` over a copy of the network."""
    declare_missing_operators()
    from segment_anything import SamPredictor
    from segment_anything.modeling import Sam

    parts = copy.deepcopy(network)
    sam = Sam(parts.image_encoder, parts.prompt_encoder, parts.mask_decoder)
    return SamPredictor(sam.to(device).eval())


def our_model(network: SamNetwork, device: torch.device, precision: str) -> SamModel:
    """Our model, which takes the network over."""
    return SamModel("bench", network, "", device, precision)


def picture() -> NDArray[np.uint8]:
    """A slice with edges, gradients and noise."""
    rows, columns = np.indices((SLICE_SIDE, SLICE_SIDE))
    disc = np.hypot(rows - 240, columns - 280) < 120
    noise = np.random.default_rng(0).normal(0, 10, disc.shape)
    return np.clip(60 + 80 * disc + rows / 10 + noise, 0, 255).astype(np.uint8)


def wait_for(device: torch.device) -> None:
    """A graphics processor computes while the program goes on: wait until it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def surroundings(subject: Subject) -> dict[str, str | int]:
    """What the times depend on besides the model: device, threads, PyTorch."""
    device = torch.cuda.get_device_name() if subject.device == "cuda" else subject.device
    return {"device": device, "threads": torch.get_num_threads(), "torch": torch.__version__}


@torch.no_grad()
def _random_network(entry: CatalogueEntry) -> SamNetwork:
    torch.manual_seed(0)
    size = next(size for size in SIZES if entry.name.endswith(size.name))
    network = SamNetwork(size).eval()
    for name, parameter in network.image_encoder.named_parameters():
        if "rel_pos" in name or "pos_embed" in name:  # zero at first
            parameter.normal_(std=0.1)
    return network
