"""Lets torchvision be imported beside a torch from another build, where its compiled operators do not load.

segment_anything imports torchvision for picture resizing only. torchvision in turn describes its operators ``nms`` and
``qnms`` to torch while it is imported, and stops with ``operator torchvision::nms does not exist`` where its compiled
library could not be loaded. Declared without an implementation, they may be described; nobody calls them.
"""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from pathlib import Path

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def declare_missing_operators() -> None:
    """Declare what torchvision's import needs and its compiled library does not bring; call before importing it.

    Does nothing where the library loads, or the second time.
    """
    import torch
    from torch import library

    _load_compiled_operators()
    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"torchvision::{name}", schema)


def _load_compiled_operators() -> None:
    """Load the library that torchvision itself will load; that it is loaded then already does no harm."""
    import torch

    spec = find_spec("torchvision")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for library in (*Path(folder).glob("_C*.so"), *Path(folder).glob("_C*.pyd")):
            # One that was built for another torch does not load; torchvision also goes on without it.
            with contextlib.suppress(OSError):
                torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
