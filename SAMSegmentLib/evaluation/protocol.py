"""The simulated user: where it clicks, how it draws a box, when it is content."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..prompts import SlicePrompts
from .metrics import overlap
from .modes import GOAL_DICE, MOST_CLICKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..models.interface import Candidates
    from .modes import BoxJitter, Start

SliceBox = tuple[float, float, float, float]


def centre_point(mask: NDArray[np.bool_], spacing: tuple[float, float] = (1.0, 1.0)) -> tuple[int, int]:
    """(column, row) of the pixel that lies deepest in a mask [row, column], the maximum of its distance transform.

    The slice's border counts as the mask's border.

    :param spacing: (row, column) distance in mm.
    """
    row, column = np.unravel_index(_depth(mask, spacing).argmax(), mask.shape)
    return int(column), int(row)


def corrective_click(
    mask: NDArray[np.bool_], reference: NDArray[np.bool_], spacing: tuple[float, float] = (1.0, 1.0)
) -> tuple[tuple[int, int], bool] | None:
    """The next click of a user who sees a mask: at the deepest point of all errors.

    :returns: (column, row), and True where the mask is to grow, False where it is to shrink; None without any error.
    """
    missing, surplus = _depth(reference & ~mask, spacing), _depth(mask & ~reference, spacing)
    positive = bool(missing.max() >= surplus.max())
    depth = missing if positive else surplus
    if depth.max() == 0:
        return None
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return (int(column), int(row)), positive


def tight_box(mask: NDArray[np.bool_]) -> SliceBox:
    """Inclusive pixel corners (column0, row0, column1, row1) around a mask [row, column] that is not empty."""
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def jittered_box(
    box: SliceBox,
    jitter: BoxJitter,
    shape: tuple[int, int],
    scale: tuple[float, float],
    random: np.random.Generator,
) -> SliceBox:
    """A box as an inexact user draws it; it stays in the slice and keeps at least one pixel.

    :param shape: (rows, columns) of the slice.
    :param scale: (column, row) pixels at 256 scale per slice pixel.
    """
    column0, row0, column1, row1 = box
    sides = np.array([column1 - column0 + 1, row1 - row0 + 1])
    reach = jitter.relative * sides + jitter.pixels / np.asarray(scale)
    moved = np.asarray(box) + random.uniform(-1, 1, 4) * np.tile(reach, 2)
    limits = np.array([shape[1] - 1, shape[0] - 1], dtype=np.float64)
    low = np.clip(moved[:2], 0, limits)
    # A structure thinner than the jitter could turn the box inside out.
    high = np.clip(np.maximum(moved[2:], low), 0, limits)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def starting_prompts(
    start: Start,
    reference: NDArray[np.bool_],
    spacing: tuple[float, float],
    scale: tuple[float, float],
    random: np.random.Generator,
) -> SlicePrompts:
    """What a user gives first for a structure whose mask is ``reference`` [row, column].

    :param spacing: (row, column) distance in mm.
    :param scale: (column, row) pixels at 256 scale per slice pixel.
    """
    prompts = SlicePrompts()
    if start.box is not None:
        shape = reference.shape[0], reference.shape[1]
        prompts = replace(prompts, box=jittered_box(tight_box(reference), start.box, shape, scale, random))
    if start.point:
        prompts = _with_point(prompts, centre_point(reference, spacing), positive=True)
    return prompts


@dataclass(frozen=True, eq=False)
class Step:
    """One answer of the model to a user.

    :param mask: that the model showed first, bool [row, column].
    :param best_dice: of all candidates, chosen with the reference.
    :param clicks: given so far.
    :param last_was_negative: whether the click before it took something away.
    """

    mask: NDArray[np.bool_]
    dice: float
    best_dice: float
    predicted_iou: float
    clicks: int
    last_was_negative: bool


class SimulatedUser:
    """One user at one structure in one slice: shows prompts, sees the answer, corrects it.

    The logits of the last answer go back to the model with each correction, as SAM was trained.

    :param corrections: clicks to give after the start, unless there is no error left.
    :param until_goal: go on correcting until Dice reaches 0.85 or 10 clicks are used.
    """

    def __init__(
        self,
        prompts: SlicePrompts,
        reference: NDArray[np.bool_],
        spacing: tuple[float, float],
        *,
        corrections: int,
        until_goal: bool,
    ) -> None:
        self.prompts = prompts
        self.reference = reference
        self.spacing = spacing
        self.steps: list[Step] = []
        self.is_content = False
        self._corrections = corrections
        self._until_goal = until_goal

    def see(self, answer: Candidates) -> None:
        """Take the model's answer to :attr:`prompts` and think of the next click."""
        step = self._step(answer)
        self.steps.append(step)
        click = corrective_click(step.mask, self.reference, self.spacing) if self._goes_on(step) else None
        if click is None:
            self.is_content = True
            return
        place, positive = click
        with_logits = replace(self.prompts, logits=answer.logits[answer.best])
        self.prompts = _with_point(with_logits, place, positive=positive)

    def step_after(self, corrections: int) -> Step:
        """The answer after so many corrections; the last one when the user was content earlier."""
        return self.steps[min(corrections, len(self.steps) - 1)]

    def goal_step(self) -> Step:
        """The first answer that reaches the goal, else the last."""
        return next((step for step in self.steps if step.dice >= GOAL_DICE), self.steps[-1])

    def _goes_on(self, step: Step) -> bool:
        if len(self.steps) <= self._corrections:
            return True
        return self._until_goal and step.clicks < MOST_CLICKS and not any(s.dice >= GOAL_DICE for s in self.steps)

    def _step(self, answer: Candidates) -> Step:
        dices = [overlap(mask, self.reference).dice for mask in answer.masks]
        clicks = len(self.prompts.points)
        return Step(
            mask=answer.masks[answer.best],
            dice=dices[answer.best],
            best_dice=max(dices),
            predicted_iou=float(answer.predicted_iou[answer.best]),
            clicks=clicks,
            last_was_negative=clicks > 0 and not bool(self.prompts.positive[-1]),
        )


def _with_point(prompts: SlicePrompts, place: tuple[int, int], *, positive: bool) -> SlicePrompts:
    return replace(
        prompts,
        points=np.append(prompts.points, [[float(place[0]), float(place[1])]], axis=0),
        positive=np.append(prompts.positive, positive),
    )


def _depth(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.float64]:
    """Distance in mm of each pixel of the mask to the nearest pixel outside, 0 outside."""
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing)[1:-1, 1:-1]
    return depth
