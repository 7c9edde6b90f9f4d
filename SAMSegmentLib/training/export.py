"""The weights file that ships with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..io.atomic import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_METADATA = {
    "format": "pt",
    "architecture": "samsegment-builtin",
    "version": "1",
    "licence": "Apache-2.0",
    "input": "256x256 grey, (x - 127.5) / 64, zero padded at the bottom and right",
    "training_data": "synthetic slices only",
}


def export_weights(weights: Mapping[str, Tensor], origin: Mapping[str, str], path: Path) -> None:
    """Write weights as a float16 safetensors file that says where they come from.

    :param origin: what the run adds to the file's metadata.
    :raises OutputError: the file cannot be written.
    """
    from safetensors.torch import save_file

    tensors = {
        name: (values.to("cpu", torch.float16) if values.is_floating_point() else values.cpu()).contiguous()
        for name, values in weights.items()
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {**_METADATA, **origin})
