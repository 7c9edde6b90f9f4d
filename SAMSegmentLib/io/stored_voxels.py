"""Voxels as image files keep them: raw, compressed or as text, behind a header that may promise too much.

NIfTI, NRRD and MetaImage differ in their headers only. Their voxels are read here, by one piece of code that knows
what the header declares, so that a truncated or damaged file is noticed: SimpleITK fills such files up silently.
"""

from __future__ import annotations

import bz2
import gzip
import math
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, Protocol

import numpy as np

from ..errors import InputError
from .checks import bytes_in_words, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

Encoding = Literal["raw", "gzip", "bzip2", "text"]

_CHUNK = 4 * 2**20

# No deflate stream expands further than this (zlib's technical notes: 1032:1), so a smaller file is not whole.
_DEFLATE_LIMIT = 1032

# A number in a text file becomes a Python bytes object and an array item on its way to a voxel.
_TEXT_EXPANSION = 40


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class StoredVoxels:
    """What a header declares about the voxels of a file.

    :param path: the file that the user named, for messages.
    :param data_path: the file that holds the voxels; the same one unless the header is detached.
    :param file_offset: bytes before the voxels, or before their compressed form.
    :param stream_offset: bytes to skip after decompression.
    :param dtype: with byte order.
    :param shape_ijk: voxels of one frame along i, j and k.
    :param frame_count: number of 3D frames; each frame lies in one piece unless ``frames_interleaved``.
    :param frames_interleaved: the frames' values of one voxel lie side by side (an NRRD list axis that comes first).
    """

    path: Path
    data_path: Path
    file_offset: int
    stream_offset: int
    encoding: Encoding
    dtype: np.dtype
    shape_ijk: tuple[int, int, int]
    frame_count: int = 1
    frames_interleaved: bool = False

    @property
    def frame_bytes(self) -> int:
        """Uncompressed size of one frame."""
        return math.prod(self.shape_ijk) * self.dtype.itemsize

    @property
    def all_bytes(self) -> int:
        """Uncompressed size of all frames."""
        return self.frame_bytes * self.frame_count

    def truncated(self) -> InputError:
        """The sentence for a file that holds less than declared."""
        i, j, k = self.shape_ijk
        frames = f" in {self.frame_count} frames" if self.frame_count > 1 else ""
        return InputError(
            f"{self.path}: is cut short or its header is wrong: it declares {i} x {j} x {k} voxels{frames} "
            f"({bytes_in_words(self.all_bytes)}) and holds fewer; copy or export it again."
        )


def reading_bytes(stored: StoredVoxels) -> int:
    """Memory in bytes that :func:`load_frame` takes at most, its result included."""
    if stored.encoding == "text":
        return _data_bytes(stored) * _TEXT_EXPANSION
    # The wanted frame is copied out of interleaved ones.
    return stored.frame_bytes + (stored.all_bytes if stored.frames_interleaved else 0)


def load_frame(stored: StoredVoxels, frame: int, progress: Callable[[int, int], None] | None = None) -> NDArray:
    """The voxels of one frame, in the machine's byte order.

    Compressed data are read to their end, since only there their checksum tells whether they are whole.

    :param frame: 0-based, below ``stored.frame_count``.
    :param progress: called with bytes read and bytes in all.
    :returns: [k, j, i].
    :raises InputError: the file is cut short or damaged.
    """
    try:
        with stored.data_path.open("rb") as file:
            file.seek(stored.file_offset)
            if stored.encoding == "text":
                return _load_text(stored, file, frame)
            return _load_binary(stored, file, frame, progress)
    except EOFError:
        raise stored.truncated() from None
    except (zlib.error, gzip.BadGzipFile):
        raise _damaged(stored) from None
    except OSError as error:
        # bz2 reports damaged data as an OSError without an error number.
        raise (_damaged(stored) if error.errno is None else unreadable(stored.data_path, error)) from None


def _data_bytes(stored: StoredVoxels) -> int:
    try:
        return stored.data_path.stat().st_size - stored.file_offset
    except OSError as error:
        raise unreadable(stored.data_path, error) from None


def _damaged(stored: StoredVoxels) -> InputError:
    return InputError(f"{stored.path}: its compressed voxels are damaged; copy or export it again.")


def check_declared_size(stored: StoredVoxels) -> None:
    """Compare the sizes that a header declares with the file, before memory is taken for them.

    :raises InputError: the file cannot hold as much.
    """
    available = _data_bytes(stored)
    declared = stored.stream_offset + stored.all_bytes
    # Two characters, digit and space, are the least that a number takes in a text.
    least = {
        "raw": declared,
        "gzip": declared // _DEFLATE_LIMIT,
        "bzip2": 0,
        "text": 2 * declared // stored.dtype.itemsize - 1,
    }
    if available < least[stored.encoding]:
        raise stored.truncated()


def _load_binary(
    stored: StoredVoxels, file: IO[bytes], frame: int, progress: Callable[[int, int], None] | None
) -> NDArray:
    frames = stored.frame_count if stored.frames_interleaved else 1
    buffer = np.empty(math.prod(stored.shape_ijk) * frames, dtype=stored.dtype)
    before = stored.stream_offset + (0 if stored.frames_interleaved else frame * stored.frame_bytes)
    stream: _Readable = file
    if stored.encoding == "raw":
        file.seek(before, 1)
    else:
        stream = _decompressed(stored, file)
        _skip(stream, before)
    _fill(buffer.view(np.uint8).data, stream, progress)
    if stored.encoding != "raw":
        _skip(stream, stored.stream_offset + stored.all_bytes - before - buffer.nbytes)
        stream.read(1)  # the end of the stream, where its checksum is compared
    return _frame_of(stored, _native(buffer), frame)


def _decompressed(stored: StoredVoxels, file: IO[bytes]) -> _Readable:
    if stored.encoding == "bzip2":
        return bz2.BZ2File(file)
    first = file.read(1)
    file.seek(-len(first), 1)
    # MetaImage keeps zlib streams, which begin with 0x78; the others keep gzip.
    return _ZlibStream(file) if first == b"\x78" else gzip.GzipFile(fileobj=file)


class _ZlibStream:
    """A zlib stream as a file to read from; the standard library offers this for gzip only."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = zlib.decompressobj()

    def read(self, size: int = -1, /) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_CHUNK)
            if not packed:
                raise EOFError
            if piece := self._inflate.decompress(packed, max(size, 0)):
                return piece
        return b""


def _fill(target: memoryview, stream: _Readable, progress: Callable[[int, int], None] | None) -> None:
    done = 0
    while done < len(target):
        piece = stream.read(min(_CHUNK, len(target) - done))
        if not piece:
            raise EOFError
        target[done : done + len(piece)] = piece
        done += len(piece)
        if progress is not None:
            progress(done, len(target))


def _skip(stream: _Readable, byte_count: int) -> None:
    while byte_count > 0:
        piece = stream.read(min(_CHUNK, byte_count))
        if not piece:
            raise EOFError
        byte_count -= len(piece)


def _load_text(stored: StoredVoxels, file: IO[bytes], frame: int) -> NDArray:
    words = file.read().split()
    count = math.prod(stored.shape_ijk) * stored.frame_count
    if len(words) < count:
        raise EOFError
    parse, parsed = (float, np.float64) if stored.dtype.kind == "f" else (int, np.int64)
    try:
        # Word by word: an array of the words would take the longest one's length for each.
        numbers: NDArray = np.fromiter(map(parse, words), dtype=parsed, count=count)
    except (ValueError, OverflowError):
        raise InputError(
            f"{stored.path}: its voxels are stored as text and some are not {stored.dtype.name} numbers; "
            "export it again."
        ) from None
    wanted = stored.dtype.newbyteorder("=")
    if wanted.kind != "f" and not np.array_equal(numbers.astype(wanted), numbers):
        raise InputError(f"{stored.path}: some of its voxels do not fit its type {wanted.name}; export it again.")
    # Whole frames behind each other are cut here; _frame_of parts interleaved ones.
    if not stored.frames_interleaved:
        numbers = numbers.reshape(stored.frame_count, -1)[frame]
    return _frame_of(stored, numbers.astype(wanted), frame)


def _native(buffer: NDArray) -> NDArray:
    if buffer.dtype.isnative:
        return buffer
    swapped: NDArray = buffer.byteswap(inplace=True).view(buffer.dtype.newbyteorder("="))
    return swapped


def _frame_of(stored: StoredVoxels, values: NDArray, frame: int) -> NDArray:
    shape = stored.shape_ijk[::-1]
    if not stored.frames_interleaved:
        return values.reshape(shape)
    return np.ascontiguousarray(values.reshape(*shape, stored.frame_count)[..., frame])
