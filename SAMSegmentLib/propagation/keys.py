"""What the key slices say of the segment."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from ..geometry import slice_plane
from ..prompts import SlicePrompts
from ..quality import Evidence
from .appearance import Greys
from .shape import Part, box_of, signed_distance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .follow import Reached
    from .request import PropagationRequest, SliceSource


class Keys:
    """The segment in its key slices.

    Each is looked at on its own, so that what is made between two of them depends on no other. Its methods raise what
    ``source`` raises.
    """

    def __init__(self, source: SliceSource, request: PropagationRequest) -> None:
        self.planes = {index: slice_plane(source.volume, request.orientation, index) for index in request.key_masks}
        self.masks = request.key_masks
        self._source = source
        self._known: dict[int, _Key] = {}
        self._together: dict[tuple[int, ...], _Key] = {}

    def look_at(self, index: int) -> None:
        """Ask about a key slice, once, unless it is empty; before anything else is asked of it."""
        mask = self.masks[index]
        if index in self._known or not mask.any():
            return
        # What the model takes as a mask prompt, and how sure it is of the key slice, only an answer tells.
        (answer,) = self._source.decode(self.planes[index], [SlicePrompts(box=box_of(mask))])
        part = Part.around(mask)
        self._known[index] = _Key(
            greys=Greys.of(part.cut(self._source.pixels(self.planes[index])), signed_distance(part.cut(mask))),
            predicted_iou=float(answer.predicted_iou[answer.best]),
            logits_side=int(answer.logits.shape[-1]),
        )

    def logits_side(self, index: int) -> int | None:
        """How large the model's logits are; None where it takes no mask prompt, or the key slice is empty."""
        key = self._known.get(index)
        return key.logits_side if key and self._source.takes_mask_prompts else None

    @property
    def any_logits_side(self) -> int | None:
        """:meth:`logits_side` of the key slices that were looked at."""
        return next((side for index in self._known if (side := self.logits_side(index))), None)

    def evidence(self, reached: Reached, *indices: int) -> Evidence:
        """What speaks for a slice that was reached from key slices, of which one at least is not empty."""
        if indices not in self._together:
            self._together[indices] = _Key.mean([self._known[index] for index in indices if index in self._known])
        key = self._together[indices]
        return Evidence(
            likeness=key.greys.likeness(reached.greys),
            contrast=reached.greys.contrast,
            agreement=reached.agreement,
            key_iou=key.predicted_iou,
        )


@dataclass(frozen=True, eq=False)
class _Key:
    greys: Greys
    predicted_iou: float
    logits_side: int

    @classmethod
    def mean(cls, keys: Sequence[_Key]) -> _Key:
        """What several key slices say together."""
        return cls(Greys.mean(key.greys for key in keys), fmean(key.predicted_iou for key in keys), keys[0].logits_side)
