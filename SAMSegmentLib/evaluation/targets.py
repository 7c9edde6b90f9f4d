"""What is asked for: one structure in one slice, and which of them are worth asking for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..geometry import slice_count, slice_plane
from ..slicegrid import SliceGrid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..geometry import Orientation, SlicePlane
    from .cases import Case
    from .labels import Structure

# Box edges are moved by pixels of a slice whose longer side is scaled to this many square pixels.
REFERENCE_SIDE = 256
# Pixels of the slice itself; a slice of more than 256 pixels is counted as if it were scaled down to 256.
SMALLEST_AREA = 50
SLICES_PER_STRUCTURE = 15


@dataclass(frozen=True)
class Target:
    """One structure in one slice."""

    structure: Structure
    index: int


def reference_scale(plane: SlicePlane) -> tuple[float, float]:
    """(column, row) pixels at 256 scale per slice pixel."""
    return SliceGrid.fit(plane.shape, plane.spacing, REFERENCE_SIDE).scale


def target_mask(case: Case, plane: SlicePlane, structure: Structure) -> NDArray[np.bool_]:
    """The largest connected component of a structure in a slice, bool [row, column]; empty where there is none."""
    return largest_component(plane.extract(case.reference.layers[structure.layer]) == structure.value)


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask in 2D or 3D; pixels or voxels that touch at a corner are connected."""
    components, count = ndimage.label(mask, np.ones((3,) * mask.ndim, dtype=bool))
    if count < 2:
        return mask
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    largest: NDArray[np.bool_] = components == sizes.argmax()
    return largest


def find_targets(case: Case, orientation: Orientation) -> list[Target]:
    """Every structure in every slice where its largest component covers at least 50 pixels (see SMALLEST_AREA)."""
    targets = []
    for index in range(slice_count(case.image, orientation)):
        plane = slice_plane(case.image, orientation, index)
        smallest = SMALLEST_AREA / min(1.0, float(np.prod(reference_scale(plane))))
        present = [np.unique(plane.extract(layer), return_counts=True) for layer in case.reference.layers]
        areas = [dict(zip(values.tolist(), counts.tolist(), strict=True)) for values, counts in present]
        targets += [
            Target(structure, index)
            for structure in case.reference.structures
            # Counting all pixels first spares the search for components in most slices.
            if areas[structure.layer].get(structure.value, 0) >= smallest
            and target_mask(case, plane, structure).sum() >= smallest
        ]
    return targets


def choose_targets(targets: Sequence[Target], count: int | None = None) -> list[Target]:
    """At most 15 targets of each structure, evenly spread over its slices.

    :param count: targets in all, divided as evenly as possible between the structures; None for no such limit.
    """
    by_structure: dict[Structure, list[Target]] = {}
    for target in targets:
        by_structure.setdefault(target.structure, []).append(target)
    available = [min(len(slices), SLICES_PER_STRUCTURE) for slices in by_structure.values()]
    shares = available if count is None else fair_shares(available, count)
    chosen = [
        slices[position]
        for slices, share in zip(by_structure.values(), shares, strict=True)
        for position in evenly_spread(len(slices), share)
    ]
    return sorted(chosen, key=lambda target: (target.index, target.structure.layer, target.structure.value))


def fair_shares(available: Sequence[int], total: int) -> list[int]:
    """Divide ``total`` as evenly as the available amounts allow.

    When there is less than one for each, or a rest, those who get one more are spread evenly.
    """
    shares = [0] * len(available)
    while True:
        open_places = [n for n, share in enumerate(shares) if share < available[n]]
        left = total - sum(shares)
        if not open_places or left <= 0:
            return shares
        if left < len(open_places):
            open_places = [open_places[n] for n in evenly_spread(len(open_places), left)]
        for n in open_places:
            shares[n] += 1


def evenly_spread(count: int, share: int) -> list[int]:
    """``share`` of the positions 0 to ``count`` - 1, in the middles of equal parts."""
    if share >= count:
        return list(range(count))
    return [int((part + 0.5) * count / share) for part in range(share)]
