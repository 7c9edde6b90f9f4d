"""Refusals that a user answers with an option: which of several series, which of several frames."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class SeriesSummary:
    """One stack of DICOM images that can be opened as a volume.

    ``selector`` is what ``--series`` takes: the SeriesInstanceUID, with ``#1``, ``#2`` ... behind it when one series
    holds several stacks (two orientations, say).
    """

    selector: str
    modality: str
    description: str
    image_count: int
    shape: tuple[int, int]  # (rows, columns)


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
