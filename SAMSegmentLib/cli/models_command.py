"""``samsegment models``: which models there are, and which are ready."""

from __future__ import annotations

from ..models.load import model_states
from .report import print_json, print_line, table


def run_models_list(*, as_json: bool) -> None:
    """List the catalogue with where each model's weights lie."""
    states = model_states()
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "description": entry.description,
                    "prompts": list(entry.prompts),
                    "bytes": entry.size,
                    "sha256": entry.sha256,
                    "licence": entry.licence,
                    "url": entry.url,
                    "weights": None if path is None else str(path),
                }
                for entry, path in states
            ]
        )
        return
    rows = [["model", "state", "size", "licence", "good for"]]
    for entry, path in states:
        size = f"{entry.size / 1e6:.0f} MB" if entry.size else "unknown"
        rows.append([entry.name, "ready" if path else "no weights", size, entry.licence, entry.description])
    for line in table(rows):
        print_line(line)
