"""A model without memory, for the worker process, which then believes in a graphics processor."""

from collections.abc import Sequence

import torch

from SAMSegmentLib.models.interface import Embedding
from SAMSegmentLib.slicegrid import SliceImage
from Testing.fakes import ThresholdModel
from Testing.worker_models import folder, note

torch.cuda.is_available = lambda: True


class FullModel(ThresholdModel):
    """Has no memory on the devices, and for the batches, that the test says: ``gpu-batch``, ``gpu``, ``cpu``."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = "cpu" if device == "cpu" else "gpu"

    def encode(self, slices: Sequence[SliceImage]) -> list[Embedding]:
        note(f"{self.device} {len(slices)}")
        limits = (folder() / "full").read_text().split()
        if self.device in limits or (len(slices) > 1 and f"{self.device}-batch" in limits):
            raise torch.OutOfMemoryError("out of memory. Tried to allocate 20.00 GiB")
        return super().encode(slices)


def full(name: str, *, device: str, **options: object) -> FullModel:
    return FullModel(device)
