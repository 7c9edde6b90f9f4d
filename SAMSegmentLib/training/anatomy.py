"""Synthetic anatomy: nested label maps that look like a slice through a body, or through a region of it.

Three label maps describe one slice at three levels of detail, each a partition of it. ``WHOLE`` holds organs with all
that is in them, ``PART`` separates wall from lumen, cord from its grey matter, lobe from lobe, and ``DETAIL`` separates
lesions and small vessels too. A region belongs to the same structure on each level, so that a click in a lumen may
mean the lumen or the whole vessel, as it does on a real slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .shapes import SIDE, cells, cloud, deform, fractal_field, side_of_line, smooth_field, star, tube

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

WHOLE, PART, DETAIL = 0, 1, 2
LEVELS = 3

_MOST_REGIONS = 240  # labels are stored in 8 bits
_MIDDLE = SIDE / 2


@dataclass(frozen=True)
class Region:
    """How a region looks, relative to what it lies in.

    :param parent: label of the region around or under it, 0 for the outside.
    :param contrast: "free" for a grey value of its own, "faint" for one near the parent's, "same" for the parent's.
    """

    parent: int
    contrast: str


@dataclass
class Anatomy:
    """Label maps and the regions they are made of.

    :param labels: uint8 (``LEVELS``, ``SIDE``, ``SIDE``); 0 is the outside. A number may be missing, hidden by
        what was drawn later.
    :param regions: ``regions[label]``; the first is the outside.
    """

    labels: NDArray[np.uint8]
    regions: list[Region] = field(default_factory=lambda: [Region(0, "free")])

    @property
    def is_full(self) -> bool:
        """Whether there are no numbers left for new regions."""
        return len(self.regions) >= _MOST_REGIONS

    def add(self, mask: NDArray[np.bool_], level: int, contrast: str) -> None:
        """Draw a new region on ``level`` and on the finer ones; its parent is what most of it covers."""
        covered = self.labels[DETAIL][mask]
        if covered.size == 0 or self.is_full:
            return
        parent = int(np.bincount(covered).argmax())
        self.regions.append(Region(parent, contrast))
        self.labels[level:, mask] = len(self.regions) - 1


def draw_anatomy(rng: Generator) -> Anatomy:
    """A slice through a body (with its outline) or through a region of interest (few, large structures)."""
    anatomy = Anatomy(np.zeros((LEVELS, SIDE, SIDE), np.uint8))
    if rng.random() < 0.6:
        inside, reach = _draw_body(rng, anatomy)
        organs, largest = int(rng.integers(4, 18)), 0.4
    else:
        inside, reach = np.ones((SIDE, SIDE), bool), (_MIDDLE, _MIDDLE)
        anatomy.add(inside, WHOLE, "free")
        organs, largest = int(rng.integers(1, 9)), 0.75
    if rng.random() < 0.5:
        _draw_tissue(rng, anatomy, inside)
    _draw_organs(rng, anatomy, inside, reach, count=organs, largest=largest)
    _draw_details(rng, anatomy)
    if rng.random() < 0.8:
        anatomy.labels = deform(rng, anatomy.labels)
    return anatomy


def _draw_body(rng: Generator, anatomy: Anatomy) -> tuple[NDArray[np.bool_], tuple[float, float]]:
    """The outline and its layers (skin, fat, muscle or skull); what lies within them, and the body's half axes."""
    centre = (_MIDDLE + rng.normal(0, 10), _MIDDLE + rng.normal(0, 10))
    size = _MIDDLE * rng.uniform(0.6, 1.12)
    half_axes = (size * rng.uniform(0.75, 1.0), size * rng.uniform(0.6, 1.0))
    upright = np.pi / 2 if rng.random() < 0.3 else 0.0
    level = star(rng, centre, half_axes, rng.uniform(0, 0.12), rng.normal(0, 0.15) + upright)
    anatomy.add(level < 1, WHOLE, "free")
    depth = 1.0
    for _ in range(rng.integers(0, 4)):
        depth -= rng.choice([0.03, 0.05, 0.08, 0.15]) * rng.uniform(0.6, 1.3)
        uneven = 0.06 * smooth_field(rng, 5) if rng.random() < 0.5 else np.float32(0)
        anatomy.add(level + uneven < depth, WHOLE, "free")
    return level < depth, half_axes


def _draw_tissue(rng: Generator, anatomy: Anatomy, inside: NDArray[np.bool_]) -> None:
    """What the organs lie in: compartments, or folded layers as of white and grey matter."""
    if rng.random() < 0.45:
        parts = cells(rng, int(rng.integers(4, 24)))
        share = rng.uniform(0.3, 1.0)
    else:
        level = fractal_field(rng, rng.uniform(2, 7), int(rng.integers(1, 4)))
        parts = np.digitize(level, np.sort(rng.uniform(-1.5, 1.5, rng.integers(1, 4)))).astype(np.uint8)
        share = 1.0
    for part in np.unique(parts[inside])[1:]:
        if rng.random() < share:
            anatomy.add((parts == part) & inside, WHOLE, _contrast(rng, faint=0.3))


def _draw_organs(
    rng: Generator,
    anatomy: Anatomy,
    inside: NDArray[np.bool_],
    reach: tuple[float, float],
    *,
    count: int,
    largest: float,
) -> None:
    """Organs from large to small, so that small ones lie in front; some in mirrored pairs."""
    has_pairs = rng.random() < 0.35
    sizes = np.sort(np.exp(rng.uniform(np.log(0.035), np.log(largest), count)))[::-1] * min(reach)
    kinds = list(_ORGANS)
    odds = np.array([_ORGANS[kind] for kind in kinds])
    for size in sizes:
        kind = kinds[int(rng.choice(len(kinds), p=odds / odds.sum()))]
        angle, distance = rng.uniform(0, 2 * np.pi), 0.8 * np.sqrt(rng.random())
        centre = (_MIDDLE + distance * reach[0] * np.cos(angle), _MIDDLE + distance * reach[1] * np.sin(angle))
        layers = kind(rng, centre, max(2.5, float(size)))
        is_pair = has_pairs and rng.random() < 0.7
        # The pair's halves look alike in a body, but are two structures.
        for mirrored in (False, True) if is_pair else (False,):
            _draw_layers(anatomy, layers, inside, mirrored=mirrored)


@dataclass(frozen=True)
class _Layer:
    mask: NDArray[np.bool_]
    level: int
    contrast: str


def _draw_layers(anatomy: Anatomy, layers: list[_Layer], inside: NDArray[np.bool_], *, mirrored: bool) -> None:
    for layer in layers:
        mask = layer.mask[:, ::-1] if mirrored else layer.mask
        anatomy.add(mask & inside, layer.level, layer.contrast)


def _contrast(rng: Generator, *, faint: float, same: float = 0.0) -> str:
    draw = rng.random()
    return "same" if draw < same else "faint" if draw < same + faint else "free"


def _radii(rng: Generator, size: float) -> tuple[float, float]:
    return size * rng.uniform(0.8, 1.3), size * rng.uniform(0.4, 1.0)


def _solid(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """A smooth roundish organ or tumour, often hardly darker or brighter than what is around it."""
    level = star(rng, centre, _radii(rng, size), rng.uniform(0, 0.2))
    return [_Layer(level < 1, WHOLE, _contrast(rng, faint=0.5))]


def _lobed(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """An organ of irregular outline."""
    return [_Layer(cloud(rng, centre, _radii(rng, size)) < 1, WHOLE, _contrast(rng, faint=0.3))]


def _hollow(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """Wall and lumen: ventricle, vessel, bladder, bone with its cortex. Wall and lumen are parts of the whole."""
    level = star(rng, centre, (size * rng.uniform(0.8, 1.3), size * rng.uniform(0.55, 1.0)), rng.uniform(0, 0.15))
    lumen = level < rng.uniform(0.45, 0.9)
    if rng.random() < 0.3:  # the wall is open to one side, as a horseshoe
        lumen &= side_of_line(rng, (centre[0] + rng.normal(0, size / 2), centre[1] + rng.normal(0, size / 2)), 2)
    return [_Layer(level < 1, WHOLE, _contrast(rng, faint=0.4)), _Layer(lumen, PART, "free")]


def _mixed(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """One organ of several grey values: bowel with air and fluid, vertebra with marrow, kidney with its medulla."""
    level = star(rng, centre, _radii(rng, size), rng.uniform(0, 0.25))
    whole = level < 1
    content = level < rng.uniform(0.6, 0.95)
    texture = smooth_field(rng, SIDE / size * rng.uniform(0.6, 1.6))
    layers = [_Layer(whole, WHOLE, _contrast(rng, faint=0.4))]
    if rng.random() < 0.5:
        layers.append(_Layer(content, PART, _contrast(rng, faint=0.5)))
    thresholds = np.sort(rng.uniform(-1.2, 1.5, rng.integers(1, 4)))
    return layers + [_Layer(content & (texture > each), PART, _contrast(rng, faint=0.6)) for each in thresholds]


def _divided(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """An organ in two or three parts that a reader tells apart by position more than by grey value."""
    whole = star(rng, centre, _radii(rng, size), rng.uniform(0, 0.2)) < 1
    layers = [_Layer(whole, WHOLE, _contrast(rng, faint=0.5))]
    for _ in range(rng.integers(1, 3)):
        place = (centre[0] + rng.normal(0, size / 3), centre[1] + rng.normal(0, size / 3))
        part = whole & side_of_line(rng, place, rng.uniform(0, size / 6))
        layers.append(_Layer(part, PART, _contrast(rng, faint=0.4, same=0.4)))
    return layers


def _cord(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """A cord in its fluid, with grey matter inside: canal, cord and butterfly or core."""
    radii = (size * rng.uniform(0.9, 1.3), size * rng.uniform(0.7, 1.0))
    canal = star(rng, centre, radii, rng.uniform(0, 0.05), rng.normal(0, 0.2))
    cord = star(rng, centre, (radii[0] * rng.uniform(0.5, 0.9), radii[1] * rng.uniform(0.5, 0.9)), 0.04, 0.0)
    horns = [
        star(rng, (centre[0] + side * 0.22 * radii[0], centre[1]), (0.1 * size, 0.32 * size), 0.1, side * 0.3) < 1
        for side in (-1, 1)
    ]
    bridge = star(rng, centre, (0.25 * size, 0.08 * size), 0.0, 0.0) < 1
    matter = (horns[0] | horns[1] | bridge) & (cord < 0.9)
    # The cord is a whole of its own: nobody means the fluid with it.
    return [
        _Layer(canal < 1, WHOLE, "free"),
        _Layer(cord < 1, WHOLE, _contrast(rng, faint=0.3)),
        _Layer(matter, PART, "faint"),
    ]


def _crescent(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """What remains of a disc when another lies over it: spleen, muscle layer, effusion."""
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.9) * size
    other = (centre[0] + offset * np.cos(angle), centre[1] + offset * np.sin(angle))
    level = star(rng, centre, (size * rng.uniform(0.8, 1.3), size * rng.uniform(0.6, 1.0)), 0.1)
    cover = star(rng, other, (size * rng.uniform(0.7, 1.1), size * rng.uniform(0.6, 1.1)), 0.1)
    return [_Layer((level < 1) & (cover > 1), WHOLE, _contrast(rng, faint=0.35))]


def _vessel(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """A band that winds through the slice, sometimes with a wall."""
    width = float(np.clip(size * rng.uniform(0.2, 0.7), 2, 24))
    band = tube(rng, centre, rng.uniform(1, 6) * max(size, 12), width)
    return [_Layer(band, WHOLE, _contrast(rng, faint=0.2))]


def _bundle(rng: Generator, centre: tuple[float, float], size: float) -> list[_Layer]:
    """Several small round structures of the same tissue: vessels cut across, ribs, nodes."""
    together = np.zeros((SIDE, SIDE), bool)
    for _ in range(rng.integers(2, 10)):
        place = (centre[0] + rng.normal(0, 2 * size), centre[1] + rng.normal(0, 2 * size))
        radius = rng.uniform(2, 8)
        together |= star(rng, place, (radius, radius * rng.uniform(0.5, 1)), 0.1) < 1
    return [_Layer(together, WHOLE, _contrast(rng, faint=0.2))]


_ORGANS: dict[Callable[[Generator, tuple[float, float], float], list[_Layer]], float] = {
    _solid: 0.34,
    _lobed: 0.10,
    _hollow: 0.14,
    _mixed: 0.12,
    _divided: 0.08,
    _cord: 0.05,
    _crescent: 0.07,
    _vessel: 0.06,
    _bundle: 0.04,
}


def _draw_details(rng: Generator, anatomy: Anatomy) -> None:
    """Lesions, cysts and small vessels inside of structures that are large enough."""
    structures = np.unique(anatomy.labels[PART])
    for _ in range(rng.integers(0, 6)):
        host = anatomy.labels[PART] == rng.choice(structures)
        rows, columns = np.nonzero(host)
        if len(rows) < 80 or anatomy.is_full:
            continue
        at = rng.integers(len(rows))
        place = (float(columns[at]), float(rows[at]))
        radius = float(np.clip(np.sqrt(len(rows)) * rng.uniform(0.08, 0.35), 2.5, 45))
        draw = rng.random()
        if draw < 0.45:
            lesion = star(rng, place, (radius, radius * rng.uniform(0.5, 1)), 0.15) < 1
        elif draw < 0.8:
            lesion = cloud(rng, place, (radius, radius * rng.uniform(0.5, 1))) < 1
        else:
            lesion = tube(rng, place, radius * 6, max(1.5, radius * 0.2))
        anatomy.add(lesion & host, DETAIL, _contrast(rng, faint=0.6))
