"""``samsegment demo``: the main job on a real brain scan that is on every machine, as nibabel brings it along."""

from __future__ import annotations

import shlex
from importlib.resources import as_file, files
from pathlib import Path

from ..errors import InputError, OutputError
from ..geometry import Orientation
from .report import print_line
from .segment_command import SegmentOptions, run_segment

# One click into the brain and a box around it, in the slice through the lateral ventricles. The scan has no bright fat
# or vessels, so its full range of values shows more than the default window, which saturates the frontal lobes.
_POINT = "64,30,12,+"
_BOX = "32,2,12,95,89,12"
_WINDOW = "full"


def run_demo(folder: Path) -> None:
    """Segment the brain in nibabel's example scan; leave segmentation, picture and prompts in ``folder``.

    :raises OutputError: the folder cannot be made.
    :raises InputError: nibabel was installed without its example data.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}); choose another with --output.") from error
    with as_file(files("nibabel") / "tests" / "data" / "example4d.nii.gz") as scan:
        if not Path(scan).is_file():
            raise InputError(f"{scan}: nibabel's example scan is missing; install nibabel from PyPI.")
        options = SegmentOptions(
            image=Path(scan),
            output=folder / "brain.seg.nrrd",
            frame=0,
            orientation=Orientation.AXIAL,
            points=(_POINT,),
            boxes=(_BOX,),
            segment_name="brain",
            propagate=True,
            window=_WINDOW,
            preview=folder / "brain.png",
            save_prompts=folder / "brain.json",
        )
        print_line(
            "Segmenting the brain in a real MR scan: one click, one box, then through the volume. The command is"
        )
        print_line()
        print_line(f"  {_as_command(options)}")
        print_line()
        run_segment(options)
    print_line(f"Look at {options.preview}, or load {options.output} and the scan into 3D Slicer.")


def _as_command(options: SegmentOptions) -> str:
    words = ["samsegment", "segment", str(options.image), "--frame", str(options.frame)]
    words += ["--orientation", Orientation.AXIAL.value, "--point", _POINT, "--box", _BOX, "--window", _WINDOW]
    words += ["--segment", str(options.segment_name), "--propagate", "-o", str(options.output)]
    words += ["--preview", str(options.preview), "--save-prompts", str(options.save_prompts)]
    return shlex.join(words)
