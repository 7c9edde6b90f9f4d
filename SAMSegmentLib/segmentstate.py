"""What a session knows of one segment: its prompts and its mask slice by slice, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from .geometry import Orientation, slice_plane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .prompts import PromptSet
    from .segments import Color
    from .volume import Volume

SliceKey = tuple[Orientation, int]


@dataclass(frozen=True, eq=False)
class SliceMask:
    """One slice of a segment's mask, kept as bits.

    :param bits: the [row, column] mask, packed.
    :param prompts: the prompts that it answers; None for a slice that propagation reached.
    :param predicted_iou: the model's own estimate, 0..1.
    :param stability: 0..1; None for a slice that propagation reached.
    :param candidate: which of the candidates it is.
    """

    bits: NDArray[np.uint8]
    shape: tuple[int, int]
    prompts: PromptSet | None
    predicted_iou: float
    stability: float | None = None
    candidate: int = 0

    @classmethod
    def pack(
        cls,
        mask: NDArray[np.bool_],
        prompts: PromptSet | None,
        predicted_iou: float,
        stability: float | None = None,
        candidate: int = 0,
    ) -> SliceMask:
        """Keep a bool mask [row, column]."""
        rows, columns = mask.shape
        return cls(np.packbits(mask), (rows, columns), prompts, predicted_iou, stability, candidate)

    def unpack(self) -> NDArray[np.bool_]:
        """The mask as bool [row, column]."""
        count = self.shape[0] * self.shape[1]
        return np.unpackbits(self.bits, count=count).reshape(self.shape).astype(bool)


@dataclass(frozen=True)
class Propagation:
    """How a segment is carried through the volume; a saved session can do it again.

    :param first: lowest slice index to reach; None is the volume's end.
    :param last: highest slice index to reach, inclusive; None is the volume's end.
    :param only: the slices that were reached before it was cancelled, in their order; None when it ran to its end.
    """

    orientation: Orientation
    first: int | None = None
    last: int | None = None
    only: tuple[int, ...] | None = None


def _nothing() -> Mapping:
    return MappingProxyType({})


@dataclass(frozen=True, eq=False)
class SegmentState:
    """Prompts and mask of one segment at one moment.

    The mask of the volume is the union of the slices' masks; it is derived, never kept.
    """

    name: str
    color: Color
    prompts: Mapping[SliceKey, PromptSet] = field(default_factory=_nothing)
    masks: Mapping[SliceKey, SliceMask] = field(default_factory=_nothing)
    propagations: tuple[Propagation, ...] = ()

    def with_prompts(self, prompts: PromptSet) -> SegmentState:
        """A copy with the prompts of one slice replaced; empty prompts take the slice's mask with them.

        What was propagated in this orientation started from other prompts and goes: masks are always what the prompts
        and propagations of the state make, in this order, so that a saved session can make them again.
        """
        current = self.without_propagated(prompts.orientation)
        changed = {key: value for key, value in self.prompts.items() if key != prompts.key}
        masks = dict(current.masks)
        if prompts:
            changed[prompts.key] = prompts
        else:
            masks.pop(prompts.key, None)
        return replace(current, prompts=MappingProxyType(changed), masks=MappingProxyType(masks))

    def with_mask(self, key: SliceKey, mask: SliceMask) -> SegmentState:
        """A copy with the mask of one slice replaced."""
        return replace(self, masks=MappingProxyType({**self.masks, key: mask}))

    def without_propagated(self, orientation: Orientation) -> SegmentState:
        """A copy without the slices of an orientation that propagation had reached."""
        kept = {key: mask for key, mask in self.masks.items() if mask.prompts is not None or key[0] is not orientation}
        propagations = tuple(item for item in self.propagations if item.orientation is not orientation)
        return replace(self, masks=MappingProxyType(kept), propagations=propagations)

    def with_propagation(self, propagation: Propagation) -> SegmentState:
        """A copy that remembers a propagation, in place of an earlier one in the same orientation."""
        others = (item for item in self.propagations if item.orientation is not propagation.orientation)
        return replace(self, propagations=(*others, propagation))

    def unanswered(self) -> list[PromptSet]:
        """Prompts whose answer is not among the masks yet."""
        return [
            prompts
            for key, prompts in self.prompts.items()
            if key not in self.masks or self.masks[key].prompts != prompts
        ]

    def volume_mask(self, volume: Volume) -> NDArray[np.bool_]:
        """The segment's mask, bool [k, j, i]."""
        result = np.zeros(volume.array.shape, dtype=bool)
        for (orientation, index), mask in self.masks.items():
            pixels = slice_plane(volume, orientation, index).extract(result)
            np.logical_or(pixels, mask.unpack(), out=pixels)
        return result
