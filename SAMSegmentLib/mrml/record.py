"""What a write has changed of a segmentation, so that it can be taken back bit by bit, other segments included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .labelmaps import Extent, Labelmaps

    Bits = NDArray[np.uint8]
    Voxels = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Change:
    """The voxels of a box that segments won and lost by a write, packed, for each segment that changed."""

    extent: Extent
    bits: dict[str, tuple[Bits, Bits]]

    def unpack(self, name: str) -> tuple[Voxels, Voxels]:
        """What a segment won and lost, bool [k, j, i] of the box."""
        shape = _shape(self.extent)
        count = shape[0] * shape[1] * shape[2]
        won, lost = (np.unpackbits(bits, count=count).reshape(shape).view(np.bool_) for bits in self.bits[name])
        return won, lost


def recorded(labelmaps: Labelmaps, extent: Extent, write: Callable[[], None]) -> Change:
    """Let ``write`` change voxels of a box, and say what it has changed."""
    before = {name: labelmaps.read(name, extent) for name in labelmaps.segment_ids}
    write()
    bits = {}
    for name, old in before.items():
        new = labelmaps.read(name, extent)
        if not np.array_equal(old, new):
            bits[name] = np.packbits(new > old), np.packbits(old > new)
    return Change(extent, bits)


def turn(labelmaps: Labelmaps, changes: Sequence[Change], *, back: bool) -> None:
    """Undo (``back``) or redo changes, where nobody else has changed the same voxels since.

    :param changes: in the order in which they were made.
    """
    if not changes:
        return
    extent = _around([change.extent for change in changes])
    names = {name for change in changes for name in change.bits} & set(labelmaps.segment_ids)
    turned = {}
    for name in sorted(names):
        won, lost = _in_all(name, changes, extent)
        now = labelmaps.read(name, extent)
        turned[name] = (lost & ~now, won & now) if back else (won & ~now, lost & now)
    # What one segment gives up, another one takes: it is free when it is taken.
    for name, (_added, removed) in turned.items():
        if removed.any():
            labelmaps.remove(name, extent, removed)
    for name, (added, _removed) in turned.items():
        if added.any():
            labelmaps.add(name, extent, added)


def _in_all(name: str, changes: Sequence[Change], extent: Extent) -> tuple[Voxels, Voxels]:
    """What a segment won and lost by all changes together."""
    won, lost = np.zeros(_shape(extent), dtype=bool), np.zeros(_shape(extent), dtype=bool)
    for change in changes:
        if name in change.bits:
            place = _within(change.extent, extent)
            _join(won[place], lost[place], *change.unpack(name))
    return won, lost


def _join(won: Voxels, lost: Voxels, then_won: Voxels, then_lost: Voxels) -> None:
    """What is lost and won again has not changed, nor what is won and lost again."""
    new_won, new_lost = then_won & ~lost, then_lost & ~won
    won[...] = (won & ~then_lost) | new_won
    lost[...] = (lost & ~then_won) | new_lost


def _around(extents: Sequence[Extent]) -> Extent:
    edges = np.array(extents)
    low, high = edges[:, ::2].min(axis=0), edges[:, 1::2].max(axis=0)
    i0, i1, j0, j1, k0, k1 = (int(edge) for pair in zip(low, high, strict=True) for edge in pair)
    return i0, i1, j0, j1, k0, k1


def _shape(extent: Extent) -> tuple[int, int, int]:
    i0, i1, j0, j1, k0, k1 = extent
    return k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1


def _within(inner: Extent, outer: Extent) -> tuple[slice, ...]:
    ranges = zip(inner[::2], inner[1::2], outer[::2], strict=True)
    return tuple(slice(first - start, last + 1 - start) for first, last, start in ranges)[::-1]
