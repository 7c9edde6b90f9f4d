"""What ``samsegment segment`` leaves behind besides the segmentation: report, prompts file, picture."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OutputError
from ..geometry import Orientation
from ..intensity import resolve_window
from ..io.write import check_not_input, check_place
from ..sessionfile import session_to_json
from .propagation_report import doubtful_rows, doubtful_sentence
from .report import print_json, print_line, print_notes

if TYPE_CHECKING:
    from pathlib import Path

    from ..segments import Segment
    from ..session import SegmentationSession
    from ..volume import Volume
    from ..worker.interface import Timings

_SLICES_IN_PREVIEW = 12


@dataclass(frozen=True)
class Result:
    """What a finished run has to report."""

    output: Path
    session: SegmentationSession
    segments: list[Segment]
    timings: list[Timings]
    seconds: float
    notes: list[str]


def check_extra(path: Path | None, ending: str, image: Path | None = None, volume: Volume | None = None) -> None:
    """Refuse the name of a picture, table or prompts file that could not be written in the end.

    :param path: None when none is wanted.
    :param image: the file or folder that the image is read from.
    :param volume: the image, when it is read already.
    :raises OutputError: the ending is wrong, nothing can be written there, or it is a file of the image.
    """
    if path is None:
        return
    if path.suffix.lower() != ending:
        raise OutputError(f"{path}: the name must end in {ending}.")
    check_place(path)
    if volume is not None:
        check_not_input(path, image, volume)


def write_prompts(path: Path, session: SegmentationSession) -> None:
    """Save the session's prompts as JSON."""
    text = json.dumps(session_to_json(session), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_preview(path: Path, session: SegmentationSession, segments: list[Segment]) -> None:
    """Save a picture of the prompted slices and of some of those that propagation reached."""
    # Imported here: Pillow's drawing is needed by no other command.
    from ..preview import SliceView, evenly_spread, montage

    states = [session.state(name) for name in session.segment_names]
    prompts = [(item, state.color) for state in states for item in state.prompts.values()]
    views = []
    for orientation in Orientation:
        prompted = {item.index for item, _ in prompts if item.orientation is orientation}
        reached = {index for state in states for kind, index in state.masks if kind is orientation} - prompted
        shown = prompted | set(evenly_spread(sorted(reached), max(0, _SLICES_IN_PREVIEW - len(prompted))))
        for index in sorted(shown):
            own = tuple((item, color) for item, color in prompts if item.key == (orientation, index))
            views.append(SliceView(orientation, index, own))
    count = len({key for state in states for key in state.masks})
    title = f"{session.volume.name}, model {session.engine.model_name}, {len(views)} of {count} slices:"
    window = resolve_window(session.volume, session.window)
    picture = montage(session.volume, window, segments, views, title=title, tile_side=640 if len(views) == 1 else 320)
    picture.save(path, format="PNG")


def report(result: Result, *, as_json: bool) -> None:
    """Say what was made: as lines, or as JSON on stdout."""
    rows = [_row(result.session, segment) for segment in result.segments]
    counts = result.session.engine.cache_counts
    if not as_json:
        print_notes(result.notes)
        for row in rows:
            count = len(row["slices"])
            slices = f"{count} slice{'' if count == 1 else 's'}"
            print_line(f"{row['name']}: {row['voxels']} voxels, {row['volume_ml']:.4g} ml in {slices}")
            sentence = doubtful_sentence(result.session, row["name"])
            if sentence:
                print_line(f"  {sentence}")
        print_line(f"Wrote {result.output}")
        return
    print_json(
        {
            "output": str(result.output),
            "image": {"name": result.session.volume.name, "fingerprint": result.session.volume.fingerprint},
            "model": result.session.engine.model_name,
            "precision": result.session.engine.precision,
            "segments": rows,
            "timings": {
                "encode_ms": [round(item.encode_ms, 3) for item in result.timings],
                "decode_ms": [round(item.decode_ms, 3) for item in result.timings],
                "encodes": counts.misses,
                "cache_hits": {"memory": counts.memory_hits, "disk": counts.disk_hits},
                "total_s": round(result.seconds, 3),
            },
            "notes": result.notes,
        }
    )


def _row(session: SegmentationSession, segment: Segment) -> dict[str, Any]:
    voxel_ml = abs(float(np.linalg.det(session.volume.ijk_to_ras[:3, :3]))) / 1000
    voxels = int(segment.mask.sum())
    return {
        "name": segment.name,
        "voxels": voxels,
        "volume_ml": round(voxels * voxel_ml, 6),
        "slices": [
            {
                "orientation": score.orientation.value,
                "index": score.index,
                "predicted_iou": _rounded(score.predicted_iou),
                "stability": _rounded(score.stability),
                "confidence": _rounded(score.confidence),
                "candidate": score.candidate,
            }
            for score in session.scores(segment.name)
        ],
        "doubtful": doubtful_rows(session, segment.name),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
