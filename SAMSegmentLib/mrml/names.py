"""Segments are known to a session by name, and to a scene by id; in a scene several may have one name."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SegmentNames:
    """The name in the session of each segment that the scene has or has had."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, segment_id: str) -> bool:
        return segment_id in self._names

    def __getitem__(self, segment_id: str) -> str:
        return self._names[segment_id]

    def set(self, segment_id: str, scene_name: str) -> str:
        """Name a segment as the scene does, with a number behind the name if another one is called so already."""
        taken = {name for other, name in self._names.items() if other != segment_id}
        name = scene_name.strip() or segment_id
        numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
        self._names[segment_id] = next(item for item in numbered if item not in taken)
        return self._names[segment_id]

    def forget(self, segment_id: str) -> None:
        """The segment is gone."""
        del self._names[segment_id]
