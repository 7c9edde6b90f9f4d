"""How long a slice takes to encode: ``SamPredictor.set_image`` beside this package's encoder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..slicegrid import SliceImage
from .sam import STOCK, our_model, our_precisions, picture, stock_network, stock_predictor, wait_for
from .timing import measure_in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ..models.sam import SamModel
    from .sam import Subject
    from .timing import Timing

STOCK_CONTESTANT = "stock"


def encoders(subject: Subject, precision: str) -> dict[str, str]:
    """Titles of the contestants and what :func:`encoder` makes them of; the first is the reference."""
    return {STOCK: STOCK_CONTESTANT} | {f"samsegment {name}": name for name in our_precisions(subject, precision)}


def encoder(subject: Subject, contestant: str) -> Callable[[], object]:
    """A function that encodes a slice from its pixels on.

    :param contestant: "stock", or the precision of ours.
    :raises ModelUnavailableError: the weights file is damaged or of another architecture.
    """
    device = subject.torch_device
    network = stock_network(subject)
    if contestant == STOCK_CONTESTANT:
        colours = np.stack([picture()] * 3, axis=-1)
        return partial(_encode_by_stock, stock_predictor(network, device), colours, device)
    return partial(_encode, our_model(network, device, contestant), SliceImage(picture()))


def measure_encoders(subject: Subject, precision: str, runs: int, progress: Callable[[int, int], None]) -> list[Timing]:
    """Time all contestants in turn, in this process."""
    contestants = {title: encoder(subject, name) for title, name in encoders(subject, precision).items()}
    return measure_in_turn(contestants, runs, progress)


def _encode_by_stock(predictor: Any, colours: np.ndarray, device: torch.device) -> None:
    predictor.set_image(colours)
    wait_for(device)


def _encode(model: SamModel, image: SliceImage) -> None:
    model.encode([image])
