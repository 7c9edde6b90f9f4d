"""``samsegment models``: which models there are, and which are ready."""

from __future__ import annotations

import textwrap

from ..models.load import model_states
from .report import print_json, print_line

_WIDTH = 100


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
    for entry, path in states:
        size = f"{entry.size / 1e6:.0f} MB" if entry.size else "size unknown"
        state = "ready" if path else "no weights"
        print_line(f"{entry.name:14}{state:12}{size:14}{entry.licence}")
        for line in textwrap.wrap(entry.description, width=_WIDTH, initial_indent="    ", subsequent_indent="    "):
            print_line(line)
