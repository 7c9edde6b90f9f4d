"""A session's prompts as a JSON file, and back: what the command line replays and the viewers save."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .geometry import Orientation
from .prompts import PromptSet
from .segmentstate import Propagation

if TYPE_CHECKING:
    from pathlib import Path

    from .segments import Color
    from .session import SegmentationSession

_VERSION = 1
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
    window: str | None
    segments: tuple[SavedSegment, ...]


def session_to_json(session: SegmentationSession) -> dict[str, Any]:
    """Everything needed to do the same again on the same image: plain data for :mod:`json`."""
    states = [session.state(name) for name in session.segment_names]
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
                "prompts": [prompts.to_json() for prompts in state.prompts.values()],
                "propagate": [
                    {"orientation": item.orientation.value, "slices": [item.first, item.last]}
                    for item in state.propagations
                ],
            }
            for state in states
        ],
    }


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
    if not isinstance(data, dict) or data.get("version") != _VERSION:
        raise InputError(f'this is no prompts file of version {_VERSION} ("version": {_VERSION} is missing).')
    image = data.get("image") or {}
    segments = data.get("segments")
    if not isinstance(segments, list) or not segments:
        raise InputError('holds no segments; add a list "segments" with at least one.')
    return SavedSession(
        fingerprint=_text(image.get("fingerprint") if isinstance(image, dict) else image, "image.fingerprint"),
        model=_text(data.get("model"), "model"),
        window=_text(data.get("window"), "window"),
        segments=tuple(_saved_segment(item) for item in segments),
    )


def _saved_segment(data: Any) -> SavedSegment:
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise InputError('each segment needs a "name".')
    prompts, propagations = data.get("prompts", []), data.get("propagate", [])
    if not isinstance(prompts, list) or not isinstance(propagations, list):
        raise InputError(f'segment {name!r}: "prompts" and "propagate" must be lists.')
    return SavedSegment(
        name=name,
        color=_color(data.get("color")),
        prompts=tuple(PromptSet.from_json(item) for item in prompts),
        propagations=tuple(_propagation(item) for item in propagations),
    )


def _propagation(data: Any) -> Propagation:
    try:
        first, last = data["slices"]
        if type(first) in _RANGE_ENDS and type(last) in _RANGE_ENDS:
            return Propagation(Orientation(data["orientation"]), first, last)
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f'"propagate" needs an orientation and slices [first, last], not {data!r}.') from error
    raise InputError(f'"propagate": slices are two whole numbers, not {data["slices"]!r}.')


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
