"""Random shapes and fields on a square slice, the vocabulary that synthetic anatomy is written in.

A shape is a *level map*: float32 [row, column], below 1 inside, so that a smaller threshold gives a smaller copy of the
shape around the same centre (a lumen, a core, a cortical rim). Positions are (column, row) in pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

SIDE = 256  # pixels of a synthetic slice

_ROWS, _COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
_OUTSIDE = np.float32(9.0)  # the level of pixels that are too far away to be worth computing


def smooth_field(rng: Generator, cells: float) -> NDArray[np.float32]:
    """A random smooth field [row, column] of mean 0 and standard deviation 1.

    :param cells: how many independent values lie along a side; large is fine-grained. Rows and columns differ a little.
    """
    down, across = (max(2, round(cells * rng.uniform(0.7, 1.4))) for _ in range(2))
    grid = rng.standard_normal((down + 3, across + 3)).astype(np.float32)
    # One cell of margin on each side: bicubic interpolation flattens at the border of an image.
    box = (1.0, 1.0, across + 2.0, down + 2.0)
    field = np.asarray(Image.fromarray(grid).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))
    normalised: NDArray[np.float32] = (field - field.mean()) / (field.std() + 1e-6)
    return normalised


def fractal_field(rng: Generator, cells: float, octaves: int) -> NDArray[np.float32]:
    """Smooth fields of doubling fineness and falling weight added up, standard deviation 1."""
    total = sum((0.55**octave * smooth_field(rng, cells * 2**octave) for octave in range(octaves)), np.float32(0))
    field: NDArray[np.float32] = total / (np.std(total) + 1e-6)
    return field


def star(
    rng: Generator,
    centre: tuple[float, float],
    radii: tuple[float, float],
    roughness: float,
    angle: float | None = None,
) -> NDArray[np.float32]:
    """An ellipse whose radius waves with the direction: the outline of most organs in a slice.

    :param radii: half axes in pixels, before turning by ``angle`` (radians; any, when None).
    :param roughness: 0 for an ellipse, 0.3 for a ragged outline.
    """
    angle = rng.uniform(0, np.pi) if angle is None else angle
    level, window, across, down = _around(centre, 2.0 * max(radii))
    u = (np.cos(angle) * across + np.sin(angle) * down) / radii[0]
    v = (np.cos(angle) * down - np.sin(angle) * across) / radii[1]
    direction = np.arctan2(v, u)
    outline = np.ones_like(direction)
    for frequency in range(2, rng.integers(3, 8)):
        amplitude = roughness * rng.standard_normal() / frequency**0.8
        outline += np.float32(amplitude) * np.cos(frequency * direction + np.float32(rng.uniform(0, 2 * np.pi)))
    level[window] = np.sqrt(u * u + v * v) / np.maximum(outline, 0.15)
    return level


def cloud(rng: Generator, centre: tuple[float, float], radii: tuple[float, float]) -> NDArray[np.float32]:
    """An ellipse with a border shifted by a smooth field: lobed, sometimes in several pieces."""
    level, window, across, down = _around(centre, 2.5 * max(radii))
    distance = np.sqrt((across / radii[0]) ** 2 + (down / radii[1]) ** 2)
    cells = float(np.clip(SIDE / min(radii) * rng.uniform(0.5, 1.5), 2, 24))
    level[window] = distance + rng.uniform(0.15, 0.6) * smooth_field(rng, cells)[window]
    return level


class _Branch(NamedTuple):
    start: tuple[float, float]
    length: float
    width: float
    depth: int  # how many branchings lie before it


def tube(rng: Generator, start: tuple[float, float], length: float, width: float) -> NDArray[np.bool_]:
    """A winding, sometimes branching band: a vessel, a nerve, a bowel loop cut along. Mask [row, column]."""
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)
    open_ends = [_Branch(start, length, width, depth=0)]
    while open_ends:
        open_ends += _draw_branch(rng, draw, open_ends.pop())
    band: NDArray[np.bool_] = np.asarray(image) > 0
    return band


def _draw_branch(rng: Generator, draw: ImageDraw.ImageDraw, branch: _Branch) -> list[_Branch]:
    """Draw one branch; the branches that leave it."""
    step, half = max(2.0, branch.width / 2), branch.width / 2
    heading, turn, place = rng.uniform(0, 2 * np.pi), 0.0, branch.start
    leaving = []
    for _ in range(int(branch.length / step)):
        turn = 0.8 * turn + rng.normal(0, 0.12)
        heading += turn
        column, row = place[0] + step * np.cos(heading), place[1] + step * np.sin(heading)
        draw.line([place, (column, row)], fill=1, width=max(1, round(branch.width)))
        # A disc at each joint closes the notch that two thick lines leave between them.
        draw.ellipse([column - half, row - half, column + half, row + half], fill=1)
        place = (column, row)
        if branch.depth < 2 and rng.random() < 0.04:
            leaving.append(_Branch(place, branch.length * 0.5, branch.width * 0.7, branch.depth + 1))
    return leaving


def cells(rng: Generator, count: int) -> NDArray[np.uint8]:
    """A warped Voronoi partition [row, column] into ``count`` cells of unequal size, numbered from 0."""
    seeds = rng.uniform(0, SIDE, (count, 2)).astype(np.float32)
    sizes = rng.uniform(0, 25, count).astype(np.float32) ** 2
    strength, fineness = rng.uniform(4, 25), rng.uniform(3, 10)
    # At half resolution: the partition is redrawn by the deformation and the acquisition that follow.
    columns = (_COLUMNS + strength * smooth_field(rng, fineness))[::2, ::2]
    rows = (_ROWS + strength * smooth_field(rng, fineness))[::2, ::2]
    nearest = np.full(columns.shape, np.inf, np.float32)
    owner = np.zeros(columns.shape, np.uint8)
    for cell in range(count):
        distance = (columns - seeds[cell, 0]) ** 2 + (rows - seeds[cell, 1]) ** 2 - sizes[cell]
        closer = distance < nearest
        nearest[closer] = distance[closer]
        owner[closer] = cell
    return owner.repeat(2, axis=0).repeat(2, axis=1)


def side_of_line(rng: Generator, centre: tuple[float, float], bend: float) -> NDArray[np.bool_]:
    """One side of a line through (nearly) a place, bent by ``bend`` pixels: where one part of an organ ends."""
    angle = rng.uniform(0, 2 * np.pi)
    offset = (_COLUMNS - centre[0]) * np.float32(np.cos(angle)) + (_ROWS - centre[1]) * np.float32(np.sin(angle))
    beyond: NDArray[np.bool_] = offset > bend * smooth_field(rng, 4)
    return beyond


def deform(rng: Generator, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label maps [..., row, column] bent together by a smooth displacement of up to some ten pixels."""
    strength, fineness = rng.uniform(1, 9), rng.uniform(3, 9)
    columns = _COLUMNS + strength * smooth_field(rng, fineness)
    rows = _ROWS + strength * smooth_field(rng, fineness)
    if rng.random() < 0.4:
        wrinkle = rng.uniform(0.3, 1.5)
        columns += wrinkle * smooth_field(rng, 24)
        rows += wrinkle * smooth_field(rng, 24)
    column_index = np.clip(np.rint(columns), 0, SIDE - 1).astype(np.intp)
    row_index = np.clip(np.rint(rows), 0, SIDE - 1).astype(np.intp)
    return labels[..., row_index, column_index]


def _around(
    centre: tuple[float, float], reach: float
) -> tuple[NDArray[np.float32], tuple[slice, slice], NDArray[np.float32], NDArray[np.float32]]:
    """An empty level map, the window within ``reach`` of a place, and the window's offsets from the place."""
    column, row = centre
    first_row, last_row = (int(np.clip(edge, 0, SIDE)) for edge in (row - reach, row + reach + 1))
    first_column, last_column = (int(np.clip(edge, 0, SIDE)) for edge in (column - reach, column + reach + 1))
    window = (slice(first_row, last_row), slice(first_column, last_column))
    level = np.full((SIDE, SIDE), _OUTSIDE, np.float32)
    return level, window, _COLUMNS[window] - np.float32(column), _ROWS[window] - np.float32(row)
