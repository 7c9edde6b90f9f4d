"""A saved prompts file done again on the volume that is open."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.sessionfile import load_session_file
from SAMSegmentLib.volume import fingerprints_match

from .segment_names import free_name
from .work import is_segment_empty

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from SAMSegmentLib.mrml.scenesession import SceneSession
    from SAMSegmentLib.segmentstate import SegmentState, SliceKey
    from SAMSegmentLib.sessionfile import SavedSegment, SavedSession

    from .work import Work

_BETWEEN_LOOKS_S = 0.05


async def replay_file(work: Work, path: Path) -> str | None:
    """Do again what a prompts file says; see :func:`replay`.

    :raises SAMSegmentError: no volume is open, the file is none or of another image, or the engine failed.
    """
    opened = work.opened
    if opened is None:
        raise InputError(f"{path.name}: these are prompts; open the image first that they were made on.")
    saved = _load(path)
    # Of a large volume it takes a second, in which the views shall go on.
    fingerprint = await asyncio.to_thread(lambda: opened.volume.fingerprint)
    if work.opened is not opened:
        return None  # another image was opened meanwhile
    if saved.fingerprint and not fingerprints_match(saved.fingerprint, fingerprint):
        raise InputError(f"{path.name}: these prompts were made on another image; open that one first.")
    return await replay(work, saved)


async def replay(work: Work, saved: SavedSession) -> str | None:
    """Add saved segments to those that are there: prompts, accepted slices, propagations.

    :returns: a sentence on what differs from when it was saved, "" when nothing does; None when the session on the
        volume ended before all was done, such as when another image was opened.
    :raises SAMSegmentError: they do not fit the volume that is open, or the engine failed.
    """
    if saved.window and saved.window != work.window:
        work.use_window(saved.window)
    session = work.scene_session
    if session is None:
        return None
    remove_untouched(session)
    problems: list[InputError] = []
    for segment in saved.segments:
        await _add(session, segment, problems)
    if problems:
        raise problems[0]
    return _difference(work, saved) if session.is_open else None


def slice_to_show(segment: SegmentState) -> SliceKey | None:
    """The slice with the largest mask, of those that the user made if there are any; None for an empty segment."""
    masks = segment.masks
    made_by_user = [key for key, mask in masks.items() if not mask.is_propagated]
    return max(made_by_user or masks, key=lambda key: np.count_nonzero(masks[key].unpack()), default=None)


def remove_untouched(session: SceneSession) -> None:
    """Remove the segment that the viewer begins with, when it has not been used."""
    if len(session.segment_ids) != 1:
        return
    (segment_id,) = session.segment_ids
    is_used = bool(session.prompts()) or session.can_undo or session.can_redo
    if not is_used and is_segment_empty(session, segment_id):
        session.remove_segment(segment_id)


def _load(path: Path) -> SavedSession:
    try:
        return load_session_file(path)
    except InputError as error:
        raise InputError(str(error).replace(f"{path.parent}/", "")) from error


async def _add(session: SceneSession, segment: SavedSegment, problems: list[InputError]) -> None:
    """Add one segment.

    :param problems: is given what cannot be propagated: the user has gone on working on it, or the file is wrong.
    """
    if not session.is_open:
        return  # another image was opened meanwhile
    # The same prompts may be opened twice.
    name = free_name(segment.name, {session.name_of(segment_id) for segment_id in session.segment_ids})
    segment_id = session.add_saved(dataclasses.replace(segment, name=name))
    while session.is_open and segment_id in session.segment_ids and _is_waiting(session, segment_id):
        await asyncio.sleep(_BETWEEN_LOOKS_S)
    for propagation in segment.propagations:
        if session.is_open and segment_id in session.segment_ids:
            try:
                future = session.propagate(segment_id, propagation)
            except InputError as error:
                problems.append(error)
                break
            await _finished(future)
    if segment.outdated and session.is_open and segment_id in session.segment_ids:
        session.put_outdated(segment_id, segment.outdated)


async def _finished(future: Future[None]) -> None:
    try:
        await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if not future.cancelled():
            raise
        # Undone, or its key slices were changed meanwhile: the user wants something else.


def _is_waiting(session: SceneSession, segment_id: str) -> bool:
    return bool(session.session.state(session.name_of(segment_id)).unanswered())


def _difference(work: Work, saved: SavedSession) -> str:
    if saved.model and saved.model != work.engine.model_name:
        return f"The prompts were made with the model {saved.model}; {work.engine.model_name} may answer otherwise."
    return ""
