"""The first bytes of a file, by which its format is told."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from ..errors import InputError
from .checks import unreadable

if TYPE_CHECKING:
    from pathlib import Path

# Enough to tell every format: DICOM's prefix ends at 132, NIfTI-1's magic at 348, NIfTI-2's header at 540.
_HEAD_BYTES = 1024

_GZIP_MAGIC = b"\x1f\x8b"


def first_bytes(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file (1 KiB, less when there are fewer), decompressed, and whether they were compressed.

    :raises InputError: unreadable, or the compression is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16 * _HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
    if not head.startswith(_GZIP_MAGIC):
        return head[:_HEAD_BYTES], False
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES), True
    except zlib.error:
        raise InputError(f"{path}: its gzip compression is damaged; copy or export it again.") from None
