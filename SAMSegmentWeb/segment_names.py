"""Names of segments: no two alike, since files and people tell segments apart by them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def free_name(name: str, taken: Collection[str]) -> str:
    """The name itself, or with the lowest number behind it that no other segment has."""
    numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
    return next(item for item in numbered if item not in taken)


def next_name(taken: Collection[str]) -> str:
    """A name for a segment that the user has not named yet."""
    numbered = (f"Segment_{number}" for number in count(len(taken) + 1))
    return next(item for item in numbered if item not in taken)
