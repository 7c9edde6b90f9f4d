"""A session's prompts as a JSON file, and back: what the command line replays and the viewers save."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .carried import Propagation
from .errors import InputError
from .geometry import Orientation
from .prompts import PromptSet, known_members
from .savedmask import SavedMask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from .propagation import Interval
    from .segments import Color
    from .segmentstate import SegmentState, SliceKey, SliceMask
    from .session import SegmentationSession
    from .worker.interface import SliceAnswer

_VERSION = 1
_FILE_MEMBERS = {"version", "image", "model", "weights_sha256", "window", "segments"}
_SEGMENT_MEMBERS = {"name", "color", "prompts", "accepted", "propagate", "outdated"}
_PROPAGATION_SWITCHES = ("smooth", "connected", "fill_holes")
_PROPAGATION_MEMBERS = {"orientation", "slices", "only", "stops", "farthest_mm", "intervals", *_PROPAGATION_SWITCHES}
# A prompts file is a few kilobytes, with accepted masks some megabytes; this is a mistaken file, not a long session.
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
    accepted: tuple[SavedMask, ...] = ()
    outdated: tuple[SavedMask, ...] = ()


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
        "segments": [_segment_to_json(state) for state in session.states],
    }


def _segment_to_json(state: SegmentState) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": state.name,
        "color": list(state.color),
        # What a mask prompt (a model's logits) made is saved as the mask that it made: logits are no text.
        "prompts": [item.to_json() for item in state.prompts.values() if not item.mask],
    }
    accepted = _saved_masks(state, lambda mask: mask.is_accepted or bool(mask.prompts and mask.prompts.mask))
    if accepted:
        data["accepted"] = [replace(mask, confidence=None).to_json() for mask in accepted]
    data["propagate"] = [_propagation_to_json(item) for item in state.propagations]
    outdated = _saved_masks(state, lambda mask: mask.is_outdated)
    if outdated:
        data["outdated"] = [mask.to_json() for mask in outdated]
    return data


def _saved_masks(state: SegmentState, is_wanted: Callable[[SliceMask], bool]) -> list[SavedMask]:
    wanted = sorted(
        (item for item in state.masks.items() if is_wanted(item[1])), key=lambda item: (item[0][0].value, item[0][1])
    )
    return [SavedMask(*key, mask.shape, mask.runs, mask.confidence) for key, mask in wanted]


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
    for mask in segment.accepted:
        _accept(session, name, mask)
    for propagation in segment.propagations:
        if propagate:
            propagate(name, propagation)
        else:
            session.engine.wait(session.propagate(name, propagation))
    if segment.outdated:
        session.put_outdated(name, segment.outdated)


def _accept(session: SegmentationSession, name: str, saved: SavedMask) -> None:
    saved.check(session.volume, name)
    mask = saved.unpack()
    made = session.state(name).masks.get(saved.key)
    if made is not None and np.array_equal(made.unpack(), mask):
        session.accept_slice(name, saved.key)
    else:
        # Other weights answer the prompts otherwise: what was accepted counts.
        session.set_mask(name, saved.orientation, saved.index, mask)


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
    members = {member: data.get(member, []) for member in ("prompts", "accepted", "propagate", "outdated")}
    for member, value in members.items():
        if not isinstance(value, list):
            raise InputError(f'segment {name!r}: "{member}" must be a list.')
    prompts = tuple(PromptSet.from_json(item) for item in members["prompts"])
    accepted = tuple(SavedMask.from_json(item) for item in members["accepted"])
    _refuse_twice(name, (item.key for item in prompts), "sets of prompts; join them")
    _refuse_twice(name, (item.key for item in accepted), "accepted masks; keep one")
    outdated = tuple(SavedMask.from_json(item) for item in members["outdated"])
    _refuse_twice(name, (item.key for item in outdated), "outdated masks; keep one")
    propagations = tuple(_propagation(item) for item in members["propagate"])
    return SavedSegment(name, _color(data.get("color")), prompts, propagations, accepted, outdated)


def _refuse_twice(name: str, keys: Iterable[SliceKey], what: str) -> None:
    for (orientation, index), count in Counter(keys).items():
        if count > 1:
            raise InputError(f"segment {name!r}: {orientation.value} slice {index} has {count} {what}.")


def _propagation(data: Any) -> Propagation:
    if isinstance(data, dict):
        known_members(data, '"propagate"', _PROPAGATION_MEMBERS)
    try:
        _refuse_text(data, ("slices", "only", "stops", "intervals"))
        first, last = data["slices"]
        only, wanted = data.get("only"), data.get("intervals")
        orientation = Orientation(data["orientation"])
        handed_over = None if only is None else tuple(only)
        stops = tuple(data.get("stops", ()))
        intervals = None if wanted is None else tuple(_interval(*item) for item in wanted)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise InputError(f'"propagate" needs an orientation and slices [first, last], not {data!r}.') from error
    ends = (first, last, *(end for interval in intervals or () for end in interval))
    if not (_are_indices(handed_over or ()) and _are_indices(stops) and all(type(end) in _RANGE_ENDS for end in ends)):
        raise InputError(f'"propagate": slices are whole numbers, not {data!r}.')
    farthest_mm, switches = data.get("farthest_mm"), {name: data.get(name, False) for name in _PROPAGATION_SWITCHES}
    if type(farthest_mm) not in (int, float, type(None)):
        raise InputError(f'"propagate": "farthest_mm" is a number, not {farthest_mm!r}.')
    for name, value in switches.items():
        if type(value) is not bool:
            raise InputError(f'"propagate": "{name}" is true or false, not {value!r}.')
    return Propagation(orientation, first, last, handed_over, stops, farthest_mm, intervals=intervals, **switches)


def _refuse_text(data: dict[str, Any], members: Iterable[str]) -> None:
    for member in members:
        if isinstance(data.get(member), str):  # which is a sequence, too
            raise InputError(f'"propagate": "{member}" is a list, not {data[member]!r}.')


def _interval(low: int | None, high: int | None) -> Interval:
    return low, high


def _are_indices(values: tuple[Any, ...]) -> bool:
    return all(type(value) is int for value in values)


def _propagation_to_json(propagation: Propagation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "orientation": propagation.orientation.value,
        "slices": [propagation.first, propagation.last],
    }
    if propagation.stops:
        data["stops"] = list(propagation.stops)
    if propagation.farthest_mm is not None:
        data["farthest_mm"] = propagation.farthest_mm
    data |= {name: True for name in _PROPAGATION_SWITCHES if getattr(propagation, name)}
    if propagation.intervals is not None:
        data["intervals"] = [list(interval) for interval in propagation.intervals]
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
