"""Weights files read without running anything in them, and checked against the network they are for."""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import torch

from ..errors import ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

# Training scripts wrap the weights in a dictionary beside the optimiser's state.
_WRAPPERS = ("model", "state_dict")
_NAMED_KEYS = 3

# What torch's restricted unpickler and its zip reader raise on files that are damaged or something else altogether
# (found by flipping bytes in checkpoints of both formats).
TORCH_LOAD_ERRORS = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The named tensors of a .safetensors file or of a torch checkpoint (.pth, .pt), on the CPU.

    Tensors of a torch checkpoint may still lie in the mapped file: :func:`load_weights` copies what it uses. Nothing is
    unpickled but tensors and plain containers (``weights_only``).

    :raises ModelUnavailableError: not a weights file, or a damaged one, or one that wants code to run.
    """
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise _unreadable(path)
    if not all(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()):
        raise _unreadable(path)
    return content


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], path: Path, architecture: str) -> None:
    """Fill a network (which may be on the meta device, without memory) with float32 copies of the weights.

    :param path: for the sentence of an error.
    :param architecture: what the network is, in words.
    :raises ModelUnavailableError: names or shapes do not fit; the sentence names the first.
    """
    expected = network.state_dict()
    missing = [key for key in expected if key not in weights]
    unknown = [key for key in weights if key not in expected]
    reshaped = [key for key in expected if key in weights and expected[key].shape != weights[key].shape]
    for keys, fault in ((missing, "lacks"), (reshaped, "has other shapes of"), (unknown, "also holds")):
        if keys:
            raise ModelUnavailableError(
                f"{path}: does not fit {architecture}, it {fault} {_listed(keys)}; use weights of that architecture."
            )
    # A copy, because a mapped file may be replaced or cut while the model runs.
    network.load_state_dict({key: _copied(weights[key]) for key in expected}, assign=True)


def _copied(values: Tensor) -> Tensor:
    return values.to(torch.float32, copy=True) if values.is_floating_point() else values.clone()


def _listed(keys: list[str]) -> str:
    named = ", ".join(keys[:_NAMED_KEYS])
    rest = len(keys) - _NAMED_KEYS
    return f"{named} and {rest} more" if rest > 0 else named


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    import safetensors
    from safetensors.torch import load_file

    try:
        content: dict[str, Tensor] = load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path) from error
    return content


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # About the pickle format, which a user cannot change.
            warnings.simplefilter("ignore", UserWarning)
            # Only zip archives, which torch writes since 1.6, can be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except TORCH_LOAD_ERRORS as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"{path}: not a complete weights file (a .safetensors file, or a .pth or .pt checkpoint of plain tensors); "
        "download it again or choose another file."
    )
