"""What the user makes: named, coloured segments, each a mask on the volume's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

Color = tuple[int, int, int]

# Distinguishable also with the common colour blindnesses (Okabe and Ito's set, the two darkest left out on grey).
_PALETTE: tuple[Color, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
)


def segment_color(index: int) -> Color:
    """The RGB colour (0-255) of the segment number ``index`` (0-based) when the user chose none."""
    return _PALETTE[index % len(_PALETTE)]


def one_line(name: str) -> str:
    """A name without line breaks and other control characters, which file formats do not allow in a name."""
    return " ".join("".join(character if character.isprintable() else " " for character in name).split())


@dataclass(frozen=True, eq=False)
class Segment:
    """A finished segment.

    :param name: unique within a segmentation.
    :param color: RGB, 0-255.
    :param mask: bool [k, j, i] on the grid of the volume it was made on.
    """

    name: str
    color: Color
    mask: NDArray
