"""A synthetic slice seen anew each time it is used: turned, scaled, shifted, cropped, in other grey values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from .shapes import SIDE

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from .generator import SyntheticSlice


@dataclass(frozen=True)
class View:
    """One use of a slice, at the side that the network is trained at.

    :param pixels: float32 [row, column], 0..255; zero outside of ``shape``.
    :param labels: uint8 [level, row, column]; zero outside of ``shape``.
    :param shape: (rows, columns) that the slice takes up from the top left corner: most slices are not square.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.uint8]
    shape: tuple[int, int]


def random_view(rng: Generator, source: SyntheticSlice, side: int) -> View:
    """A random view of ``side`` x ``side`` pixels: all of the slice, or below 256 half of the time a part of it."""
    pixels, labels = _turned(rng, source.pixels, source.labels)
    is_whole = side == SIDE or rng.random() < 0.5
    scale = side / SIDE if is_whole else np.exp(rng.uniform(np.log(side / SIDE), 0.0))
    moved = rng.random() < 0.8
    if moved:
        scale *= np.exp(rng.uniform(np.log(0.75), np.log(1.6)))
    rows, columns = _source_positions(rng, side, scale, moved=moved)
    if scale < 0.8:  # antialias, as the resampling of a real slice does
        pixels = gaussian_filter(pixels, 0.35 / scale)
    border = "constant" if rng.random() < 0.7 else "reflect"
    grey = map_coordinates(pixels, (rows, columns), order=1, mode=border)
    seen = _nearest(labels, rows, columns, border)
    grey = _regraded(rng, grey)
    shape = _random_shape(rng, side)
    grey[shape[0] :], grey[:, shape[1] :] = 0, 0
    seen[:, shape[0] :], seen[:, :, shape[1] :] = 0, 0
    return View(grey, seen, shape)


def _turned(
    rng: Generator, pixels: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    if rng.random() < 0.5:
        pixels, labels = pixels[:, ::-1], labels[:, :, ::-1]
    turns = int(rng.integers(4))
    return np.rot90(pixels, turns).astype(np.float32), np.rot90(labels, turns, axes=(1, 2))


def _source_positions(
    rng: Generator, side: int, scale: float, *, moved: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Source (row, column) of every view pixel under a random similarity with a little unequal stretch."""
    angle, stretch, shift = 0.0, 1.0, np.zeros(2)
    if moved:
        angle = np.radians(rng.normal(0, 12) if rng.random() < 0.8 else rng.uniform(-45, 45))
        stretch = np.exp(rng.normal(0, 0.1))
        shift = rng.normal(0, 0.086 * side, 2)
    slack = max(0.0, SIDE * scale - side) / 2
    shift = shift + rng.uniform(-0.8, 0.8, 2) * slack
    middle = (side - 1) / 2
    down, across = np.mgrid[0:side, 0:side].astype(np.float32) - np.float32(middle)
    down, across = down - np.float32(shift[0]), across - np.float32(shift[1])
    cosine, sine = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
    rows = (cosine * down - sine * across) * np.float32(stretch) + (SIDE - 1) / 2
    columns = sine * down + cosine * across + (SIDE - 1) / 2
    return rows.astype(np.float32), columns.astype(np.float32)


def _nearest(
    labels: NDArray[np.uint8], rows: NDArray[np.float32], columns: NDArray[np.float32], border: str
) -> NDArray[np.uint8]:
    row_index, column_index = np.rint(rows).astype(np.intp), np.rint(columns).astype(np.intp)
    if border == "reflect":
        row_index, column_index = _reflected(row_index), _reflected(column_index)
        return labels[:, row_index, column_index]
    seen = labels[:, np.clip(row_index, 0, SIDE - 1), np.clip(column_index, 0, SIDE - 1)]
    outside = (row_index < 0) | (row_index >= SIDE) | (column_index < 0) | (column_index >= SIDE)
    seen[:, outside] = 0
    return seen


def _reflected(index: NDArray[np.intp]) -> NDArray[np.intp]:
    folded = np.mod(index, 2 * SIDE)
    return np.where(folded < SIDE, folded, 2 * SIDE - 1 - folded)


def _regraded(rng: Generator, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Other gamma, contrast, brightness, noise and sharpness, 0..255 in and out."""
    grey = pixels / np.float32(255)
    if rng.random() < 0.25:
        grey = np.clip(grey, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.06:
        grey = 1 - grey
    if rng.random() < 0.3:
        grey = (grey - np.float32(0.5)) * np.float32(rng.uniform(0.5, 1.3)) + np.float32(0.5 + rng.normal(0, 0.08))
    if rng.random() < 0.2:
        grey = grey + rng.standard_normal(grey.shape, np.float32) * np.float32(rng.uniform(0, 0.04))
    if rng.random() < 0.12:
        grey = gaussian_filter(grey, rng.uniform(0.4, 1.2))
    graded: NDArray[np.float32] = np.clip(grey, 0, 1).astype(np.float32) * np.float32(255)
    return graded


def _random_shape(rng: Generator, side: int) -> tuple[int, int]:
    if rng.random() >= 0.4:
        return side, side
    shorter = int(rng.integers(int(0.4 * side), side))
    return (shorter, side) if rng.random() < 0.5 else (side, shorter)
