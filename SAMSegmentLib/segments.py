"""What the user makes: named, coloured segments, each a mask on the volume's own grid."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import InputError

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


def checked_name(name: str) -> str:
    """A name as a user wrote it, without spaces around it.

    :raises InputError: it is empty, or holds what no file can.
    """
    name = name.strip()
    if not name or any(unicodedata.category(letter) == "Cs" for letter in name):
        raise InputError("A segment needs a name, of letters that can be written.")
    return name


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
