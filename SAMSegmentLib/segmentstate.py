"""What a session knows of one segment: its prompts and its mask slice by slice, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from .carried import Carried
from .geometry import Orientation, slice_plane
from .propagation import intervals
from .savedmask import run_lengths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from .carried import Propagation
    from .models.interface import Candidates
    from .prompts import PromptSet
    from .propagation import Interval, PropagatedSlice
    from .segments import Color
    from .volume import Volume

SliceKey = tuple[Orientation, int]


@dataclass(frozen=True, eq=False)
class SliceMask:
    """One slice of a segment's mask, kept as bits.

    :param bits: the [row, column] mask, packed.
    :param prompts: the prompts that it answers; None for a slice that propagation reached or that was given as it is.
    :param predicted_iou: the model's own estimate, 0..1; None for a mask that no model made.
    :param stability: 0..1; None likewise.
    :param candidate: which of the candidates it is.
    :param confidence: how likely the mask is to show the segment, 0..1; None where propagation did not make it.
    :param is_accepted: whether the user has locked it.
    :param is_outdated: whether propagation made it from key slices, or with a model, that are others now. It stays
        until the segment is propagated again.
    """

    bits: NDArray[np.uint8]
    shape: tuple[int, int]
    prompts: PromptSet | None = None
    predicted_iou: float | None = None
    stability: float | None = None
    candidate: int = 0
    confidence: float | None = None
    is_accepted: bool = False
    is_outdated: bool = False

    @classmethod
    def answer(cls, candidates: Candidates, prompts: PromptSet) -> SliceMask:
        """The candidate that was chosen, or the best, of an answer to prompts."""
        chosen = candidates.best if prompts.candidate is None else prompts.candidate
        return cls(
            *_packed(candidates.masks[chosen]),
            prompts=prompts,
            predicted_iou=float(candidates.predicted_iou[chosen]),
            stability=float(candidates.stability[chosen]),
            candidate=chosen,
        )

    @classmethod
    def propagated(cls, reached: PropagatedSlice) -> SliceMask:
        """A slice that propagation reached."""
        return cls(
            *_packed(reached.mask),
            predicted_iou=reached.predicted_iou,
            stability=reached.stability,
            confidence=reached.confidence,
        )

    @classmethod
    def given(cls, mask: NDArray[np.bool_]) -> SliceMask:
        """A mask [row, column] that is accepted as it is."""
        return cls(*_packed(mask), is_accepted=True)

    @classmethod
    def outdated(cls, mask: NDArray[np.bool_], confidence: float | None = None) -> SliceMask:
        """A mask [row, column] that propagation made earlier."""
        return cls(*_packed(mask), confidence=confidence, is_outdated=True)

    @property
    def is_propagated(self) -> bool:
        """Whether propagation made it, and may replace it."""
        return self.prompts is None and not self.is_accepted

    def unpack(self) -> NDArray[np.bool_]:
        """The mask as bool [row, column]."""
        count = self.shape[0] * self.shape[1]
        return np.unpackbits(self.bits, count=count).reshape(self.shape).view(np.bool_)

    def has_pixels_of(self, other: SliceMask) -> bool:
        """Whether another mask is the same, bit for bit."""
        is_shared = self.bits is other.bits
        return is_shared or (self.shape == other.shape and np.array_equal(self.bits, other.bits))

    @cached_property
    def runs(self) -> tuple[int, ...]:
        """Its run lengths, see :class:`.savedmask.SavedMask`."""
        return run_lengths(self.unpack())

    @cached_property
    def checksum(self) -> int:
        """Tells this mask from others of its shape."""
        return crc32(self.bits.tobytes())


def _packed(mask: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    rows, columns = mask.shape
    return np.packbits(mask), (rows, columns)


def _nothing() -> Mapping:
    return MappingProxyType({})


@dataclass(frozen=True, eq=False)
class SegmentState:
    """Prompts and mask of one segment at one moment.

    Masks are what the prompts, the accepted slices and the propagations of the state make, in this order, so that a
    saved session can make them again. When a key slice changes, what was propagated next to it is outdated: it stays
    to be seen until it is propagated again, and is saved as it is. The mask of the volume is the union of the slices'
    masks; it is derived, never kept.

    :param carried: what propagation has made, by orientation.
    """

    name: str
    color: Color
    prompts: Mapping[SliceKey, PromptSet] = field(default_factory=_nothing)
    masks: Mapping[SliceKey, SliceMask] = field(default_factory=_nothing)
    carried: Mapping[Orientation, Carried] = field(default_factory=_nothing)

    # --- key slices

    def with_prompts(self, prompts: PromptSet) -> SegmentState:
        """A copy with the prompts of one slice replaced; empty prompts take the slice's mask with them."""
        changed = {key: value for key, value in self.prompts.items() if key != prompts.key}
        masks = dict(self.masks)
        if prompts:
            changed[prompts.key] = prompts
        else:
            masks.pop(prompts.key, None)
        return self._changed(changed, masks)

    def with_answer(self, key: SliceKey, mask: SliceMask) -> SegmentState:
        """A copy with the mask that answers the prompts of one slice."""
        return self._changed(self.prompts, {**self.masks, key: mask})

    def with_accepted(self, key: SliceKey) -> SegmentState:
        """A copy in which the mask of one slice is locked."""
        accepted = replace(self.masks[key], is_accepted=True, is_outdated=False)
        return self._changed(self.prompts, {**self.masks, key: accepted})

    def with_released(self, key: SliceKey) -> SegmentState:
        """A copy in which an accepted slice is one like any other again; without prompts its mask is outdated."""
        mask = self.masks[key]
        released = replace(mask, is_accepted=False, is_outdated=mask.prompts is None)
        return self._changed(self.prompts, {**self.masks, key: released})

    def with_given(self, key: SliceKey, mask: SliceMask) -> SegmentState:
        """A copy with a mask that no prompts of the slice made, in place of its prompts and mask."""
        prompts = {other: value for other, value in self.prompts.items() if other != key}
        return self._changed(prompts, {**self.masks, key: mask})

    def unanswered(self) -> list[PromptSet]:
        """Prompts whose answer is not among the masks yet, and is wanted."""
        return [prompts for key, prompts in self.prompts.items() if self._key_mask(key) is None]

    def key_masks(self, orientation: Orientation) -> dict[int, SliceMask | None]:
        """The masks of slices with prompts, and of accepted ones, by index; None where the answer is not there yet."""
        keys = {*self.prompts, *(key for key, mask in self.masks.items() if mask.is_accepted)}
        return {key[1]: self._key_mask(key) for key in sorted(keys) if key[0] is orientation}

    def _key_mask(self, key: SliceKey) -> SliceMask | None:
        mask = self.masks.get(key)
        is_settled = mask is not None and (mask.is_accepted or mask.prompts == self.prompts.get(key))
        return mask if is_settled else None

    def _changed(self, prompts: Mapping[SliceKey, PromptSet], masks: Mapping[SliceKey, SliceMask]) -> SegmentState:
        changed = replace(self, prompts=MappingProxyType(dict(prompts)), masks=MappingProxyType(dict(masks)))
        for orientation in {key[0] for key, mask in masks.items() if mask.is_propagated} | set(self.carried):
            item = self.carried.get(orientation)
            kept = self._still_carried(item, changed) if item else None
            if changed.key_masks(orientation):
                changed = changed._with_item(orientation, kept)._outdated_but(orientation, kept)
            else:  # nothing is left that it could be propagated from again
                changed = changed._without_propagated(orientation)
        return changed

    def _outdated_but(self, orientation: Orientation, item: Carried | None) -> SegmentState:
        """A copy in which the propagated slices of an orientation that ``item`` has not made are outdated."""
        masks = {
            key: replace(mask, is_outdated=True)
            for key, mask in self.masks.items()
            if key[0] is orientation and _is_current(mask) and not (item is not None and item.made(key[1]))
        }
        return replace(self, masks=MappingProxyType({**self.masks, **masks})) if masks else self

    def _still_carried(self, item: Carried, changed: SegmentState) -> Carried | None:
        """What propagation made from key slices that are still what they were."""
        before, after = (_within(item.settings, state) for state in (self, changed))
        same = {index for index, mask in after.items() if _are_same(mask, before.get(index))}
        if len(same) == len(before) == len(after):
            return item
        return item.within([(low, high) for low, high in intervals(after) if {low, high} <= {*same, None}])

    # --- propagation

    def outdated(self, orientation: Orientation) -> list[int]:
        """The slices that are to be propagated again, ascending."""
        return sorted(key[1] for key, mask in self.masks.items() if key[0] is orientation and mask.is_outdated)

    def with_outdated(self, masks: Mapping[SliceKey, SliceMask]) -> SegmentState:
        """A copy with slices that propagation made earlier, where it has none of its own, and could make them again."""
        again = {key: mask for key, mask in masks.items() if self.key_masks(key[0])}
        return replace(self, masks=MappingProxyType({**again, **self.masks}))

    def without_outdated(self, orientation: Orientation) -> SegmentState:
        """A copy without the outdated slices of an orientation."""
        masks = {key: mask for key, mask in self.masks.items() if key[0] is not orientation or not mask.is_outdated}
        return replace(self, masks=MappingProxyType(masks))

    @property
    def propagations(self) -> tuple[Propagation, ...]:
        """What makes again what was propagated, in this order."""
        return tuple(
            propagation
            for orientation, item in self.carried.items()
            for propagation in item.propagations(self.key_masks(orientation))
        )

    def missing(self, propagation: Propagation) -> tuple[Interval, ...]:
        """The intervals, ascending, that a propagation has to make: those that are not there with its settings."""
        every = intervals(_within(propagation, self))
        item = self.carried.get(propagation.orientation)
        return item.missing(every) if item and item.settings == propagation.settings else tuple(every)

    def with_run(self, propagation: Propagation, wanted: tuple[Interval, ...], run: object) -> SegmentState:
        """A copy in which a propagation has begun to make intervals: what is there in them is outdated.

        :param run: what tells this propagation from any other.
        """
        settings, item = propagation.settings, self.carried.get(propagation.orientation)
        is_kept = item and item.settings == settings and not settings.smooth
        finished = tuple(interval for interval in item.finished if interval not in wanted) if item and is_kept else ()
        kept = self._outdated_but(settings.orientation, Carried(settings, finished))
        return kept._with_item(settings.orientation, Carried(settings, finished, wanted, run=run))

    @property
    def is_propagating(self) -> bool:
        """Whether a propagation goes on, in any orientation."""
        return any(item.run is not None for item in self.carried.values())

    def run_of(self, orientation: Orientation) -> object | None:
        """The propagation that goes on in an orientation."""
        item = self.carried.get(orientation)
        return item.run if item else None

    def with_reached(self, reached: PropagatedSlice) -> SegmentState:
        """A copy with one slice more of the propagation that goes on; slices that it is not to reach stay."""
        plane = reached.plane
        item = self.carried[plane.orientation]
        if not item.awaits(plane.index):
            return self
        masks = {**self.masks, (plane.orientation, plane.index): SliceMask.propagated(reached)}
        changed = replace(self, masks=MappingProxyType(masks))
        return changed._with_item(plane.orientation, item.reached(plane.index))

    def without_run(self, orientation: Orientation, *, complete: bool) -> SegmentState:
        """A copy in which the propagation that goes on has ended.

        :param complete: whether it ran to its end; else the slices that it has not come to stay, outdated as they are.
        """
        item = self.carried[orientation]
        ended = self._with_item(orientation, item.ended(complete=complete))
        is_all_made = complete and not ended.missing(item.settings)
        return ended.without_outdated(orientation) if is_all_made else ended

    def restored(self, orientation: Orientation, before: SegmentState) -> SegmentState:
        """A copy without the propagation that goes on, which made nothing: what it was to replace is back.

        Not all of it, where key slices beyond the range of that propagation were changed meanwhile.

        :param before: the segment when it began.
        """
        item = before.carried.get(orientation)
        if item and item.run:  # an earlier one, which this one ended
            item = item.ended(complete=False)
        masks = {
            key: before.masks[key] if mask.is_outdated and _is_propagated_in(before, key) else mask
            for key, mask in self.masks.items()
            if key[0] is orientation
        }
        then = self._with_part(orientation, before.prompts, before.masks)._with_item(orientation, item)
        now = self._with_part(orientation, self.prompts, masks)
        return then._changed(now.prompts, now.masks)

    def _with_part(
        self, orientation: Orientation, prompts: Mapping[SliceKey, PromptSet], masks: Mapping[SliceKey, SliceMask]
    ) -> SegmentState:
        """A copy with other prompts and masks in the slices of an orientation."""
        all_prompts = {key: item for key, item in self.prompts.items() if key[0] is not orientation}
        all_masks = {key: item for key, item in self.masks.items() if key[0] is not orientation}
        all_prompts.update((key, item) for key, item in prompts.items() if key[0] is orientation)
        all_masks.update((key, item) for key, item in masks.items() if key[0] is orientation)
        return replace(self, prompts=MappingProxyType(all_prompts), masks=MappingProxyType(all_masks))

    def _without_propagated(self, orientation: Orientation) -> SegmentState:
        masks = {key: mask for key, mask in self.masks.items() if key[0] is not orientation or not mask.is_propagated}
        return replace(self, masks=MappingProxyType(masks))._with_item(orientation, None)

    def _with_item(self, orientation: Orientation, item: Carried | None) -> SegmentState:
        carried = dict(self.carried)
        if item is None:
            carried.pop(orientation, None)
        else:
            carried[orientation] = item
        return replace(self, carried=MappingProxyType(carried))

    # --- the volume

    def volume_mask(self, volume: Volume) -> NDArray[np.bool_]:
        """The segment's mask, bool [k, j, i]: the union of its slices, but within accepted ones they alone count.

        Where two accepted slices cross, a voxel that is in either is in the segment.
        """
        result = np.zeros(volume.array.shape, dtype=bool)
        accepted = {key: mask for key, mask in self.masks.items() if mask.is_accepted}
        self._paint(result, volume, (item for item in self.masks.items() if item[0] not in accepted))
        for orientation, index in accepted:
            slice_plane(volume, orientation, index).extract(result)[...] = False
        self._paint(result, volume, accepted.items())
        return result

    @staticmethod
    def _paint(voxels: NDArray[np.bool_], volume: Volume, masks: Iterable[tuple[SliceKey, SliceMask]]) -> None:
        for (orientation, index), mask in masks:
            pixels = slice_plane(volume, orientation, index).extract(voxels)
            np.logical_or(pixels, mask.unpack(), out=pixels)


def _within(propagation: Propagation, state: SegmentState) -> dict[int, SliceMask | None]:
    keys = state.key_masks(propagation.orientation)
    return {index: mask for index, mask in keys.items() if propagation.reaches(index)}


def _is_propagated_in(state: SegmentState, key: SliceKey) -> bool:
    mask = state.masks.get(key)
    return mask is not None and mask.is_propagated


def _is_current(mask: SliceMask) -> bool:
    return mask.is_propagated and not mask.is_outdated


def _are_same(mask: SliceMask | None, other: SliceMask | None) -> bool:
    return mask is not None and other is not None and mask.has_pixels_of(other)
