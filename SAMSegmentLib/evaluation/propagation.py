"""Propagation of whole structures: a user's boxes in key slices, the rest of the volume from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..embeddings import EmbeddingCache
from ..geometry import slice_axis, slice_count, slice_plane
from ..intensity import resolve_window
from ..prompts import SlicePrompts
from ..propagation import PropagationRequest, propagate
from ..worker.volumemodel import VolumeModel
from .cases import read_case
from .metrics import hausdorff95, overlap
from .protocol import tight_box
from .records import PropagationRecord, SliceScore
from .structures import choose_structures, component_mask, find_structures
from .targets import fair_shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ..geometry import Orientation
    from ..models.interface import PromptableModel
    from ..propagation import PropagatedSlice, SliceSource
    from ..volume import Window
    from .cases import Case, CaseFiles
    from .modes import PropagationMode
    from .structures import StructureTarget

    Masks = Mapping[int, NDArray[np.bool_]]
    Propagator = Callable[[SliceSource, PropagationRequest], Iterable[PropagatedSlice]]

# Enough for stable means, and minutes of work; an atlas has hundreds of structures.
STRUCTURES_PER_CASE = 40

# All structures of a case go through the same slices: SAM's embeddings of 1024 of them.
_CACHE_BYTES = 2 << 30


@dataclass(frozen=True)
class PropagationSettings:
    """What is asked of each structure.

    :param window: as :func:`resolve_window` takes it.
    """

    modes: tuple[PropagationMode, ...]
    orientation: Orientation
    window: str


@dataclass(frozen=True)
class StructurePlan:
    """The structures of one case that are propagated, and the window that its slices are shown in."""

    files: CaseFiles
    targets: tuple[StructureTarget, ...]
    window: Window


def plan_structures(
    cases: Sequence[CaseFiles],
    settings: PropagationSettings,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    per_case: int = STRUCTURES_PER_CASE,
) -> list[StructurePlan]:
    """Read every case once and choose its structures: a damaged file is noticed before the work begins.

    :param limit: structures in all, spread evenly over the cases; None for no such limit.
    :param progress: called with the number of cases read and their total.
    :param per_case: structures of each case where there is no limit in all.
    :raises InputError: a case cannot be read.
    """
    plans = []
    for count, files in enumerate(cases, start=1):
        case = read_case(files)
        targets = tuple(find_structures(case, settings.orientation))
        plans.append(StructurePlan(files, targets, resolve_window(case.image, settings.window)))
        if progress:
            progress(count, len(cases))
    shares = [per_case] * len(plans)
    if limit is not None:
        shares = fair_shares([len(plan.targets) for plan in plans], limit)
    return [
        replace(plan, targets=tuple(choose_structures(plan.targets, share)))
        for plan, share in zip(plans, shares, strict=True)
    ]


def evaluate_propagation(
    plans: Sequence[StructurePlan], model: PromptableModel, settings: PropagationSettings
) -> Iterator[list[PropagationRecord]]:
    """Yield the records of one structure after the other, one record for each mode.

    :raises InputError: a case cannot be read any more, or the model does not take boxes.
    :raises EngineError: the model failed.
    """
    for plan in plans:
        if not plan.targets:
            continue
        case = read_case(plan.files)
        source = VolumeModel(model, case.image, plan.window, EmbeddingCache(_CACHE_BYTES))
        for target in plan.targets:
            propagation = StructurePropagation(case, target, settings.orientation)
            yield [propagation.run(source, mode, model.name, propagate) for mode in settings.modes]


class StructurePropagation:
    """One structure that is propagated in several ways, always over the whole volume."""

    def __init__(self, case: Case, target: StructureTarget, orientation: Orientation) -> None:
        self.reference = component_mask(case, target)
        self._case = case
        self._target = target
        self._orientation = orientation

    def run(self, source: SliceSource, mode: PropagationMode, method: str, propagator: Propagator) -> PropagationRecord:
        """Propagate from the key slices of a mode and compare with the reference.

        :param source: a model on the case's image.
        :param method: what the record calls the way of propagating.
        """
        key_masks = self.key_masks(source, mode.key_slices)
        reached = self._propagate(source, key_masks, propagator) if key_masks else {}
        return self._record(method, mode, key_masks, reached)

    def key_masks(self, source: SliceSource, count: int) -> dict[int, NDArray[np.bool_]]:
        """The model's answers to the reference's tight boxes in the key slices; those without a pixel are left out."""
        masks = {}
        for index in self._target.key_slices(count):
            plane = slice_plane(self._case.image, self._orientation, index)
            (answer,) = source.decode(plane, [SlicePrompts(box=tight_box(plane.extract(self.reference)))])
            masks[index] = answer.masks[answer.best]
        return {index: mask for index, mask in masks.items() if mask.any()}

    def _propagate(self, source: SliceSource, key_masks: Masks, propagator: Propagator) -> dict[int, PropagatedSlice]:
        last = slice_count(self._case.image, self._orientation) - 1
        request = PropagationRequest(self._orientation, key_masks, 0, last)
        # Of a slice that comes twice the later mask is meant.
        return {reached.plane.index: reached for reached in propagator(source, request)}

    def _record(
        self, method: str, mode: PropagationMode, key_masks: Masks, reached: Mapping[int, PropagatedSlice]
    ) -> PropagationRecord:
        image = self._case.image
        result = np.zeros(image.array.shape, dtype=bool)
        for index, mask in {**{index: item.mask for index, item in reached.items()}, **key_masks}.items():
            slice_plane(image, self._orientation, index).extract(result)[...] = mask
        overshoot, undershoot = end_errors(self._covered(result), self._target.slices)
        return PropagationRecord(
            case=self._case.name,
            structure=self._target.structure.name,
            method=method,
            mode=mode.name,
            overlap=overlap(result, self.reference),
            hausdorff95_mm=hausdorff95(result, self.reference, image.spacing[::-1]),
            overshoot=overshoot,
            undershoot=undershoot,
            slices=tuple(
                self._slice_score(reached[index])
                for index in sorted(reached.keys() - key_masks.keys())
                if reached[index].mask.any()
            ),
        )

    def _slice_score(self, reached: PropagatedSlice) -> SliceScore:
        counts = overlap(reached.mask, reached.plane.extract(self.reference))
        return SliceScore(reached.plane.index, counts.dice, reached.confidence)

    def _covered(self, mask: NDArray[np.bool_]) -> NDArray[np.intp]:
        axis = 2 - slice_axis(self._case.image, self._orientation)
        return np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))


def end_errors(covered: Sequence[int] | NDArray[np.intp], reference: range) -> tuple[float, float]:
    """Overshoot and undershoot in slices, each the mean of the two ends.

    :param covered: indices of the slices that hold a mask, ascending; none of them is all of the reference too short.
    :param reference: the slices that the structure covers.
    """
    if len(covered) == 0:
        return 0.0, len(reference) / 2
    below, above = reference[0] - int(covered[0]), int(covered[-1]) - reference[-1]
    return (max(below, 0) + max(above, 0)) / 2, (max(-below, 0) + max(-above, 0)) / 2
