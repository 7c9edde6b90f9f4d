"""Memory that runs out: batches become single slices, the graphics processor becomes the CPU, each told once."""

import numpy as np
import pytest
import torch

from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.models.steps import run_to_end
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage
from SAMSegmentLib.worker import fallback
from SAMSegmentLib.worker.fallback import FallbackModel
from Testing.fakes import ThresholdModel
from Testing.steps import meanwhile

SLICES = [SliceImage(np.full((4, 4), value, np.uint8)) for value in range(6)]


class Device:
    """Makes models that have no memory for what ``full`` says of their device."""

    def __init__(self, **full):
        self.full = full
        self.made = []
        self.asked = []
        self.told = []
        self.error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    def make(self, device):
        self.made.append(device)
        if "load" in self.full.get(device, ()):
            raise self.error
        return _Model(self, device)

    def model(self, device="cuda"):
        return FallbackModel(self.make, device, self.told.append)


class _Model(ThresholdModel):
    def __init__(self, device, name):
        super().__init__()
        self.device = device
        self.on = name
        self.precision = "bfloat16" if name == "cuda" else "float32"

    def encode(self, slices):
        self.device.asked.append((self.on, len(slices)))
        self._require("batch" if len(slices) > 1 else "slice")
        return super().encode(slices)

    def decode(self, embedding, prompt_sets):
        self._require("decode")
        return super().decode(embedding, prompt_sets)

    def _require(self, what):
        if what in self.device.full.get(self.on, ()):
            raise self.device.error


@pytest.fixture(autouse=True)
def graphics_processor(monkeypatch):
    monkeypatch.setattr(fallback, "_has_graphics_processor", lambda: True)


def pixels_of(embeddings):
    return [int(embedding.arrays["pixels"][0, 0]) for embedding in embeddings]


def test_with_enough_memory_batches_stay_batches():
    device = Device()
    model = device.model()
    assert model.batch > 1
    assert pixels_of(model.encode(SLICES)) == list(range(6))
    assert device.asked == [("cuda", 6)]
    assert device.told == []


def test_a_batch_too_large_is_encoded_slice_by_slice_and_told_once():
    device = Device(cuda=["batch"])
    model = device.model()
    for _ in range(2):
        assert pixels_of(model.encode(SLICES[:3])) == [0, 1, 2]
    assert model.batch == 1
    (told,) = device.told
    assert "one at a time" in told
    assert device.made == ["cuda"]


def test_a_slice_too_large_goes_to_the_cpu_with_its_precision_and_told_once():
    device = Device(cuda=["batch", "slice"])
    model = device.model()
    assert pixels_of(model.encode(SLICES[:3])) == [0, 1, 2]
    assert pixels_of(model.encode(SLICES[3:])) == [3, 4, 5]
    assert device.made == ["cuda", "cpu"]
    assert model.precision == "float32"
    assert model.batch == 1
    assert sum("CPU" in text for text in device.told) == 1


def test_decoding_that_finds_no_memory_goes_on_with_the_cpu():
    device = Device(cuda=["decode"])
    model = device.model()
    (embedding,) = model.encode(SLICES[5:])
    (answer,) = model.decode(embedding, [SlicePrompts(box=(0, 0, 3, 3))])
    assert answer.masks.shape == (3, 4, 4)
    assert device.made == ["cuda", "cpu"]


def test_a_model_too_large_to_load_is_loaded_for_the_cpu():
    device = Device(cuda=["load"])
    model = device.model()
    assert device.made == ["cuda", "cpu"]
    assert model.batch == 1
    assert len(device.told) == 1


@pytest.mark.parametrize(("device", "pauses"), [("cuda", 0), ("cpu", 1)])
def test_only_on_the_cpu_something_else_may_come_between_two_steps(device, pauses):
    steps = Device().model(device).encode_in_steps(SLICES[:2])
    embeddings, times = meanwhile(steps)
    assert pixels_of(embeddings) == [0, 1]
    assert times == pauses


def test_steps_on_a_full_graphics_processor_step_back_as_encoding_at_once_does():
    device = Device(cuda=["batch", "slice"])
    model = device.model()
    assert pixels_of(run_to_end(model.encode_in_steps(SLICES[:2]))) == [0, 1]
    assert device.made == ["cuda", "cpu"]
    assert sum("CPU" in text for text in device.told) == 1


def test_a_step_without_memory_on_the_cpu_names_the_cure():
    steps = Device(cpu=["slice"]).model("cpu").encode_in_steps(SLICES[:1])
    with pytest.raises(EngineError, match=r"not enough memory for .*; close other programs or choose a smaller model"):
        run_to_end(steps)


@pytest.mark.parametrize("full", [["slice"], ["load"]])
def test_without_memory_on_the_cpu_either_the_error_names_the_cure(full):
    device = Device(cuda=["batch", "slice", "load"], cpu=full)
    with pytest.raises(EngineError, match=r"not enough memory for .*; close other programs or choose a smaller model"):
        device.model().encode(SLICES[:1])


def test_memory_that_runs_out_on_an_apple_processor_is_told_from_other_errors():
    device = Device(cuda=["decode"])
    device.error = RuntimeError("MPS backend out of memory (MPS allocated: 18.12 GB)")
    model = device.model()
    (embedding,) = model.encode(SLICES[5:])
    assert model.decode(embedding, [SlicePrompts(box=(0, 0, 3, 3))])
    assert device.made == ["cuda", "cpu"]
    device = Device(cuda=["decode"])
    device.error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="shapes"):
        device.model().decode(embedding, [SlicePrompts(box=(0, 0, 3, 3))])
    assert device.made == ["cuda"]


def test_a_cpu_model_has_no_way_back_and_says_so():
    device = Device(cpu=["slice"])
    model = device.model("cpu")
    assert model.batch == 1
    with pytest.raises(EngineError, match="not enough memory"):
        model.encode(SLICES[:1])
    assert device.made == ["cpu"]
