"""Where a model computes, and in which precision."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from ..errors import InputError, ModelUnavailableError

DEVICES = ("auto", "cpu", "cuda", "mps")

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


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX512-BF16 or AMX); False where that cannot be told.

    Only asked of the CPU: graphics processors run the small models fast enough in float32.
    """
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
