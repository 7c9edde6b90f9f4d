"""Files from the browser: streamed into a private folder, limited in size and number, named by us."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aiohttp import web

from .private_folder import unusable

if TYPE_CHECKING:
    from collections.abc import Iterator

UPLOAD_PATH = "/samsegment/upload"

# A CT of 512x512x1000 voxels is half of it. What is larger does not belong through a browser on the same machine.
LARGEST_UPLOAD = 1 << 30
_MOST_FILES = 20_000
_DEEPEST = 12
_LONGEST_NAME_BYTES = 120
_KEPT_FREE = 256 << 20
_CHUNK = 1 << 20

_BATCH = re.compile(r"[0-9a-f]{8,32}")


class UploadError(Exception):
    """One sentence for the page, with the status that goes with it."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Uploads:
    """Takes files into ``folder``; those that are opened together share a batch.

    Each file is one POST whose body is the file: ``?batch=HEX&name=RELATIVE/PATH``. The page asks for the batch to be
    opened when all of them are there, and what is not wanted any more is removed.

    :param folder: private to this process, and removed by its owner.
    :param largest: bytes that one batch may have.
    """

    def __init__(self, folder: Path, largest: int = LARGEST_UPLOAD) -> None:
        self._folder = folder
        self._largest = largest
        self._sizes: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def install(self, application: web.Application) -> None:
        """Add the route to an application that has not been started."""
        application.router.add_post(UPLOAD_PATH, self._answer)

    def batch_folder(self, batch: str) -> Path | None:
        """The folder with a batch's files, None when nothing of that name has come."""
        return self._folder / batch if batch in self._sizes else None

    def forget(self, batch: str) -> None:
        """Remove the files of a batch."""
        self._sizes.pop(batch, None)
        self._counts.pop(batch, None)
        if _BATCH.fullmatch(batch):
            shutil.rmtree(self._folder / batch, ignore_errors=True)

    def keep_only(self, path: Path) -> None:
        """Remove all batches but that which a path is of: what is open may be read again."""
        for batch in list(self._sizes):
            if not path.is_relative_to(self._folder / batch):
                self.forget(batch)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            await self._take(request)
        except UploadError as error:
            return web.json_response({"error": str(error)}, status=error.status)
        return web.json_response({})

    async def _take(self, request: web.Request) -> None:
        batch, name = request.query.get("batch", ""), request.query.get("name", "")
        if not _BATCH.fullmatch(batch):
            raise UploadError(HTTPStatus.BAD_REQUEST, "The page sent a file without saying what it belongs to.")
        self._check_size(batch, request.content_length or 0)
        path = self._free_path(batch, name)
        self._counts[batch] = self._counts.get(batch, 0) + 1
        if self._counts[batch] > _MOST_FILES:
            raise UploadError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"These are more than {_MOST_FILES} files; choose the folder of one examination.",
            )
        try:
            await self._write(request, batch, path)
        except OSError as error:
            raise UploadError(
                HTTPStatus.INSUFFICIENT_STORAGE, f"{name}: cannot be kept on this machine ({error.strerror})."
            ) from error

    async def _write(self, request: web.Request, batch: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("xb") as file, _removed_unless_whole(path):
            async for chunk in request.content.iter_chunked(_CHUNK):
                # A length that was not declared, or was wrong, is found out here.
                self._check_size(batch, len(chunk))
                self._sizes[batch] = self._sizes.get(batch, 0) + len(chunk)
                file.write(chunk)
        self._sizes.setdefault(batch, 0)

    def _check_size(self, batch: str, more: int) -> None:
        if self._sizes.get(batch, 0) + more > self._largest:
            raise UploadError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"This is more than {self._largest >> 20} MB, the most that is taken through the browser; "
                "start 'samsegment view IMAGE' with the file's path instead.",
            )
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise UploadError(HTTPStatus.INSUFFICIENT_STORAGE, unusable(self._folder, error)) from error
        if free - more < _KEPT_FREE:
            raise UploadError(
                HTTPStatus.INSUFFICIENT_STORAGE,
                "The disk with the temporary folder is full; make room there, or start "
                "'samsegment view IMAGE' with the file's path instead.",
            )

    def _free_path(self, batch: str, name: str) -> Path:
        parts = [_safe_part(part) for part in PurePosixPath(name.replace("\\", "/")).parts]
        parts = [part for part in parts if part][-_DEEPEST:]
        if not parts:
            raise UploadError(HTTPStatus.BAD_REQUEST, "The page sent a file without a name.")
        path = self._folder.joinpath(batch, *parts)
        if path.is_dir() or any(folder.is_file() for folder in path.parents):
            raise UploadError(
                HTTPStatus.BAD_REQUEST,
                f"{name}: a file and a folder of these have the same name; rename one of them and open them again.",
            )
        number = self._counts.get(batch, 0)
        while path.exists():
            # Names that differ only in what is left out of them are one name here.
            number += 1
            path = path.with_name(f"{number}_{parts[-1]}")
        return path


@contextmanager
def _removed_unless_whole(path: Path) -> Iterator[None]:
    """Leave nothing of a file that was refused, cannot be written, or whose page has gone while it was sent."""
    is_whole = False
    try:
        yield
        is_whole = True
    finally:
        if not is_whole:
            with suppress(OSError):  # what could not be made cannot always be removed
                path.unlink()


def _safe_part(part: str) -> str:
    """A file's or folder's name without what could lead elsewhere; its ending is kept, since formats go by it."""
    kept = "".join(letter if letter.isalnum() or letter in "-_. ()" else "_" for letter in part).strip(" ")
    # Systems limit bytes, and letters have up to four.
    return kept.lstrip(".").encode()[-_LONGEST_NAME_BYTES:].decode(errors="ignore").strip(" ")
