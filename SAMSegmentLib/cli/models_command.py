"""``samsegment models``: which models there are and which are ready; their weights fetched, checked and removed."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ..errors import ModelUnavailableError, StoppedError
from ..models.catalogue import catalogue_entry
from ..models.download import download_weights, fetched_bytes, remove_weights
from ..models.load import model_states
from ..models.weights import has_published_size, is_published, locate_weights, weights_folders
from .report import print_json, print_line, progress_bar

if TYPE_CHECKING:
    from pathlib import Path

    from ..models.catalogue import CatalogueEntry

_WIDTH = 100


def run_models_list(*, as_json: bool) -> None:
    """List the catalogue with where each model's weights lie."""
    states = model_states()
    if as_json:
        print_json([_described(entry, path) for entry, path in states])
        return
    for entry, path in states:
        print_line(f"{entry.name:14}{_state(entry, path):24}{_megabytes(entry.size):10}{entry.licence}")
        for line in textwrap.wrap(entry.description, width=_WIDTH, initial_indent="    ", subsequent_indent="    "):
            print_line(line)
    print_line()
    print_line(f"Weights are looked for in {' and '.join(str(folder) for folder in weights_folders())}.")
    print_line("'samsegment models download NAME' fetches them, 'samsegment models remove NAME' deletes them.")


def run_models_download(name: str) -> None:
    """Fetch a model's weights.

    :raises InputError: there is no such model, or it is part of the installation.
    :raises ModelUnavailableError: they cannot be had, or not be written.
    :raises StoppedError: Ctrl+C; what was fetched is kept.
    """
    entry = catalogue_entry(name)
    try:
        with progress_bar(f"Downloading {name}", "B") as update:
            path = download_weights(entry, update)
    except KeyboardInterrupt:
        kept = fetched_bytes(entry)
        if not kept:  # perhaps weights that are ready were being checked: no word of deleting them
            raise StoppedError("Stopped; nothing was fetched.") from None
        raise StoppedError(
            f"Stopped; {_megabytes(kept)} of {_megabytes(entry.size)} are kept: run 'samsegment models "
            f"download {name}' again to go on, or 'samsegment models remove {name}' to delete them."
        ) from None
    print_line(f"{name} is ready: {path} ({_megabytes(entry.size)}, licence: {entry.licence}).")
    print_line(f"'samsegment models remove {name}' deletes it.")


def run_models_verify(name: str | None) -> None:
    """Check the weights of one model, or of all that are here, against what was published.

    :raises InputError: there is no such model.
    :raises ModelUnavailableError: weights are damaged, or those of the one model are not here.
    """
    if name is None:
        present = [(entry, path) for entry, path in model_states() if path is not None]
    else:
        entry = catalogue_entry(name)
        present = [(entry, locate_weights(entry))]
    damaged = [(entry, path) for entry, path in present if not _checked(entry, path)]
    if damaged:
        files = ", ".join(str(path) for _, path in damaged)
        cures = " and ".join(_cure(entry) for entry, _ in damaged)
        raise ModelUnavailableError(
            f"{files}: damaged, or not the published weights; {cures} to replace what is there."
        )


def run_models_remove(name: str) -> None:
    """Delete a model's weights and what was left of a download.

    :raises InputError: there is no such model, or it is part of the installation.
    :raises ModelUnavailableError: the files cannot be deleted, or are being downloaded.
    """
    freed = remove_weights(catalogue_entry(name))
    print_line(f"{freed} bytes of {name} were deleted." if freed else f"There were no weights of {name} here.")


def _checked(entry: CatalogueEntry, path: Path) -> bool:
    intact = is_published(entry, path)
    print_line(f"{entry.name:14}{'intact' if intact else 'damaged':9}{path}")
    return intact


def _cure(entry: CatalogueEntry) -> str:
    return f"run 'samsegment models download {entry.name}'" if entry.url else "reinstall samsegment"


def _described(entry: CatalogueEntry, path: Path | None) -> dict[str, object]:
    return {
        "name": entry.name,
        "description": entry.description,
        "prompts": list(entry.prompts),
        "bytes": entry.size,
        "sha256": entry.sha256,
        "md5": entry.md5,
        "licence": entry.licence,
        "url": entry.url,
        "weights": None if path is None else str(path),
        "fetched_bytes": fetched_bytes(entry),
        "folders": [str(folder) for folder in weights_folders()] if entry.url else [],
    }


def _state(entry: CatalogueEntry, path: Path | None) -> str:
    if path is not None:
        return "ready" if has_published_size(entry, path) else "damaged"
    part = fetched_bytes(entry)
    return f"{_megabytes(part)} fetched" if part else "not downloaded"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
