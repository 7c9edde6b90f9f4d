"""Where weights files lie, and whether they are what the catalogue says. No torch here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelUnavailableError

if TYPE_CHECKING:
    from .catalogue import CatalogueEntry

HOME_VARIABLE = "SAMSEGMENT_HOME"

_PACKAGED = Path(__file__).parent / "data"
_BLOCK = 1 << 20


def weights_folders() -> tuple[Path, ...]:
    """The folders that are searched, in this order; they need not exist.

    ``$SAMSEGMENT_HOME/weights`` when the variable is set, then ``weights`` in the user's cache folder.
    """
    import platformdirs

    home = os.environ.get(HOME_VARIABLE)
    cache = platformdirs.user_cache_path("samsegment") / "weights"
    return (Path(home).expanduser() / "weights", cache) if home else (cache,)


def find_weights(entry: CatalogueEntry) -> Path | None:
    """The weights file of a catalogue entry, None when it is not on this machine."""
    folders = weights_folders() if entry.url else (_PACKAGED,)
    return next((folder / entry.file_name for folder in folders if (folder / entry.file_name).is_file()), None)


def locate_weights(entry: CatalogueEntry, chosen: Path | None = None) -> Path:
    """The file to load: the user's choice (``--weights``) or the one in a weights folder.

    :raises ModelUnavailableError: it is not there; the sentence says where to get it and where to put it.
    """
    if chosen is not None:
        if not chosen.is_file():
            raise ModelUnavailableError(f"{chosen}: there is no such weights file; check the path given to --weights.")
        return chosen
    found = find_weights(entry)
    if found is not None:
        return found
    if entry.url is None:
        raise ModelUnavailableError(f"{entry.file_name} is missing from the installation; reinstall samsegment.")
    raise ModelUnavailableError(
        f"The weights of {entry.name} are not on this machine; download {entry.url} into {weights_folders()[0]} "
        "or name the file with --weights."
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    :raises ModelUnavailableError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise ModelUnavailableError(f"{path}: cannot be read ({error.strerror}); check the file.") from error
    return digest.hexdigest()


def verify_weights(entry: CatalogueEntry, path: Path) -> str:
    """SHA-256 of a file that was found by its catalogue name.

    :raises ModelUnavailableError: it cannot be read, or is not the published file.
    """
    digest = file_sha256(path)
    if entry.sha256 not in (None, digest):
        cure = f"delete it and download {entry.url} again" if entry.url else "reinstall samsegment"
        raise ModelUnavailableError(
            f"{path}: not the published weights of {entry.name} (damaged or incomplete, its SHA-256 differs); {cure}, "
            "or give a file of your own with --weights."
        )
    return digest
