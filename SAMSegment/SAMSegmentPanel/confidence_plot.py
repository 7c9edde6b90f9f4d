"""A picture of how good each slice of a segment is likely to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from SAMSegmentLib.slicescores import DOUBTFUL_BELOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from SAMSegmentLib.slicescores import SliceScore

_BACKGROUND, _LINE = "#f4f4f4", "#808080"
# Okabe and Ito's colours: told apart with the common colour blindnesses, and by brightness.
_KEY, _PROPAGATED, _DOUBTFUL, _MARKER = "#005a8c", "#56b4e9", "#e69f00", "#000000"


def legend() -> str:
    """What the colours mean, as rich text."""
    meanings = ((_KEY, _("key slice")), (_PROPAGATED, _("propagated")), (_DOUBTFUL, _("worth a look")))
    squares = "&nbsp;&nbsp; ".join(f'<span style="color: {color}">&#9632;</span> {text}' for color, text in meanings)
    return squares + "&nbsp;&nbsp; " + _("| in view")


@dataclass(frozen=True)
class Bar:
    """One slice: its height is 0..1."""

    index: int
    height: float
    color: str


def bars(scores: Sequence[SliceScore]) -> list[Bar]:
    """Key slices (prompted, accepted) reach the top: they are what the user made them."""
    return [_bar(score) for score in scores]


def draw(shown: Sequence[Bar], marker: int | None, size: tuple[int, int], count: int) -> qt.QPixmap:
    """Bars over the slice numbers.

    :param marker: the slice in view, None for none.
    :param size: (width, height) in pixels.
    :param count: number of slices in this orientation.
    """
    width, height = size
    picture = qt.QPixmap(width, height)
    picture.fill(qt.QColor(_BACKGROUND))
    painter = qt.QPainter(picture)
    for bar in shown:
        left, right = (round(edge * width / count) for edge in (bar.index, bar.index + 1))
        top = round((1 - bar.height) * (height - 2))
        painter.fillRect(left, top, max(1, right - left), height - top, qt.QColor(bar.color))
    if shown:
        painter.fillRect(0, round((1 - DOUBTFUL_BELOW) * (height - 2)), width, 1, qt.QColor(_LINE))
    if marker is not None:
        painter.fillRect(min(width - 2, round((marker + 0.5) * width / count)), 0, 2, height, qt.QColor(_MARKER))
    painter.end()
    return picture


def _bar(score: SliceScore) -> Bar:
    if score.confidence is None or score.is_accepted:
        return Bar(score.index, 1.0, _KEY)
    return Bar(score.index, score.confidence, _DOUBTFUL if score.confidence < DOUBTFUL_BELOW else _PROPAGATED)
