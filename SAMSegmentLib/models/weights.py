"""Where weights files lie, and whether they are what the catalogue says. No torch here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, ModelUnavailableError

if TYPE_CHECKING:
    from .catalogue import CatalogueEntry

HOME_VARIABLE = "SAMSEGMENT_HOME"

_PACKAGED = Path(__file__).parent / "data"
_BLOCK = 1 << 20

_SHA256 = "SHA-256"
_ALGORITHMS = {_SHA256: "sha256", "MD5": "md5"}


def home_folder() -> Path | None:
    """The folder that ``$SAMSEGMENT_HOME`` names, None when it is not set; it need not exist.

    :raises InputError: it begins with the name of a user (``~name``) whom this machine does not know.
    """
    home = os.environ.get(HOME_VARIABLE)
    try:
        return Path(home).expanduser() if home else None
    except RuntimeError as error:
        raise InputError(f"{HOME_VARIABLE}={home} names a user who is not known here; give a whole path.") from error


def weights_folders() -> tuple[Path, ...]:
    """The folders that are searched, in this order; they need not exist.

    ``$SAMSEGMENT_HOME/weights`` when the variable is set, then ``weights`` in the user's cache folder.

    :raises InputError: ``$SAMSEGMENT_HOME`` is no folder's name.
    """
    import platformdirs

    home = home_folder()
    cache = platformdirs.user_cache_path("samsegment") / "weights"
    return (home / "weights", cache) if home else (cache,)


def find_weights(entry: CatalogueEntry) -> Path | None:
    """The weights file of a catalogue entry, None when it is not on this machine."""
    folders = weights_folders() if entry.url else (_PACKAGED,)
    return next((folder / entry.file_name for folder in folders if _is_file(folder / entry.file_name)), None)


def locate_weights(entry: CatalogueEntry, chosen: Path | None = None) -> Path:
    """The file to load: the user's choice (``--weights``) or the one in a weights folder.

    :raises ModelUnavailableError: it is not there; the sentence says where to get it and where to put it.
    """
    if chosen is not None:
        if not _is_file(chosen):
            raise ModelUnavailableError(f"{chosen}: there is no such weights file; check the path given to --weights.")
        return chosen
    found = find_weights(entry)
    if found is not None:
        return found
    if entry.url is None:
        raise ModelUnavailableError(f"{entry.file_name} is missing from the installation; reinstall samsegment.")
    raise ModelUnavailableError(
        f"The weights of {entry.name} are not on this machine; run 'samsegment models download {entry.name}' "
        f"({entry.size / 1e6:.0f} MB), or put {entry.url} into {weights_folders()[0]}, or name a file with --weights."
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    :raises ModelUnavailableError: it cannot be read.
    """
    return _file_digests(path, {_SHA256})[_SHA256]


def has_published_size(entry: CatalogueEntry, path: Path) -> bool:
    """Whether a file is as long as the published one: tells at once what was cut or is something else.

    :raises ModelUnavailableError: it cannot be read.
    """
    return _size(path) == entry.size


def is_published(entry: CatalogueEntry, path: Path) -> bool:
    """Whether a file has the size and the digest that were published.

    :raises ModelUnavailableError: it cannot be read.
    """
    if not has_published_size(entry, path):
        return False
    return _file_digests(path, {entry.digest_name})[entry.digest_name] == entry.digest


def verify_weights(entry: CatalogueEntry, path: Path) -> str:
    """SHA-256 of a file that was found by its catalogue name.

    :raises ModelUnavailableError: it cannot be read, or is not the published file.
    """
    digests = _file_digests(path, {_SHA256, entry.digest_name})
    if digests[entry.digest_name] != entry.digest:
        cure = f"run 'samsegment models download {entry.name}'" if entry.url else "reinstall samsegment"
        raise ModelUnavailableError(
            f"{path}: not the published weights of {entry.name} (damaged or incomplete, its {entry.digest_name} "
            f"differs); {cure} to replace it, or give a file of your own with --weights."
        )
    return digests[_SHA256]


def _file_digests(path: Path, names: set[str]) -> dict[str, str]:
    """Digests by their names, from one reading."""
    digests = {name: hashlib.new(_ALGORITHMS[name], usedforsecurity=False) for name in names}
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                for digest in digests.values():
                    digest.update(block)
    except OSError as error:
        raise _unreadable(path, error) from error
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be entered: there is nothing for us
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ModelUnavailableError:
    return ModelUnavailableError(f"{path}: cannot be read ({error.strerror}); check the file.")
