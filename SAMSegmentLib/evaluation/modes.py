"""The ways of prompting that are compared, after the studies of SAM on medical images.

Boxes, jittered boxes and centre points: Mazurowski et al., Medical Image Analysis 2023; Huang et al. (COSMOS 1050K),
2023. Corrective clicks at the centre of the largest error, and clicks to reach a goal (10 at most): Sofiiuk et al.,
"Reviving iterative training with mask guidance", 2021, and Mazurowski et al.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

GOAL_DICE = 0.85
MOST_CLICKS = 10


@dataclass(frozen=True)
class BoxJitter:
    """How inexactly a user draws a box: each edge moves on its own, evenly distributed.

    :param relative: at most by this part of the box's width or height.
    :param pixels: at most by this many pixels at 256 scale.
    """

    relative: float = 0.0
    pixels: float = 0.0


TIGHT = BoxJitter()


@dataclass(frozen=True)
class Start:
    """What a simulated user gives first: a click on the structure's centre, a box, or both."""

    point: bool = False
    box: BoxJitter | None = None


@dataclass(frozen=True)
class PropagationMode:
    """Whole structures from the model's answers to tight boxes in some of their slices.

    :param name: what ``--mode`` takes.
    :param title: for tables.
    :param key_slices: number of slices with a box.
    """

    name: str
    title: str
    key_slices: int


@dataclass(frozen=True)
class Mode:
    """One way of prompting.

    :param name: what ``--mode`` takes.
    :param title: for tables.
    :param corrections: corrective clicks after the start.
    :param repeats: times that it is done, each with another jitter.
    :param until_goal: instead of a fixed number, correct until Dice reaches 0.85 or 10 clicks are used.
    """

    name: str
    title: str
    start: Start
    corrections: int = 0
    repeats: int = 1
    until_goal: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """What a model must take for it: ``"point"``, ``"box"``."""
        clicks = self.start.point or self.corrections > 0 or self.until_goal
        return frozenset(kind for kind, needed in (("point", clicks), ("box", self.start.box is not None)) if needed)


_POINT = Start(point=True)
_BOX = Start(box=TIGHT)
_BOX_5PX = Start(box=BoxJitter(pixels=5))
_REPEATS = 5

MODES: tuple[Mode, ...] = (
    Mode("point", "1 centre point", _POINT),
    Mode("clicks-2", "2 clicks", _POINT, corrections=1),
    Mode("clicks-3", "3 clicks", _POINT, corrections=2),
    Mode("clicks-5", "5 clicks", _POINT, corrections=4),
    Mode("clicks-goal", f"clicks until Dice {GOAL_DICE} ({MOST_CLICKS} at most)", _POINT, until_goal=True),
    Mode("box", "tight box", _BOX),
    Mode("box-5pc", "box, edges +-5 %", Start(box=BoxJitter(relative=0.05)), repeats=_REPEATS),
    Mode("box-10pc", "box, edges +-10 %", Start(box=BoxJitter(relative=0.10)), repeats=_REPEATS),
    Mode("box-5px", "box, edges +-5 px", _BOX_5PX, repeats=_REPEATS),
    Mode("box-point", "tight box + point", Start(point=True, box=TIGHT)),
    Mode("box-5px-point", "box +-5 px + point", Start(point=True, box=_BOX_5PX.box)),
    Mode("box-clicks-1", "tight box + 1 click", _BOX, corrections=1),
    Mode("box-clicks-3", "tight box + 3 clicks", _BOX, corrections=3),
    Mode("box-5px-clicks-3", "box +-5 px + 3 clicks", _BOX_5PX, corrections=3),
)


PROPAGATION_MODES: tuple[PropagationMode, ...] = (
    PropagationMode("propagate-1", "1 key slice", 1),
    PropagationMode("propagate-3", "3 key slices", 3),
)
# Asks for all of them.
PROPAGATE = "propagate"


def find_propagation_modes(names: Sequence[str]) -> tuple[PropagationMode, ...]:
    """The propagation modes among these names in the order of :data:`PROPAGATION_MODES`, none when there are none.

    They are no part of the modes that are evaluated when no name is given: they take minutes.

    :raises InputError: modes of single slices are named beside them, whose figures are others.
    """
    own = {PROPAGATE, *(mode.name for mode in PROPAGATION_MODES)}
    others = [name for name in names if name not in own]
    if others and len(others) < len(names):
        raise InputError(f"Propagation is evaluated in a run of its own; ask for {others[0]!r} in another one.")
    return tuple(mode for mode in PROPAGATION_MODES if mode.name in names or PROPAGATE in names)


def find_modes(names: Sequence[str], kinds: Collection[str] = ("point", "box")) -> tuple[Mode, ...]:
    """The modes of these names in the order of :data:`MODES`; when no name is given, all that a model can take.

    :param kinds: of prompts that the model was trained for; a mode that is named is not held to them.
    :raises InputError: there is no mode of a name; the sentence lists them.
    """
    known = {mode.name for mode in MODES}
    for name in names:
        if name not in known:
            names_known = ", ".join([*(mode.name for mode in MODES), PROPAGATE])
            raise InputError(f"There is no mode {name!r}; choose from {names_known}.")
    return tuple(mode for mode in MODES if mode.name in names or (not names and mode.kinds <= set(kinds)))
