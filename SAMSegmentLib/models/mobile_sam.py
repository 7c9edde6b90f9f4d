"""MobileSAM: Segment Anything with a small image encoder, its prompt encoder and mask decoder unchanged.

Zhang et al., Faster Segment Anything: Towards Lightweight SAM for Mobile Applications, 2023 (ChaoningZhang/MobileSAM,
Apache-2.0). Slices are prepared as for SAM and embeddings have the same shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .checkpoint import load_weights
from .sam_network import SegmentAnythingNetwork
from .tinyvit import TinyViT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

# What only this architecture has.
_MARK = "image_encoder.patch_embed.seq.0.c.weight"

# The encoder's classifier of photographs: part of the published checkpoint, absent from some that were trained on.
_CLASSIFIER = ("image_encoder.norm_head.", "image_encoder.head.")


class MobileSamNetwork(SegmentAnythingNetwork):
    """MobileSAM, untrained."""

    def __init__(self) -> None:
        super().__init__(TinyViT())


def is_mobile_sam(weights: Mapping[str, Tensor]) -> bool:
    """Whether weights are for MobileSAM, as their names say."""
    return _MARK in weights


def build_mobile_sam(weights: Mapping[str, Tensor], path: Path) -> MobileSamNetwork:
    """A network in evaluation mode with a checkpoint's weights, its encoder folded.

    :param path: of the checkpoint, for the sentence of an error.
    :raises ModelUnavailableError: the weights are of another architecture.
    """
    # On the meta device nothing is allocated or filled with random numbers before the weights replace it.
    with torch.device("meta"):
        network = MobileSamNetwork()
    used = {key: values for key, values in weights.items() if not key.startswith(_CLASSIFIER)}
    load_weights(network, used, path, "MobileSAM")
    network.eval().image_encoder.fold()
    return network
