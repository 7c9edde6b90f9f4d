"""What is kept of each answer: one record for each structure, slice, mode and repeat, or for each propagation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .metrics import Overlap


@dataclass(frozen=True)
class Record:
    """One answer to one simulated user.

    :param method: the model's name, or a baseline's.
    :param mode: name of the way of prompting.
    :param hausdorff95_mm: 95 % Hausdorff distance in the slice.
    :param overlap: pixel counts, of which Dice and IoU are made.
    :param clicks: given so far.
    :param predicted_iou: the model's own estimate; None for a baseline.
    :param best_dice: of all candidates, chosen with the reference; None for a baseline.
    :param emptied: a negative click left an empty mask.
    """

    case: str
    structure: str
    index: int
    method: str
    mode: str
    repeat: int
    overlap: Overlap
    hausdorff95_mm: float
    clicks: int
    predicted_iou: float | None = None
    best_dice: float | None = None
    emptied: bool = False

    @property
    def dice(self) -> float:
        """Dice of the mask."""
        return self.overlap.dice

    @property
    def iou(self) -> float:
        """IoU of the mask."""
        return self.overlap.iou


@dataclass(frozen=True)
class SliceScore:
    """One slice that propagation gave a mask.

    :param dice: with the reference in this slice.
    :param confidence: that came with the mask, 0..1.
    """

    index: int
    dice: float
    confidence: float


@dataclass(frozen=True)
class PropagationRecord:
    """One structure, propagated through its volume.

    :param method: the model's name, or that of another way to propagate.
    :param mode: name of the propagation mode.
    :param overlap: voxel counts in 3D, the key slices among them.
    :param hausdorff95_mm: 95 % Hausdorff distance of the surfaces in 3D.
    :param overshoot: slices by which the mask goes beyond the structure, mean of its two ends.
    :param undershoot: slices by which the mask falls short, mean of the two ends.
    :param slices: those that propagation gave a mask that is not empty, in the order of their indices.
    """

    case: str
    structure: str
    method: str
    mode: str
    overlap: Overlap
    hausdorff95_mm: float
    overshoot: float
    undershoot: float
    slices: tuple[SliceScore, ...]

    @property
    def dice(self) -> float:
        """Dice in 3D."""
        return self.overlap.dice

    @property
    def iou(self) -> float:
        """IoU in 3D."""
        return self.overlap.iou
