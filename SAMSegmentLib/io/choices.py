"""Refusals that a user answers with an option: which of several series, which of several frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..geometry import Orientation


@dataclass(frozen=True)
class SeriesSummary:
    """One stack of DICOM images that can be opened as a volume.

    ``selector`` is what ``--series`` takes: the SeriesInstanceUID, with ``#1``, ``#2`` ... behind it when one series
    holds several stacks (two orientations, say).

    :param shape: (rows, columns).
    :param number: the SeriesNumber, None when there is none.
    :param orientation: the plane that the images lie nearest to; None when that was not asked for.
    :param spacing: distance in mm between rows, between columns, and between images where the headers say that.
    :param taken_at: "2024-03-01 10:22", or the date alone; "" when the headers do not say.
    """

    selector: str
    modality: str
    description: str
    image_count: int
    shape: tuple[int, int]
    number: int | None = None
    orientation: Orientation | None = None
    spacing: tuple[float, ...] = ()
    taken_at: str = ""


class SeriesChoiceNeededError(InputError):
    """A folder holds several series; ``series`` lists them."""

    def __init__(self, message: str, series: tuple[SeriesSummary, ...]) -> None:
        super().__init__(message)
        self.series = series


class FrameChoiceNeededError(InputError):
    """An image holds several 3D frames (time points, b-values ...); ``frame_count`` says how many."""

    def __init__(self, message: str, frame_count: int) -> None:
        super().__init__(message)
        self.frame_count = frame_count
