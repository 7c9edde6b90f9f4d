"""Embeddings on disk: one file a slice, shared by all processes of a user.

A file is written under a temporary name and renamed, so that no process ever sees half of one; what the disk does to it
later is found by its checksum. Nothing is locked: two processes that write the same slice write the same bytes.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, OutputError
from ..models.weights import HOME_VARIABLE, home_folder
from .budget import ENTRY_SUFFIX, TEMPORARY_SUFFIX, CacheFile, FolderBudget, list_entries, list_temporaries
from .entry import LARGEST_ENTRY, DamagedEntryError, pack, packed_size, read_model, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..models.interface import Embedding
    from .key import EmbeddingKey

BUDGET_VARIABLE = "SAMSEGMENT_CACHE_BYTES"
DAMAGED = "damaged"  # stands for the model in :class:`Usage` where a file does not tell

_DEFAULT_BUDGET = 4 << 30

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Usage:
    """Files of a cache: how many, and their bytes; the same for each model by its name."""

    entries: int
    bytes: int
    by_model: Mapping[str, tuple[int, int]]


class DiskStore:
    """A folder of embeddings within a budget; the ones longest unused leave first, whichever process used them.

    It never fails: what cannot be read is missing, and when writing fails it warns once and writes no more. Embeddings
    tell about patients, so the folder and its files are the user's alone (modes 0700 and 0600). An instance belongs to
    one thread; any number of processes may use one folder.

    :param folder: made with the first write.
    :param budget_bytes: of all files together.
    :param warn: is given one sentence for the user when writing had to end.
    """

    def __init__(self, folder: Path, budget_bytes: int, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.budget_bytes = budget_bytes
        self._warn = warn
        self._budget = FolderBudget(folder, budget_bytes)
        self._writable = True

    def holds(self, key: EmbeddingKey) -> bool:
        """Whether there is a file for this key. It is not opened: :meth:`read` may still find it damaged."""
        try:
            return self._path(key).is_file()
        except OSError:
            return False

    def read(self, key: EmbeddingKey) -> Embedding | None:
        """The embedding of this key, None where there is none; a damaged file is logged and removed."""
        if not self.holds(key):
            return None
        path = self._path(key)
        try:
            with path.open("rb") as stream:
                embedding = unpack(stream, os.fstat(stream.fileno()).st_size, key)
        except FileNotFoundError:  # another process removed it just now
            return None
        except DamagedEntryError as error:
            _logger.warning("%s: a damaged embedding was removed (%s); the slice is encoded again.", path, error)
            with suppress(OSError):
                path.unlink()
            return None
        except OSError as error:
            _logger.warning("%s: cannot be read (%s); the slice is encoded again.", path, error.strerror)
            return None
        with suppress(OSError):  # a folder that is only to be read serves all the same
            os.utime(path)
        return embedding

    def write(self, key: EmbeddingKey, embedding: Embedding) -> None:
        """Keep an embedding, unless it is larger than the budget or writing has failed before."""
        size = packed_size(key, embedding)
        if not self._writable or size > min(self.budget_bytes, LARGEST_ENTRY):
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._budget.make_room(size):
                self._publish(self._path(key), pack(key, embedding))
        except OSError as error:
            self._writable = False
            self._warn(
                f"{self.folder}: embeddings cannot be kept there ({error.strerror or error}), so slices are "
                f"encoded again each time; free some space, or set {HOME_VARIABLE} to a folder that can be written."
            )

    def usage(self) -> Usage:
        """What there is.

        :raises InputError: the folder cannot be read.
        """
        return _usage([(file, _model_of(file)) for file in self._entries()])

    def clear(self, model: str | None = None) -> Usage:
        """Remove the embeddings of one model, or all of them, and say what they were.

        :raises InputError: the folder cannot be read.
        :raises OutputError: a file cannot be removed.
        """
        known = [(file, _model_of(file)) for file in self._entries()]
        unwanted = [(file, made_by) for file, made_by in known if model in (None, made_by)]
        for file, _ in unwanted:
            self._remove(file)
        if model is None:
            for file in list_temporaries(self.folder):
                self._remove(file)
        return _usage(unwanted)

    def _entries(self) -> list[CacheFile]:
        try:
            return list_entries(self.folder)
        except OSError as error:
            raise InputError(
                f"{self.folder}: the cache cannot be read ({error.strerror}); check the folder's permissions."
            ) from error

    @staticmethod
    def _remove(file: CacheFile) -> None:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{file.path}: cannot be removed ({error.strerror}); check the folder's permissions."
            ) from error

    def _path(self, key: EmbeddingKey) -> Path:
        return self.folder / f"{key.digest}{ENTRY_SUFFIX}"

    @staticmethod
    def _publish(target: Path, content: list[bytes | memoryview]) -> None:
        # mkstemp makes files of mode 0600. No fsync: after a power cut the checksum finds what was lost, and waiting
        # for the disk would cost more than encoding does with a small model.
        descriptor, name = tempfile.mkstemp(suffix=TEMPORARY_SUFFIX, prefix=f"{target.stem}.", dir=target.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.writelines(content)
            temporary.replace(target)
        except FileNotFoundError:
            return  # the cache was cleared just now
        except PermissionError:
            if not target.is_file():  # on Windows a file that another process reads cannot be replaced: it is as good
                raise
        finally:
            with suppress(OSError):
                temporary.unlink()


def default_folder() -> Path:
    """``$SAMSEGMENT_HOME/embeddings`` when the variable is set, else ``embeddings`` in the user's cache folder.

    :raises InputError: ``$SAMSEGMENT_HOME`` is no folder's name.
    """
    import platformdirs

    return (home_folder() or platformdirs.user_cache_path("samsegment")) / "embeddings"


def default_disk_store(warn: Callable[[str], None]) -> DiskStore | None:
    """The user's cache, None when it is switched off with ``$SAMSEGMENT_CACHE_BYTES`` = 0.

    :param warn: is given one sentence for the user when writing had to end.
    :raises InputError: the variable holds no number of bytes, or ``$SAMSEGMENT_HOME`` is no folder's name.
    """
    budget = default_budget()
    return DiskStore(default_folder(), budget, warn) if budget else None


def default_budget() -> int:
    """``$SAMSEGMENT_CACHE_BYTES``, 4 GiB where it is not set; 0 switches the cache on disk off.

    :raises InputError: the variable holds no number of bytes.
    """
    text = os.environ.get(BUDGET_VARIABLE, "").strip()
    if not text:
        return _DEFAULT_BUDGET
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InputError(
            f"{BUDGET_VARIABLE}={text} is no number of bytes; give a whole number, 0 for no cache on disk."
        )
    return int(text)


def _model_of(file: CacheFile) -> str:
    try:
        with file.path.open("rb") as stream:
            return read_model(stream)
    except (OSError, DamagedEntryError):
        return DAMAGED


def _usage(files: list[tuple[CacheFile, str]]) -> Usage:
    counts, sizes = Counter[str](), Counter[str]()
    for file, model in files:
        counts[model] += 1
        sizes[model] += file.size
    by_model = {model: (counts[model], sizes[model]) for model in sorted(counts)}
    return Usage(counts.total(), sizes.total(), by_model)
