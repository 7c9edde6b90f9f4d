"""Pictures of slices with masks and prompts drawn on them, as a radiologist would expect to see them.

Slices have square pixels, masks are outlined and lightly filled in their segment's colour, positive clicks are green
plus signs, negative ones red minus signs, boxes are yellow.
"""

from __future__ import annotations

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

_POSITIVE: Color = (80, 255, 80)
_NEGATIVE: Color = (255, 70, 70)
_BOX: Color = (255, 230, 60)
_TEXT: Color = (235, 235, 235)
_BACKGROUND: Color = (24, 24, 24)
_FILL_OPACITY = 0.28
_GAP = 8
_CAPTION_HEIGHT = 24

# Letters at the left and at the top edge of a picture, as every viewer shows them.
_EDGES = {Orientation.AXIAL: ("R", "A"), Orientation.SAGITTAL: ("A", "S"), Orientation.CORONAL: ("R", "S")}


@dataclass(frozen=True)
class SliceView:
    """One picture of a montage: a slice, and the prompts to draw on it."""

    orientation: Orientation
    index: int
    prompts: tuple[PromptSet, ...] = field(default=())


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
    """Slices side by side with their masks and prompts, under one title line.

    :param segments: masks [k, j, i] on the volume's grid.
    :param tile_side: longest side in pixels of the picture of one slice.
    :param columns: most pictures beside each other.
    """
    tiles = [_tile(volume, window, segments, view, tile_side) for view in views]
    across = min(columns, len(tiles))
    down = -(-len(tiles) // across)
    width, height = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    top = _CAPTION_HEIGHT + _GAP if title else 0
    size = (across * (width + _GAP) + _GAP, top + down * (height + _GAP) + _GAP)
    picture = Image.new("RGB", size, _BACKGROUND)
    if title:
        _write_line(ImageDraw.Draw(picture), (_GAP, _GAP), title, size[0] - 2 * _GAP)
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
    for prompts in view.prompts:
        _draw_prompts(draw, prompts, plane, grid)
    _draw_edge_letters(draw, view.orientation, picture.size)

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


def _draw_prompts(draw: ImageDraw.ImageDraw, prompts: PromptSet, plane: SlicePlane, grid: SliceGrid) -> None:
    in_pixels = to_slice_prompts(prompts, plane)
    if in_pixels.box is not None:
        column0, row0, column1, row1 = grid.box_to_model(in_pixels.box)
        draw.rectangle((column0, row0, column1, row1), outline=_BOX, width=2)
    for (column, row), positive in zip(grid.to_model(in_pixels.points), in_pixels.positive, strict=True):
        _draw_sign(draw, column, row, positive=bool(positive))


def _draw_sign(draw: ImageDraw.ImageDraw, column: float, row: float, *, positive: bool) -> None:
    color = _POSITIVE if positive else _NEGATIVE
    radius = 6
    strokes = [(column - radius, row, column + radius, row)]
    if positive:
        strokes.append((column, row - radius, column, row + radius))
    # A black rim first: the sign must show on white bone as well as on dark air.
    for stroke in strokes:
        draw.line(stroke, fill=(0, 0, 0), width=5)
    for stroke in strokes:
        draw.line(stroke, fill=color, width=2)


def _draw_edge_letters(draw: ImageDraw.ImageDraw, orientation: Orientation, size: tuple[int, int]) -> None:
    left, top = _EDGES[orientation]
    font = ImageFont.load_default(13)
    width, height = size
    for position, letter in (((4, height / 2 - 8), left), ((width / 2 - 4, 2), top)):
        draw.text(position, letter, fill=_TEXT, font=font, stroke_width=1, stroke_fill=(0, 0, 0))


def _write_line(draw: ImageDraw.ImageDraw, position: tuple[int, int], text: str, width: int) -> None:
    font = ImageFont.load_default(14)
    while draw.textlength(text, font=font) > width and len(text) > 4:
        text = text[:-4] + "..."
    draw.text(position, text, fill=_TEXT, font=font)
