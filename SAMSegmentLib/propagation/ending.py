"""Where a segment ends, on the way outward from its outermost key slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..quality import Evidence

# Below this presence the segment has ended. Where it is doubtful, going on costs less than stopping: a slice too many
# is seen and removed, one too few ends the run.
_SMALLEST_PRESENCE = 0.4
# What has become this much smaller than it was and then grows by this much again is another structure behind a waist.
_WAIST, _GROWTH = 0.5, 1.05


class Ending:
    """What has been seen of the segment on its way so far.

    :param area: of the key slice's mask, in pixels.
    """

    def __init__(self, area: int) -> None:
        self._largest = self._smallest_since = area

    def is_reached(self, evidence: Evidence, area: int) -> bool:
        """Whether the segment does not reach the next slice.

        :param evidence: of that slice.
        :param area: of its mask, in pixels.
        """
        if evidence.presence < _SMALLEST_PRESENCE or self._is_behind_waist(area):
            return True
        if area >= self._largest:
            self._largest = self._smallest_since = area
        self._smallest_since = min(self._smallest_since, area)
        return False

    def _is_behind_waist(self, area: int) -> bool:
        return self._smallest_since < _WAIST * self._largest and area > _GROWTH * self._smallest_since
