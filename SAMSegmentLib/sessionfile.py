"""A session's prompts as a JSON file, and back: what the command line replays and the viewers save."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .geometry import Orientation
from .prompts import PromptSet, known_members
from .segmentstate import Propagation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .segments import Color
    from .session import SegmentationSession
    from .worker.interface import SliceAnswer

_VERSION = 1
_FILE_MEMBERS = {"version", "image", "model", "weights_sha256", "window", "segments"}
_SEGMENT_MEMBERS = {"name", "color", "prompts", "propagate"}
_PROPAGATION_MEMBERS = {"orientation", "slices", "only"}
# A prompts file is a few kilobytes; this is a mistaken file, not a long session.
_LARGEST_FILE = 64 << 20
# A whole number, or null for the volume's end.
_RANGE_ENDS = (int, type(None))


@dataclass(frozen=True)
class SavedSegment:
    """One segment of a prompts file; ``color`` is None where the file leaves it open."""

    name: str
    color: Color | None
    prompts: tuple[PromptSet, ...]
    propagations: tuple[Propagation, ...]


@dataclass(frozen=True)
class SavedSession:
    """A prompts file. None where it leaves a member open."""

    fingerprint: str | None
    model: str | None
    weights_sha256: str | None
    window: str | None
    segments: tuple[SavedSegment, ...]


def session_to_json(session: SegmentationSession) -> dict[str, Any]:
    """Everything needed to do the same again on the same image: plain data for :mod:`json`."""
    return {
        "version": _VERSION,
        "image": {"fingerprint": session.volume.fingerprint},
        "model": session.engine.model_name,
        "weights_sha256": session.engine.weights_sha256,
        "window": session.window,
        "segments": [
            {
                "name": state.name,
                "color": list(state.color),
                # A slice with nothing but a mask prompt has nothing that could be saved.
                "prompts": [item.to_json() for item in state.prompts.values() if item.points or item.boxes],
                "propagate": [_propagation_to_json(item) for item in state.propagations],
            }
            for state in session.states
        ],
    }


def replay(
    segment: SavedSegment,
    session: SegmentationSession,
    on_answer: Callable[[SliceAnswer], None] | None = None,
    propagate: Callable[[str, Propagation], None] | None = None,
) -> None:
    """Add a saved segment to a session by doing again what made it; waits for the engine.

    :param on_answer: called with each slice's answer.
    :param propagate: carries a segment through the volume; None for :meth:`SegmentationSession.propagate`.
    :raises SAMSegmentError: the segment does not fit the session's volume or segments, or the engine failed.
    """
    name = session.add_segment(segment.name, segment.color)
    for prompts in segment.prompts:
        answer = session.engine.wait(session.set_prompts(name, prompts))
        if on_answer:
            on_answer(answer)
    for propagation in segment.propagations:
        if propagate:
            propagate(name, propagation)
        else:
            session.engine.wait(session.propagate(name, propagation))


def load_session_file(path: Path) -> SavedSession:
    """Read a prompts file.

    :raises InputError: it cannot be read, is no JSON, or a member is missing or of the wrong kind.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path}: too large for a prompts file; is it another file?")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not a JSON file ({error}); a session's saved prompts are wanted.") from error
    try:
        return _saved_session(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _saved_session(data: Any) -> SavedSession:
    if not isinstance(data, dict) or "version" not in data:
        raise InputError(f'this is no prompts file ("version": {_VERSION} is missing).')
    if data["version"] != _VERSION:
        raise InputError(f"version {data['version']!r} of prompts files is not known here, but {_VERSION} is.")
    known_members(data, "a prompts file", _FILE_MEMBERS)
    image = data.get("image") or {}
    segments = data.get("segments")
    if not isinstance(segments, list) or not segments:
        raise InputError('holds no segments; add a list "segments" with at least one.')
    return SavedSession(
        fingerprint=_text(image.get("fingerprint") if isinstance(image, dict) else image, "image.fingerprint"),
        model=_text(data.get("model"), "model"),
        weights_sha256=_text(data.get("weights_sha256"), "weights_sha256"),
        window=_text(data.get("window"), "window"),
        segments=tuple(saved_segment_from_json(item) for item in segments),
    )


def saved_segment_from_json(data: Any) -> SavedSegment:
    """One member of a prompts file's "segments".

    :raises InputError: a member is missing or of the wrong kind.
    """
    name = data.get("name") if isinstance(data, dict) else None
    known_members(data, "a segment", _SEGMENT_MEMBERS)
    if not isinstance(name, str) or not name.strip():
        raise InputError('each segment needs a "name".')
    written, propagations = data.get("prompts", []), data.get("propagate", [])
    if not isinstance(written, list) or not isinstance(propagations, list):
        raise InputError(f'segment {name!r}: "prompts" and "propagate" must be lists.')
    prompts = tuple(PromptSet.from_json(item) for item in written)
    for key, count in Counter(item.key for item in prompts).items():
        if count > 1:
            orientation, index = key
            raise InputError(
                f"segment {name!r}: {orientation.value} slice {index} has {count} sets of prompts; join them."
            )
    return SavedSegment(name, _color(data.get("color")), prompts, tuple(_propagation(item) for item in propagations))


def _propagation(data: Any) -> Propagation:
    if isinstance(data, dict):
        known_members(data, '"propagate"', _PROPAGATION_MEMBERS)
    try:
        first, last = data["slices"]
        only = data.get("only")
        orientation = Orientation(data["orientation"])
        reached = None if only is None else tuple(only)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise InputError(f'"propagate" needs an orientation and slices [first, last], not {data!r}.') from error
    if all(type(value) in _RANGE_ENDS for value in (first, last)) and all(
        type(value) is int for value in reached or ()
    ):
        return Propagation(orientation, first, last, reached)
    raise InputError(f'"propagate": slices are whole numbers, not {data!r}.')


def _propagation_to_json(propagation: Propagation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "orientation": propagation.orientation.value,
        "slices": [propagation.first, propagation.last],
    }
    if propagation.only is not None:
        data["only"] = list(propagation.only)
    return data


def _color(data: Any) -> Color | None:
    if data is None:
        return None
    if isinstance(data, list) and len(data) == 3 and all(type(value) is int and 0 <= value <= 255 for value in data):
        return data[0], data[1], data[2]
    raise InputError(f'"color" is three whole numbers 0 to 255, not {data!r}.')


def _text(data: Any, what: str) -> str | None:
    if data is not None and not isinstance(data, str):
        raise InputError(f'"{what}" must be text, not {data!r}.')
    return data
