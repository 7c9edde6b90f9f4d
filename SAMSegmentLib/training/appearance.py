"""From anatomy to grey values: contrast, texture, bias field, partial volume, acquisition and display window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from .anatomy import DETAIL
from .shapes import SIDE, fractal_field, smooth_field, tube

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from .anatomy import Anatomy


@dataclass(frozen=True)
class Modality:
    """The grey values of one slice, before windowing about 0..1.

    :param tissues: what regions choose their grey values from, and
    :param odds: how often each is chosen.
    :param spread: standard deviation of a region around its tissue.
    :param faint: largest difference of a faint region from what it lies in.
    :param texture: mean amplitude of the texture within a region.
    :param noise: standard deviation of the noise in an acquired pixel.
    :param is_ct: values have a fixed scale: no bias field, and a window may cut them.
    """

    tissues: NDArray[np.float64]
    odds: NDArray[np.float64]
    spread: float
    faint: float
    texture: float
    noise: float
    is_ct: bool


def choose_modality(rng: Generator) -> Modality:
    """CT-like in two of five slices (soft tissues close together, air, fat, bone), else MR-like (any grey value)."""
    if rng.random() < 0.4:
        # 0..1 stands for about -1000..1500 HU: 20 HU of noise are 0.008, soft tissues lie within 0.05 of each other.
        soft = rng.normal(0.43, rng.uniform(0.008, 0.03), int(rng.integers(3, 9)))
        others = [rng.uniform(0.34, 0.39), rng.uniform(0.0, 0.25), rng.uniform(0.5, 1.1)]
        return Modality(
            tissues=np.concatenate([soft, others]),
            odds=np.concatenate([np.full(len(soft), 0.66 / len(soft)), [0.14, 0.08, 0.12]]),
            spread=rng.uniform(0, 0.006),
            faint=rng.uniform(0.006, 0.03),
            texture=rng.uniform(0.0005, 0.006),
            noise=rng.uniform(0.001, 0.013),
            is_ct=True,
        )
    tissues = rng.uniform(0.05, 1.0, int(rng.integers(3, 12)))
    noise = rng.uniform(0, 0.06) if rng.random() < 0.85 else rng.uniform(0.05, 0.14)
    return Modality(
        tissues=tissues,
        odds=np.full(len(tissues), 1 / len(tissues)),
        spread=rng.uniform(0, 0.05),
        faint=rng.uniform(0.03, 0.15),
        texture=rng.uniform(0.003, 0.05),
        noise=noise,
        is_ct=False,
    )


def paint(rng: Generator, anatomy: Anatomy, modality: Modality) -> NDArray[np.float32]:
    """The slice as a perfect scanner would see it: float32 [row, column], about 0..1."""
    detail = anatomy.labels[DETAIL]
    greys = _region_greys(rng, anatomy, modality)
    amplitudes = np.minimum(rng.gamma(1.0, modality.texture, len(greys)), 4 * modality.texture).astype(np.float32)
    amplitudes[0] *= 0.2
    textures = np.stack(
        [
            _normalised(gaussian_filter(rng.standard_normal((SIDE, SIDE)).astype(np.float32), rng.uniform(0.7, 2.0))),
            smooth_field(rng, rng.uniform(8, 50)),
            fractal_field(rng, 4, 4),
            smooth_field(rng, rng.uniform(2, 8)),
        ]
    )
    chosen = rng.integers(0, len(textures), len(greys))
    texture = np.take_along_axis(textures, chosen[detail][None], 0)[0]
    image: NDArray[np.float32] = greys[detail] + amplitudes[detail] * texture
    if rng.random() < 0.25:
        _add_distractors(rng, image, detail > 0, modality)
    if not modality.is_ct and rng.random() < 0.7:
        image *= np.exp(rng.uniform(0.03, 0.28) * smooth_field(rng, rng.uniform(1.5, 4)))
    return image


def acquire(
    rng: Generator, image: NDArray[np.float32], labels: NDArray[np.uint8], modality: Modality
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The slice in the pixels of a scanner, enlarged again as a viewer does it, and the labels drawn on its pixels.

    Real slices are often thick and coarse: most borders are a pixel or two of mixed grey values.
    """
    if rng.random() < 0.35:
        image = _thick_slice(rng, image)
    if rng.random() < 0.6:
        image = gaussian_filter(image, rng.uniform(0.3, 1.8) * rng.uniform(0.6, 1.4, 2))
    rows, columns = _acquired_shape(rng)
    acquired = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BOX))
    acquired = _noisy(rng, acquired, modality)
    if rng.random() < 0.3:  # reconstruction kernels and interpolating scanners correlate the noise
        acquired = gaussian_filter(acquired, rng.uniform(0.4, 0.8))
    method = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST)
    enlarged = Image.fromarray(acquired).resize((SIDE, SIDE), method[int(rng.choice(3, p=[0.75, 0.17, 0.08]))])
    return np.asarray(enlarged), _labels_in_pixels(labels, rows, columns)


def display(rng: Generator, image: NDArray[np.float32], modality: Modality) -> NDArray[np.uint8]:
    """8 bits through the window of a reader: percentiles, or for CT half of the time a soft tissue window."""
    if modality.is_ct and rng.random() < 0.5:
        level, half_width = rng.normal(0.43, 0.02), rng.uniform(0.04, 0.2)
        low, high = level - half_width, level + half_width
    else:
        # Every third pixel is enough for a percentile.
        low, high = np.percentile(image[::3, ::3], [rng.uniform(0.1, 1.0), rng.uniform(98.0, 99.9)])
    shown = np.clip((image - low) / (high - low + 1e-6), 0, 1)
    if not modality.is_ct and rng.random() < 0.4:
        shown = shown ** np.float32(np.exp(rng.normal(0, 0.35)))
    pixels: NDArray[np.uint8] = np.rint(shown * 255).astype(np.uint8)
    return pixels


def _region_greys(rng: Generator, anatomy: Anatomy, modality: Modality) -> NDArray[np.float32]:
    count = len(anatomy.regions)
    free = rng.choice(modality.tissues, count, p=modality.odds) + rng.normal(0, modality.spread, count)
    greys = np.zeros(count, np.float32)
    greys[0] = rng.uniform(0, 0.05) if rng.random() < 0.9 else rng.uniform(0, 1)
    for label, region in enumerate(anatomy.regions[1:], start=1):
        around = greys[region.parent]
        if region.contrast == "free":
            greys[label] = free[label]
        elif region.contrast == "faint":
            greys[label] = around + rng.choice([-1, 1]) * modality.faint * rng.uniform(0.15, 1.0)
        else:
            greys[label] = around
    limited: NDArray[np.float32] = np.clip(greys, 0, 1.4)
    return limited


def _add_distractors(rng: Generator, image: NDArray[np.float32], tissue: NDArray[np.bool_], modality: Modality) -> None:
    """Streaks and faint bands that belong to no structure."""
    for _ in range(rng.integers(1, 5)):
        band = tube(rng, tuple(rng.uniform(0, SIDE, 2)), rng.uniform(20, 150), rng.uniform(1, 5))
        image[band & tissue] += np.float32(rng.normal(0, 0.7 * modality.faint))


def _thick_slice(rng: Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A thick slice shows the mean of its neighbours, in which every border lies a little elsewhere."""
    reach = rng.uniform(1, 6)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    down, across = (np.rint(reach * smooth_field(rng, 5)).astype(np.intp) for _ in range(2))
    total: NDArray[np.float32] = image.copy()
    for sign in (-1, 1):
        shifted_rows = np.clip(rows + sign * down, 0, SIDE - 1)
        total += image[shifted_rows, np.clip(columns + sign * across, 0, SIDE - 1)]
    total /= 3
    return total


def _acquired_shape(rng: Generator) -> tuple[int, int]:
    """(rows, columns) of the scanner's own pixels for the slice: from 36 (a crop around an organ) to 256."""
    draw = rng.random()
    pixels = rng.uniform(36, 72) if draw < 0.2 else rng.uniform(64, 140) if draw < 0.6 else rng.uniform(128, SIDE)
    squeeze = rng.uniform(0.4, 1.0) if rng.random() < 0.2 else 1.0
    shape = (round(pixels), max(32, round(pixels * squeeze)))
    return shape if rng.random() < 0.5 else shape[::-1]


def _noisy(rng: Generator, image: NDArray[np.float32], modality: Modality) -> NDArray[np.float32]:
    noise = rng.standard_normal((2, *image.shape)).astype(np.float32) * np.float32(modality.noise)
    if not modality.is_ct and rng.random() < 0.4:  # Rician: the magnitude of a noisy complex signal
        rician: NDArray[np.float32] = np.hypot(image + noise[0], noise[1])
        return rician
    noisy: NDArray[np.float32] = image + noise[0]
    return noisy


def _labels_in_pixels(labels: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Labels taken at the centres of the acquired pixels and spread over them."""
    at = np.arange(SIDE)
    row_centres, column_centres = (
        np.clip(((at * count // SIDE) + 0.5) * SIDE / count, 0, SIDE - 1).astype(np.intp) for count in (rows, columns)
    )
    return labels[:, row_centres[:, None], column_centres[None, :]]


def _normalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    normalised: NDArray[np.float32] = values / (values.std() + 1e-6)
    return normalised
