"""Time the built-in model's answers to each kind of prompt, from pixels of a prompt to masks in the slice's pixels.

Run: ``python Testing/benchmarks/builtin_decode.py [--runs 50]``. The named reference is the same model without packed
convolutions, asked in turn; where none can be packed, both are the same.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np

from SAMSegmentLib.models import builtin_model, builtin_slice
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage

if TYPE_CHECKING:
    from SAMSegmentLib.models.interface import Embedding, PromptableModel

CLICKS = [(90, 130, True), (170, 140, False), (105, 90, True), (220, 60, False), (80, 170, True)]
BOX = (48.0, 68.0, 140.0, 190.0)


@dataclass(frozen=True)
class Kind:
    """Prompts, and from which predicted IoU on a box is looked at twice: the same box is timed in both ways."""

    clicks: int
    box: bool = False
    sure: float = 0.0


KINDS = {
    "click": Kind(1),
    "fifth click": Kind(5),
    "box, looked at once": Kind(0, box=True, sure=1.1),
    "box, looked at twice": Kind(0, box=True),
    "box and click, looked at twice": Kind(1, box=True),
}


def main() -> None:
    """Print a table of percentiles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    runs = parser.parse_args().runs
    packed = load_model("builtin", device="cpu")
    with mock.patch.object(builtin_model, "can_pack", return_value=False):
        plain = load_model("builtin", device="cpu")
    (embedding,) = packed.encode([two_ellipses()])
    for kind in KINDS.values():
        for model in (packed, plain):
            timed(model, embedding, kind)  # the first answers of a process prepare much
    print(f"{'decode, ms':32}{'p50':>7}{'p95':>7}{'min':>7}{'  without packing: p50':>24}{'p95':>7}{'min':>7}")
    for name, kind in KINDS.items():
        pairs = [(timed(packed, embedding, kind), timed(plain, embedding, kind)) for _ in range(runs)]
        ours, reference = (percentiles([pair[place] for pair in pairs]) for place in (0, 1))
        print(f"{name:32}{ours}{'':17}{reference}")


def timed(model: PromptableModel, embedding: Embedding, kind: Kind) -> float:
    """Milliseconds for the last prompt of a kind, when those before it are answered."""
    afresh = replace(embedding)  # a slice that nothing is remembered of
    asked = prompts(kind.clicks, BOX if kind.box else None)
    with mock.patch.object(builtin_slice, "_SURE", kind.sure):
        # What is prepared once for a slice does not count either.
        model.decode(afresh, [prompts(kind.clicks - 1, None) if kind.clicks > 1 else prompts(2, BOX)])
        started = time.perf_counter()
        model.decode(afresh, [asked])
        return (time.perf_counter() - started) * 1e3


def prompts(count: int, box: tuple[float, float, float, float] | None) -> SlicePrompts:
    """The first clicks, and a box."""
    clicks = CLICKS[:count]
    places = np.array([click[:2] for click in clicks], dtype=np.float64).reshape(-1, 2)
    return SlicePrompts(places, np.array([click[2] for click in clicks], dtype=bool), box)


def two_ellipses() -> SliceImage:
    """256 x 256 pixels: two touching ellipses of similar grey in noise."""
    rows, columns = np.indices((256, 256))
    grey = np.random.default_rng(1).normal(60, 12, (256, 256))
    grey[((columns - 95) / 45) ** 2 + ((rows - 130) / 60) ** 2 < 1] += 70
    grey[((columns - 170) / 35) ** 2 + ((rows - 135) / 45) ** 2 < 1] += 60
    return SliceImage(grey.clip(0, 255).astype(np.uint8))


def percentiles(times: list[float]) -> str:
    """Median, 95th percentile and minimum."""
    return "".join(f"{value:7.1f}" for value in (*np.percentile(times, (50, 95)), min(times)))


if __name__ == "__main__":
    main()
