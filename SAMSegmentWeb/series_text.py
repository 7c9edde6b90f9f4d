"""A DICOM series in words: what tells it from the others of its examination."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from SAMSegmentLib.io.choices import SeriesSummary


def series_title(series: SeriesSummary) -> str:
    """Number and description; a series that holds several stacks has one of them named."""
    number = "" if series.number is None else f"{series.number}: "
    _, _, stack = series.selector.partition("#")
    return f"{number}{series.description or '(no description)'}{f' (stack {stack})' if stack else ''}"


def series_details(series: SeriesSummary) -> str:
    """Modality, plane, images and their size, distances, date and time; what is not known is left out."""
    rows, columns = series.shape
    plural = "s" if series.image_count != 1 else ""
    size = f"{series.image_count} image{plural} of {columns} x {rows}"
    plane = series.orientation.value if series.orientation else ""
    return ", ".join(part for part in (series.modality, plane, size, _spacing(series), series.taken_at) if part)


def _spacing(series: SeriesSummary) -> str:
    if len(series.spacing) < 2:
        return ""
    between_rows, between_columns, *between_images = series.spacing
    lengths = (between_columns, between_rows, *between_images)
    return f"{' x '.join(f'{length:.3g}' for length in lengths)} mm"
