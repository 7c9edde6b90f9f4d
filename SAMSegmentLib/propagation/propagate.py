"""The whole routine: outward from the outermost key slices, inward between neighbours, then the second pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .ending import Ending
from .follow import Reached, follow
from .fusion import Side, fused
from .intervals import Between, Run, plan
from .keys import Keys
from .request import PropagatedSlice
from .second_pass import second_pass
from .tidy import is_tidied, tidied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..quality import Evidence
    from .request import PropagationRequest, SliceSource


def propagate(source: SliceSource, request: PropagationRequest) -> Iterator[PropagatedSlice]:
    """Yield slices as they are made; a later mask of a slice takes the place of an earlier one.

    Outside of the outermost key slices a run ends where nothing is left, or where the segment is no longer likely to
    be there. Between key slices, which both have the segment, masks from both sides are fused. Key slices themselves
    are not yielded. The same request gives the same slices, bit for bit.

    :raises SAMSegmentError: what ``source`` raises.
    """
    return (reached for reached in propagate_in_units(source, request) if reached is not None)


def propagate_in_units(source: SliceSource, request: PropagationRequest) -> Iterator[PropagatedSlice | None]:
    """As :func:`propagate`, with None after a unit of work that gave no slice: each takes as long as one answer.

    :raises SAMSegmentError: what ``source`` raises.
    """
    # When a cancelled propagation is done again, it stops after as many slices: they come in the same order each time.
    left = None if request.only is None else len(request.only)
    if left == 0:
        return
    for reached in _all_units(source, request):
        yield reached
        if left is not None and reached is not None:
            left -= 1
            if left == 0:
                return


def _all_units(source: SliceSource, request: PropagationRequest) -> Iterator[PropagatedSlice | None]:
    keys = Keys(source, request)
    first_pass: dict[int, PropagatedSlice] = {}
    is_kept = request.smooth or is_tidied(request)
    for work in plan(source.volume, request):
        made: dict[int, PropagatedSlice] = {}
        for reached in _outward(source, work, keys) if isinstance(work, Run) else _inward(source, work, keys):
            if is_kept and reached is not None:
                made[reached.plane.index] = reached
            yield reached
        if is_tidied(request):
            for reached in list(tidied(source, request, {key: keys.masks[key] for key in work.keys}, made)):
                made[reached.plane.index] = reached
                yield reached
        if request.smooth:
            first_pass |= made
    if first_pass:
        yield from second_pass(source, request, first_pass, keys.any_logits_side)


def _outward(source: SliceSource, run: Run, keys: Keys) -> Iterator[PropagatedSlice | None]:
    keys.look_at(run.key)
    yield None
    mask = keys.masks[run.key]
    ending = Ending(int(np.count_nonzero(mask)))
    for reached in follow(source, keys.planes[run.key], mask, run.indices, keys.logits_side(run.key)):
        evidence = keys.evidence(reached, run.key)
        if ending.is_reached(evidence, int(np.count_nonzero(reached.mask))):
            return
        yield _propagated(reached, evidence)


def _inward(source: SliceSource, work: Between, keys: Keys) -> Iterator[PropagatedSlice | None]:
    """From above first, slice by slice; then from below, each slice fused with what came from above."""
    for index in (work.high, work.low):
        keys.look_at(index)
        yield None
    from_above: dict[int, Side] = {}
    high, low = keys.planes[work.high], keys.planes[work.low]
    for reached in follow(source, high, keys.masks[work.high], reversed(work.indices), keys.logits_side(work.high)):
        evidence = keys.evidence(reached, work.low, work.high)
        from_above[reached.plane.index] = Side.of(reached, evidence)
        yield _propagated(reached, evidence)
    for reached in follow(source, low, keys.masks[work.low], work.indices, keys.logits_side(work.low)):
        evidence = keys.evidence(reached, work.low, work.high)
        other = from_above.pop(reached.plane.index, None)
        yield _propagated(reached, evidence) if other is None else fused(reached, evidence, other)


def _propagated(reached: Reached, evidence: Evidence) -> PropagatedSlice:
    return PropagatedSlice(reached.plane, reached.mask, reached.predicted_iou, reached.stability, evidence.confidence)
