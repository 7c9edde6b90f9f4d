"""Results: written into the private folder, then handed to the browser."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.errors import OutputError, SAMSegmentError
from SAMSegmentLib.io.write import write_segmentation
from SAMSegmentLib.sessionfile import session_to_json

from .private_folder import unusable
from .scene_voxels import SceneSegments
from .state import PageState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trame_server.state import State

    from SAMSegmentLib.session import SegmentationSession
    from SAMSegmentLib.volume import Volume

    from .work import Work

RESULT_PATH = "/samsegment/result"

_ENDINGS = {"seg.nrrd": ".seg.nrrd", "nifti": ".nii.gz", "dicom": ".dcm", "prompts": ".json"}
_IMAGE_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".img.gz", ".hdr")
_RESULTS_KEPT = 3
_NO_MEMORY = "There is not enough memory to save this; close other programs, and save again."


@dataclass(frozen=True)
class _Written:
    """A file that was written.

    :param notes: for the user, one sentence each.
    :param is_whole: whether it has every voxel of every segment.
    """

    notes: tuple[str, ...]
    is_whole: bool


class SavingControl:
    """Saves segments as they stand, hand corrections included, and prompts."""

    KINDS = (
        ("Segmentation for 3D Slicer (.seg.nrrd)", "seg.nrrd"),
        ("Labelmap (.nii.gz)", "nifti"),
        ("DICOM Segmentation (.dcm)", "dicom"),
        ("Prompts (.json)", "prompts"),
    )

    def __init__(self, state: State, work: Work, folder: Path) -> None:
        self.messages = work.messages
        self._work = work
        self._folder = folder
        self._state = state
        self._data = TypedState(state, PageState).data
        self._results: dict[str, Path] = {}

    def show_volume(self) -> None:
        """Offer what can be saved of the volume that was opened."""
        opened = self._work.opened
        if opened is not None:
            self._data.refused_kinds = refused_kinds(opened.volume)

    def install(self, application: web.Application) -> None:
        """Add the route to an application that has not been started."""
        application.router.add_get(f"{RESULT_PATH}/{{token}}/{{name}}", self._answer)

    async def save(self, kind: str) -> None:
        """Write one file, and have the browser fetch it."""
        if self._work.opened is None or self._work.scene_session is None or kind not in _ENDINGS:
            return
        token, changes = secrets.token_hex(8), self._work.changes
        path = self._folder / token / f"{_stem(self._work.opened.volume.name)}{_ENDINGS[kind]}"
        problem = ""
        try:
            _make_folder(path.parent)
            written = await self._write(kind, path)
        except SAMSegmentError as error:
            problem = str(error).replace(f"{path.parent}/", "")
        except MemoryError:
            problem = _NO_MEMORY
        with self._state:
            if problem:
                shutil.rmtree(path.parent, ignore_errors=True)
                self.messages.fail(problem)
                return
            self._keep(token, path)
            if written.is_whole:
                self._work.note_saved(changes)
            self._data.download = f"{RESULT_PATH}/{token}/{path.name}"
            self.messages.tell(" ".join((f"{path.name} is saved where your browser puts downloads.", *written.notes)))

    # --- inside

    async def _write(self, kind: str, path: Path) -> _Written:
        opened, session = self._work.opened, self._work.scene_session
        if opened is None or session is None:
            raise OutputError("There is nothing to save; open an image first.")
        if kind == "prompts":
            return await self._beside(path, lambda: _write_prompts(path, session.session))
        # MRML is for this thread alone, and the segments may change while they are written.
        segments = SceneSegments.of(opened.volume, opened.segmentation_node)
        return await self._beside(path, lambda: _write_segments(path, opened.volume, segments))

    async def _beside(self, path: Path, write: Callable[[], _Written]) -> _Written:
        """What a thread has written; the page shows meanwhile that it does."""
        writing = asyncio.create_task(asyncio.to_thread(write))
        self._say_that_it_saves(path)
        while not (await asyncio.wait([writing], timeout=1))[0]:
            if not self._data.is_message_shown:  # it goes by itself after some seconds
                self._say_that_it_saves(path)
        return writing.result()

    def _say_that_it_saves(self, path: Path) -> None:
        with self._state:
            self.messages.tell(f"Saving {path.name} ...")

    def _keep(self, token: str, path: Path) -> None:
        self._results[token] = path
        for old in list(self._results)[:-_RESULTS_KEPT]:
            shutil.rmtree(self._results.pop(old).parent, ignore_errors=True)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = self._results.get(request.match_info["token"])
        if path is None or path.name != request.match_info["name"]:
            return web.Response(status=404, text="This result is not kept any more; save it again.\n")
        return web.FileResponse(path, headers={"Content-Disposition": f'attachment; filename="{path.name}"'})


def refused_kinds(volume: Volume) -> dict[str, str]:
    """The kinds of file that cannot be saved of a volume, and why not."""
    return {} if volume.source_frames else {"dicom": "Only for images that were opened as DICOM."}


def _write_segments(path: Path, volume: Volume, segments: SceneSegments) -> _Written:
    filled = segments.filled()
    if not filled:
        raise OutputError("There is nothing to save yet; segment something first.")
    notes = write_segmentation(path, volume, filled)
    empty = [name for name in segments.names if name not in filled.names]
    # A voxel of a labelmap is in one segment at the most.
    is_whole = not (path.name.endswith(_ENDINGS["nifti"]) and filled.overlap())
    return _Written((*notes, *_left_out(empty)), is_whole)


def _write_prompts(path: Path, session: SegmentationSession) -> _Written:
    _write_json(path, session_to_json(session))
    return _Written(("What was drawn by hand is not in it.",), is_whole=False)


def _left_out(names: list[str]) -> tuple[str, ...]:
    """A note on segments that are empty, so that nobody looks for them in the file."""
    if not names:
        return ()
    named = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return (f"{named} {'is' if len(names) == 1 else 'are'} empty and left out.",)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise OutputError(unusable(folder.parent, error)) from error


def _write_json(path: Path, data: dict[str, object]) -> None:
    try:
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path.name}: cannot be written ({error.strerror}); make room on the disk.") from error


def _stem(name: str) -> str:
    """A file name for results: the image's, with letters that every system and header takes."""
    for ending in _IMAGE_ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    return f"{kept.strip('._')[:80] or 'image'}-segmentation"
