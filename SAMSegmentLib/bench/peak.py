"""The most memory that encoding one slice needs, each contestant in a process of its own.

Run as a program (``python -m SAMSegmentLib.bench.peak MODEL WEIGHTS DEVICE CONTESTANT``, with an empty WEIGHTS for
random ones) it makes one contestant, encodes one slice and prints the bytes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EngineError

if TYPE_CHECKING:
    from .sam import Subject


def peak_bytes(subject: Subject, contestant: str) -> int:
    """Bytes of memory that a process needs at most that loads the model and encodes one slice.

    On a graphics processor it is the memory of that.

    :param contestant: as :func:`.encode.encoder` takes it.
    :raises EngineError: the process failed.
    """
    weights = "" if subject.weights is None else str(subject.weights.absolute())
    command = [sys.executable, "-m", __name__, subject.model, weights, subject.device, contestant]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this very program
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise EngineError(f"Measuring the memory of {contestant} failed ({reason}); use --no-memory to leave it out.")
    return int(done.stdout)


def _measure(model: str, weights: str, device: str, contestant: str) -> int:
    import torch

    from .encode import encoder
    from .sam import Subject

    encoder(Subject(model, Path(weights) if weights else None, device), contestant)()
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return process_peak()


def process_peak() -> int:
    """Bytes that this process had in memory at most so far."""
    if sys.platform == "win32":
        import psutil

        peak = psutil.Process().memory_info().peak_wset
    elif sys.platform == "linux":
        # What getrusage tells would include the process that started this one.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        peak = int(kilobytes) * 1024
    else:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    return int(peak)


if __name__ == "__main__":
    print(_measure(*sys.argv[1:]))  # noqa: T201 - the answer
