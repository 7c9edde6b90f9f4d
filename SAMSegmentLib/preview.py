"""Pictures of slices with masks and prompts drawn on them, as a radiologist would expect to see them.

Slices have square pixels; masks are outlined and lightly filled in their segment's colour, and boxes have it, too;
positive clicks are plus signs on green, negative ones minus signs on red.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .geometry import Orientation, slice_plane
from .intensity import to_8bit
from .prompts import PromptSet, to_slice_prompts
from .slicegrid import SliceGrid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .geometry import SlicePlane
    from .segments import Color, Segment
    from .volume import Volume, Window

_POSITIVE: Color = (0, 140, 40)
_NEGATIVE: Color = (210, 30, 30)
_TEXT: Color = (235, 235, 235)
_BACKGROUND: Color = (24, 24, 24)
_FILL_OPACITY = 0.28
_GAP = 8
_SIGN_RADIUS = 7
_CAPTION_HEIGHT = 24

# Letters at the left and at the top edge of a picture, as every viewer shows them.
_EDGES = {Orientation.AXIAL: ("R", "A"), Orientation.SAGITTAL: ("A", "S"), Orientation.CORONAL: ("R", "S")}


@dataclass(frozen=True)
class SliceView:
    """One picture of a montage: a slice, and the prompts to draw on it, each with its segment's colour."""

    orientation: Orientation
    index: int
    prompts: tuple[tuple[PromptSet, Color], ...] = field(default=())


def montage(
    volume: Volume,
    window: Window,
    segments: Sequence[Segment],
    views: Sequence[SliceView],
    *,
    title: str = "",
    tile_side: int = 320,
    columns: int = 4,
) -> Image.Image:
    """Slices side by side with their masks and prompts, under one line with the title and the segments' names.

    :param segments: masks [k, j, i] on the volume's grid.
    :param tile_side: longest side in pixels of the picture of one slice.
    :param columns: most pictures beside each other.
    """
    tiles = [_tile(volume, window, segments, view, tile_side) for view in views]
    across = min(columns, max(1, len(tiles)))
    down = -(-len(tiles) // across)
    # Without a slice to show, what is left is the heading.
    width = max((tile.width for tile in tiles), default=2 * tile_side)
    height = max((tile.height for tile in tiles), default=0)
    top = _CAPTION_HEIGHT + _GAP if title else 0
    size = (across * (width + _GAP) + _GAP, top + down * (height + _GAP) + _GAP)
    picture = Image.new("RGB", size, _BACKGROUND)
    if title:
        _write_heading(ImageDraw.Draw(picture), title, segments, size[0] - 2 * _GAP)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, across)
        picture.paste(tile, (_GAP + column * (width + _GAP), top + _GAP + row * (height + _GAP)))
    return picture


def evenly_spread(indices: Sequence[int], count: int) -> list[int]:
    """At most ``count`` of the indices, evenly spread, first and last included."""
    ordered = sorted(indices)
    if len(ordered) <= count:
        return ordered
    return [ordered[int(position)] for position in np.linspace(0, len(ordered) - 1, count).round()]


def _tile(volume: Volume, window: Window, segments: Sequence[Segment], view: SliceView, side: int) -> Image.Image:
    plane = slice_plane(volume, view.orientation, view.index)
    grid = SliceGrid.fit(plane.shape, plane.spacing, side)
    grey = grid.resample(to_8bit(plane.extract(volume.array), window, inverted=volume.inverted))
    pixels = np.repeat(grey[:, :, None], 3, axis=2).astype(np.float32)
    for segment in segments:
        _blend(pixels, _enlarged(plane.extract(segment.mask), grid), segment.color)
    picture = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    _draw_edge_letters(draw, view.orientation, picture.size)
    for prompts, color in view.prompts:
        _draw_prompts(draw, prompts, color, plane, grid)

    framed = Image.new("RGB", (side, picture.height + _CAPTION_HEIGHT), _BACKGROUND)
    framed.paste(picture, ((side - picture.width) // 2, 0))
    caption = f"{view.orientation.value} {view.index}"
    _write_line(ImageDraw.Draw(framed), (4, picture.height + 3), caption, side - 8)
    return framed


def _enlarged(mask: NDArray[np.bool_], grid: SliceGrid) -> NDArray[np.bool_]:
    rows, columns = grid.model_shape
    image = Image.fromarray(np.ascontiguousarray(mask).astype(np.uint8))
    return np.asarray(image.resize((columns, rows), Image.Resampling.NEAREST)).astype(bool)


def _blend(pixels: NDArray[np.float32], mask: NDArray[np.bool_], color: Color) -> None:
    if not mask.any():
        return
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    pixels[mask] = (1 - _FILL_OPACITY) * pixels[mask] + _FILL_OPACITY * np.array(color, dtype=np.float32)
    pixels[mask & ~inside] = color


def _draw_prompts(
    draw: ImageDraw.ImageDraw, prompts: PromptSet, color: Color, plane: SlicePlane, grid: SliceGrid
) -> None:
    in_pixels = to_slice_prompts(prompts, plane)
    if in_pixels.box is not None:
        column0, row0, column1, row1 = grid.box_to_model(in_pixels.box)
        # A black rim: the box must show on white bone as well as on dark air.
        draw.rectangle((column0 - 1, row0 - 1, column1 + 1, row1 + 1), outline=(0, 0, 0), width=4)
        draw.rectangle((column0, row0, column1, row1), outline=color, width=2)
    for (column, row), positive in zip(grid.to_model(in_pixels.points), in_pixels.positive, strict=True):
        _draw_sign(draw, column, row, positive=bool(positive))


def _draw_sign(draw: ImageDraw.ImageDraw, column: float, row: float, *, positive: bool) -> None:
    disc = (column - _SIGN_RADIUS, row - _SIGN_RADIUS, column + _SIGN_RADIUS, row + _SIGN_RADIUS)
    draw.ellipse(disc, fill=_POSITIVE if positive else _NEGATIVE, outline=(255, 255, 255))
    arm = _SIGN_RADIUS - 3
    draw.line((column - arm, row, column + arm, row), fill=(255, 255, 255), width=2)
    if positive:
        draw.line((column, row - arm, column, row + arm), fill=(255, 255, 255), width=2)


def _draw_edge_letters(draw: ImageDraw.ImageDraw, orientation: Orientation, size: tuple[int, int]) -> None:
    left, top = _EDGES[orientation]
    font = ImageFont.load_default(13)
    width, height = size
    for position, letter in (((4, height / 2 - 8), left), ((width / 2 - 4, 2), top)):
        draw.text(position, letter, fill=_TEXT, font=font, stroke_width=1, stroke_fill=(0, 0, 0))


def _write_heading(draw: ImageDraw.ImageDraw, title: str, segments: Sequence[Segment], width: int) -> None:
    """The title, and behind it each segment's name in its colour, as far as they fit."""
    at = _GAP + _write_line(draw, (_GAP, _GAP), title, width) + 2 * _GAP
    for segment in segments:
        room = width - at
        if room < _CAPTION_HEIGHT * 2:
            return
        at += _write_line(draw, (at, _GAP), segment.name, room, segment.color) + 2 * _GAP


def _write_line(
    draw: ImageDraw.ImageDraw, position: tuple[int, int], text: str, width: int, color: Color = _TEXT
) -> int:
    """Write as much of a line as fits, and return its length in pixels."""
    font = ImageFont.load_default(14)
    shown = _drawable(text)
    while draw.textlength(shown, font=font) > width and len(shown) > 4:
        shown = shown[:-4] + "..."
    draw.text(position, shown, fill=color, font=font)
    return int(draw.textlength(shown, font=font))


def _drawable(text: str) -> str:
    """The text in the letters that Pillow's own font has: accents are left out, the rest becomes question marks."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return plain.encode("ascii", "replace").decode("ascii")
