"""Simulated users at work: every case, slice by slice, each slice encoded once."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import slice_plane
from ..intensity import resolve_window, to_8bit
from ..slicegrid import SliceImage
from .cases import read_case
from .metrics import hausdorff95, overlap
from .protocol import SimulatedUser, starting_prompts
from .records import Record
from .targets import choose_targets, fair_shares, find_targets, reference_scale, target_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ..geometry import Orientation, SlicePlane
    from ..models.interface import PromptableModel
    from ..prompts import SlicePrompts
    from ..volume import Window
    from .baselines import Baseline
    from .cases import Case, CaseFiles
    from .modes import Mode, Start
    from .targets import Target

# Enough for stable means over cases, and minutes of work; an atlas has thousands of targets.
TARGETS_PER_CASE = 150


@dataclass(frozen=True)
class CasePlan:
    """The targets of one case that are asked for, and the window that its slices are shown in."""

    files: CaseFiles
    targets: tuple[Target, ...]
    window: Window


@dataclass(frozen=True)
class Settings:
    """What is asked of each target.

    :param window: as :func:`resolve_window` takes it.
    :param seed: of the jitter. A target's draws depend on it and on the target alone, not on what else is evaluated.
    """

    modes: tuple[Mode, ...]
    orientation: Orientation
    window: str
    seed: int


@dataclass(frozen=True, eq=False)
class _Slice:
    """One slice as models and baselines see it."""

    case: Case
    plane: SlicePlane
    pixels: NDArray[np.uint8]

    @classmethod
    def cut(cls, case: Case, orientation: Orientation, index: int, window: Window) -> _Slice:
        plane = slice_plane(case.image, orientation, index)
        pixels = to_8bit(plane.extract(case.image.array), window, inverted=case.image.inverted)
        return cls(case, plane, pixels)


@dataclass(frozen=True, eq=False)
class _Session:
    """A user and what the answers are for."""

    target: Target
    start: Start
    repeat: int
    first_prompts: SlicePrompts
    user: SimulatedUser


def plan_cases(
    cases: Sequence[CaseFiles],
    settings: Settings,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[CasePlan]:
    """Read every case once and choose its targets: a damaged file is noticed before the work begins.

    :param limit: targets in all, spread evenly over the cases; None for at most 150 in each case.
    :param progress: called with the number of cases read and their total.
    :raises InputError: a case cannot be read.
    """
    plans = []
    for count, files in enumerate(cases, start=1):
        case = read_case(files)
        targets = tuple(find_targets(case, settings.orientation))
        plans.append(CasePlan(files, targets, resolve_window(case.image, settings.window)))
        if progress:
            progress(count, len(cases))
    shares = [TARGETS_PER_CASE] * len(plans)
    if limit is not None:
        shares = fair_shares([len(choose_targets(plan.targets)) for plan in plans], limit)
    return [
        replace(plan, targets=tuple(choose_targets(plan.targets, share)))
        for plan, share in zip(plans, shares, strict=True)
    ]


def evaluate(
    plans: Sequence[CasePlan],
    model: PromptableModel,
    settings: Settings,
    baselines: Sequence[Baseline] = (),
) -> Iterator[list[Record]]:
    """Yield the records of one target after the other.

    Baselines answer the modes without corrective clicks that consist of what they take, a box or a point alone; where
    a mode is repeated, its first time.

    :raises InputError: a case cannot be read any more.
    """
    for plan in plans:
        case = read_case(plan.files)
        for index, targets in groupby(plan.targets, key=lambda target: target.index):
            where = _Slice.cut(case, settings.orientation, index, plan.window)
            yield from _evaluate_slice(where, list(targets), model, settings, baselines)


def _evaluate_slice(
    where: _Slice,
    targets: list[Target],
    model: PromptableModel,
    settings: Settings,
    baselines: Sequence[Baseline],
) -> Iterator[list[Record]]:
    sessions = [session for target in targets for session in _sessions(where, target, settings)]
    _play(where, [session.user for session in sessions], model)
    for _, own in groupby(sessions, key=lambda session: session.target):
        records: list[Record] = []
        for session in own:
            records += _model_records(where, session, model.name, settings.modes)
            records += _baseline_records(where, session, baselines, settings.modes)
        yield records


def _sessions(where: _Slice, target: Target, settings: Settings) -> Iterator[_Session]:
    """One user for each start and repeat: modes that begin alike share the user, who goes as far as the longest."""
    reference, spacing = target_mask(where.case, where.plane, target.structure), where.plane.spacing
    for start in dict.fromkeys(mode.start for mode in settings.modes):
        own = [mode for mode in settings.modes if mode.start == start]
        for repeat in range(max(mode.repeats for mode in own)):
            repeated = [mode for mode in own if mode.repeats > repeat]
            random = _generator(settings.seed, where.case.name, target, start, repeat)
            prompts = starting_prompts(start, reference, spacing, reference_scale(where.plane), random)
            user = SimulatedUser(
                prompts,
                reference,
                spacing,
                corrections=max(mode.corrections for mode in repeated),
                until_goal=any(mode.until_goal for mode in repeated),
            )
            yield _Session(target, start, repeat, prompts, user)


def _generator(seed: int, case_name: str, target: Target, start: Start, repeat: int) -> np.random.Generator:
    key = f"{case_name}/{target.structure.layer}/{target.structure.value}/{target.index}/{start.box}/{repeat}"
    return np.random.default_rng([seed, zlib.crc32(key.encode())])


def _play(where: _Slice, users: list[SimulatedUser], model: PromptableModel) -> None:
    """All users of a slice in step, so that the slice is prepared once for each round and not for each click."""
    (embedding,) = model.encode([SliceImage(where.pixels, where.plane.spacing)])
    while users:
        answers = model.decode(embedding, [user.prompts for user in users])
        for user, answer in zip(users, answers, strict=True):
            user.see(answer)
        users = [user for user in users if not user.is_content]


def _model_records(where: _Slice, session: _Session, method: str, modes: tuple[Mode, ...]) -> Iterator[Record]:
    user = session.user
    for mode in modes:
        if mode.start != session.start or session.repeat >= mode.repeats:
            continue
        step = user.goal_step() if mode.until_goal else user.step_after(mode.corrections)
        yield replace(
            _record(where, session, method, mode, step.mask),
            clicks=step.clicks,
            predicted_iou=step.predicted_iou,
            best_dice=step.best_dice,
            emptied=step.last_was_negative and not step.mask.any(),
        )


def _baseline_records(
    where: _Slice, session: _Session, baselines: Sequence[Baseline], modes: tuple[Mode, ...]
) -> Iterator[Record]:
    start = session.start
    if session.repeat > 0 or (start.point and start.box):
        return
    for mode in modes:
        if mode.start != start or mode.corrections or mode.until_goal:
            continue
        for baseline in baselines:
            if baseline.needs_box == (start.box is not None):
                mask = baseline.segment(where.pixels, session.first_prompts)
                yield _record(where, session, baseline.name, mode, mask)


def _record(where: _Slice, session: _Session, method: str, mode: Mode, mask: NDArray[np.bool_]) -> Record:
    reference = session.user.reference
    return Record(
        case=where.case.name,
        structure=session.target.structure.name,
        index=session.target.index,
        method=method,
        mode=mode.name,
        repeat=session.repeat,
        overlap=overlap(mask, reference),
        hausdorff95_mm=hausdorff95(mask, reference, where.plane.spacing),
        clicks=len(session.first_prompts.points),
    )
