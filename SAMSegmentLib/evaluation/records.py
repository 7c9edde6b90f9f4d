"""What is kept of each answer: one record for each structure, slice, mode and repeat."""

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
