"""Time ``samsegment segment`` as a whole process, with the built-in model on one 256 x 256 slice.

Run: ``python Testing/benchmarks/segment_command.py [--runs 5]``. The named reference is a process that only imports
torch, timed in turn with the command: what is above it is ours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np


def main() -> None:
    """Print a table of medians, with minimum and maximum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "phantom.nii.gz"
        write_phantom(image)
        command = [sys.executable, "-c", "from SAMSegmentLib.cli import main; main()", "segment", str(image)]
        command += ["--box", "80,90,1,170,160,1", "-o", str(Path(folder) / "out.seg.nrrd"), "--json"]
        reference = [sys.executable, "-c", "import torch"]
        timed(command)  # the first run reads everything from disk
        measured = [(timed(command), timed(reference)) for _ in range(runs)]
    whole = [seconds for (seconds, _), _ in measured]
    torch = [seconds for _, (seconds, _) in measured]
    timings = [json.loads(output)["timings"] for (_, output), _ in measured]
    rows = {
        "whole process, s": whole,
        "process that imports torch, s": torch,
        "ratio": [a / b for a, b in zip(whole, torch, strict=True)],
        "encode, ms": [item["encode_ms"][0] for item in timings],
        "decode, ms": [item["decode_ms"][0] for item in timings],
    }
    print(f"{'':32}{'min':>9}{'median':>9}{'max':>9}   ({runs} runs)")
    for name, values in rows.items():
        print(f"{name:32}{min(values):9.2f}{statistics.median(values):9.2f}{max(values):9.2f}")


def write_phantom(path: Path) -> None:
    """Three 256 x 256 slices with a bright ellipse and noise."""
    j, i = np.mgrid[:256, :256]
    ellipse = ((i - 125) / 45) ** 2 + ((j - 125) / 35) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 8, (3, 256, 256))
    array = (ellipse[None] * 120 + 60 + noise).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(array.transpose(2, 1, 0), np.diag((0.9, 0.9, 3.0, 1.0))), path)


def timed(command: list[str]) -> tuple[float, str]:
    """Wall-clock seconds of a process, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout


if __name__ == "__main__":
    main()
