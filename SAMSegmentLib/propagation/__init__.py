"""Carry the masks of key slices through the volume.

From a key slice outward, each slice's mask is first moved with the tissue to the next slice (:mod:`.motion`), then
given to the model as box and mask prompt, and the answer is weighed against the moved mask (:mod:`.follow`). Between
two key slices this is done from both and fused (:mod:`.fusion`). Outside of them it ends where the mask no longer looks
like the segment in its key slices, or model and moved mask have disagreed too often (:mod:`SAMSegmentLib.quality`).
"""

from .intervals import intervals
from .propagate import propagate, propagate_in_units
from .request import Interval, PropagatedSlice, PropagationRequest, SliceSource, overlap

__all__ = [
    "Interval",
    "PropagatedSlice",
    "PropagationRequest",
    "SliceSource",
    "intervals",
    "overlap",
    "propagate",
    "propagate_in_units",
]
