"""Whether a model can run on a device: asked before the worker process is put in place of one that works."""

from __future__ import annotations

import os
import subprocess

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.worker.launch import python_executable

# PyTorch knows, but is not to be imported by the viewer.
_LOOK = """
import sys
from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.models.devices import resolve_device
try:
    resolve_device(sys.argv[1])
except SAMSegmentError as error:
    sys.exit(str(error))
"""
_LONGEST_S = 120.0


def check_device(device: str) -> None:
    """Look in a process of its own, which takes some seconds.

    :param device: auto, cpu, cuda or mps.
    :raises InputError: this machine, or its PyTorch, does not have it.
    """
    command = [python_executable(), "-c", _LOOK, device]
    try:
        found = subprocess.run(  # noqa: S603 - our own interpreter and our own code
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
            start_new_session=os.name == "posix",  # a Ctrl+C in the terminal ends the viewer with its own words
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"Whether {device!r} can be used could not be found out ({error}); use 'auto'.") from error
    if found.returncode:
        lines = found.stderr.strip().splitlines()
        raise InputError(lines[-1] if lines else f"The device {device!r} cannot be used here; use 'auto'.")
