"""Slices that propagation is not to reach, as the user marks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from SAMSegmentLib.geometry import Orientation


class Stops:
    """Each segment and orientation has its own."""

    def __init__(self) -> None:
        self._stops: dict[tuple[str, Orientation], set[int]] = {}

    def clear(self) -> None:
        """Another volume was opened."""
        self._stops.clear()

    def set(self, segment_id: str, orientation: Orientation, index: int, *, is_stop: bool) -> None:
        """Have a segment end before a slice, or not."""
        stops = self._stops.setdefault((segment_id, orientation), set())
        (stops.add if is_stop else stops.discard)(index)

    def of(self, segment_id: str, orientation: Orientation, keys: Container[int]) -> tuple[int, ...]:
        """The stops, ascending.

        :param keys: the key slices: what has become one since it was marked is no stop any more.
        """
        stops = self._stops.get((segment_id, orientation), set())
        return tuple(sorted(index for index in stops if index not in keys))
