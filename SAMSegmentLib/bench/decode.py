"""How long one click on an encoded slice takes: ``SamPredictor.predict`` beside this package's decoder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..models.interface import Embedding
from ..prompts import SlicePrompts
from ..slicegrid import SliceGrid
from .sam import SLICE_SIDE, STOCK, our_model, stock_network, stock_predictor
from .timing import measure_in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sam import Subject
    from .timing import Timing

OURS = "samsegment"
OURS_FIRST = "samsegment, first click on a slice"

_CLICK = np.array([[280.0, 240.0]])
_MODEL_SIDE = 1024


def measure_decoders(subject: Subject, runs: int, progress: Callable[[int, int], None]) -> list[Timing]:
    """Time one click, from its position to masks in the slice's pixels. Every decoder computes in float32.

    :raises ModelUnavailableError: the weights file is damaged or of another architecture.
    """
    device = subject.torch_device
    network = stock_network(subject)
    # Nothing is encoded here, and the embedding's values do not change how long a click takes.
    features = np.random.default_rng(0).normal(size=(256, 64, 64)).astype(np.float16)
    predictor = stock_predictor(network, device)
    predictor.features = torch.from_numpy(features).float()[None].to(device)
    predictor.original_size, predictor.input_size = (SLICE_SIDE, SLICE_SIDE), (_MODEL_SIDE, _MODEL_SIDE)
    predictor.is_image_set = True

    model = our_model(network, device, "float32")
    embedding = Embedding({"image": features}, SliceGrid.fit((SLICE_SIDE, SLICE_SIDE), (1.0, 1.0), _MODEL_SIDE))
    click = SlicePrompts(_CLICK, np.array([True]))
    contestants: dict[str, Callable[[], object]] = {
        STOCK: lambda: predictor.predict(_CLICK, np.array([1])),
        OURS: lambda: model.decode(embedding, [click]),
        OURS_FIRST: lambda: model.decode(replace(embedding), [click]),
    }
    return measure_in_turn(contestants, runs, progress)
