"""Where a model computes, and in which precision."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from ..errors import InputError, ModelUnavailableError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_AMPERE = (8, 0)  # the first of NVIDIA's compute capabilities that multiplies bfloat16

# x86 flags of processors that multiply bfloat16 in hardware; elsewhere it is emulated and slower than float32.
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def resolve_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``mps``; ``auto`` takes a graphics processor when there is one.

    :raises InputError: there is no device of that name.
    :raises ModelUnavailableError: this machine does not have it.
    """
    if name not in DEVICES:
        raise InputError(f"There is no device {name!r}; choose one of {', '.join(DEVICES)}.")
    available = [device for device in ("cuda", "mps", "cpu") if _is_available(device)]
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise ModelUnavailableError(
            f"The device {name!r} is not available to this installation of PyTorch ({torch.__version__}); "
            f"use one of auto, {', '.join(reversed(available))}."
        )
    return torch.device(name)


def resolve_precision(name: str, device: torch.device) -> str:
    """The number type that an encoder computes in: "float32", "bfloat16" or "float16".

    ``auto`` takes what the device multiplies fastest: bfloat16 where it does so in hardware, float16 on graphics
    processors of NVIDIA before Ampere, float32 elsewhere (MPS, other CPUs).

    :raises InputError: there is no precision of that name.
    """
    if name not in PRECISIONS:
        raise InputError(f"There is no precision {name!r}; choose one of {', '.join(PRECISIONS)}.")
    if name != "auto":
        return name
    if has_native_bfloat16(device):
        return "bfloat16"
    return "float16" if device.type == "cuda" else "float32"


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 itself (CPU: AVX512-BF16 or AMX; CUDA: compute capability 8.0 on).

    False where that cannot be told.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    if device.type != "cpu" or platform.system() != "Linux":
        return False
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not _BFLOAT16_FLAGS.isdisjoint(flags.split())


def _is_available(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or torch.backends.mps.is_available()
