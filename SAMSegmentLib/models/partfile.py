"""What was fetched of a file so far, kept beside the place where the whole file will be."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_LONGEST_NOTE = 1 << 16  # bytes; what we write is far shorter


class PartFile:
    """The file ``NAME.part``, and ``NAME.part.json`` which says what it is a part of.

    One process at a time may use it (:mod:`.download` holds a lock). What writes raises OSError where the disk does.

    :param target: where the whole file will be.
    :param url: where it comes from.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._target = target
        self.url = url

    @property
    def size(self) -> int:
        """Bytes fetched so far; 0 also where the folder may not be entered."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def validator(self) -> str | None:
        """The server's mark of the version that the part comes from; None when it cannot be told: start again then."""
        try:
            with self._note.open("rb") as stream:
                note = json.loads(stream.read(_LONGEST_NOTE))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        if not isinstance(note, dict) or note.get("url") != self.url:
            return None
        validator = note.get("validator")
        # It is sent back to the server, in a line of its own.
        return validator if isinstance(validator, str) and validator.isprintable() and validator.isascii() else None

    def restart(self, validator: str | None) -> None:
        """Forget what was fetched; what is added now comes from the version with that mark."""
        # The old bytes go first: stopped in between, nothing is left that the new note could be taken to speak of.
        self.path.write_bytes(b"")
        self._note.write_text(json.dumps({"url": self.url, "validator": validator}), encoding="utf-8")

    def append(self) -> BinaryIO:
        """The part, open for what comes next."""
        return self.path.open("ab")

    def publish(self) -> None:
        """Give the complete file its own name."""
        with self.path.open("rb+") as stream:
            # Without it a power cut may leave the name on a file without its content.
            os.fsync(stream.fileno())
        self.path.replace(self._target)
        self._note.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the part and its note."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
