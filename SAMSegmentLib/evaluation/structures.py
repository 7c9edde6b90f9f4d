"""What propagation is asked for: one structure in 3D, and the slices that a user would begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..geometry import slice_axis, slice_plane
from .targets import SMALLEST_AREA, evenly_spread, largest_component, reference_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..geometry import Orientation
    from .cases import Case
    from .labels import Structure

# What covers fewer slices leaves nothing to propagate to.
FEWEST_SLICES = 3

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class StructureTarget:
    """The largest connected part of one structure.

    :param box: the voxels [k, j, i] that all parts of the structure lie in.
    :param first: lowest slice index that the largest part covers; it covers all slices from there to ``last``.
    """

    structure: Structure
    box: Box
    first: int
    last: int

    @property
    def slices(self) -> range:
        """The slices that it covers."""
        return range(self.first, self.last + 1)

    def key_slices(self, count: int) -> tuple[int, ...]:
        """The middles of ``count`` equal parts of its extent; for 1 its middle slice."""
        return tuple(self.slices[position] for position in evenly_spread(len(self.slices), count))


def find_structures(case: Case, orientation: Orientation) -> list[StructureTarget]:
    """The structures of a case that are worth propagating, in the order of the reference.

    Left out is what covers fewer than three slices, or less than 50 pixels of its middle slice (see SMALLEST_AREA).
    """
    axis = 2 - slice_axis(case.image, orientation)
    other_axes = tuple(other for other in range(3) if other != axis)
    smallest = _smallest_area(case, orientation)
    targets = []
    for structure, box in _boxes(case):
        areas = np.count_nonzero(_largest_part(case, structure, box), axis=other_axes)
        covered = np.flatnonzero(areas)
        start = box[axis].start
        target = StructureTarget(structure, box, start + int(covered[0]), start + int(covered[-1]))
        (middle,) = target.key_slices(1)
        if len(target.slices) >= FEWEST_SLICES and areas[middle - start] >= smallest:
            targets.append(target)
    return targets


def choose_structures(targets: Sequence[StructureTarget], count: int) -> list[StructureTarget]:
    """At most ``count`` of the structures, evenly spread over their order."""
    return [targets[position] for position in evenly_spread(len(targets), count)]


def component_mask(case: Case, target: StructureTarget) -> NDArray[np.bool_]:
    """The target's voxels as bool [k, j, i] on the image's grid."""
    mask = np.zeros(case.image.array.shape, dtype=bool)
    mask[target.box] = _largest_part(case, target.structure, target.box)
    return mask


def _largest_part(case: Case, structure: Structure, box: Box) -> NDArray[np.bool_]:
    return largest_component(case.reference.layers[structure.layer][box] == structure.value)


def _boxes(case: Case) -> list[tuple[Structure, Box]]:
    """Every structure with the box around all of its voxels.

    All boxes of a layer are found in one pass: an atlas has hundreds of structures.
    """
    found = {}
    for number, layer in enumerate(case.reference.layers):
        own = [structure for structure in case.reference.structures if structure.layer == number]
        values = np.array(sorted({0, *(structure.value for structure in own)}))
        boxes = ndimage.find_objects(np.searchsorted(values, layer) + 1)
        found.update({(number, int(value)): box for value, box in zip(values, boxes, strict=True)})
    return [(structure, found[structure.layer, structure.value]) for structure in case.reference.structures]


def _smallest_area(case: Case, orientation: Orientation) -> float:
    """Pixels of a key slice; all slices of an orientation are alike."""
    return SMALLEST_AREA / min(1.0, float(np.prod(reference_scale(slice_plane(case.image, orientation, 0)))))
