"""Frames grouped into stacks that can be opened as one volume, and the choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ..choices import SeriesChoiceNeededError, SeriesSummary
from .frames import finite_numbers, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .frames import Frame
    from .headers import Header

# Frames of one stack may differ by this much, as header text is rounded (unit vectors; parts of the spacing).
_ORIENTATION_TOLERANCE = 2e-3
_SPACING_TOLERANCE = 1e-3

# How many series one error sentence lists.
_LISTED_SERIES = 12


@dataclass(frozen=True)
class Stack:
    """Frames of one series that are alike in shape, orientation, spacing and kind; not yet in order.

    ``copies`` says how many files of the series were left out as copies.
    """

    selector: str
    frames: tuple[Frame, ...]
    copies: int

    @property
    def modality(self) -> str:
        """DICOM's abbreviation, "" when unknown."""
        return str(self.frames[0].header.dataset.get("Modality") or "")

    @property
    def description(self) -> str:
        """The SeriesDescription, "" when there is none."""
        return str(self.frames[0].header.dataset.get("SeriesDescription") or "").strip()

    @property
    def summary(self) -> SeriesSummary:
        """What a user chooses by."""
        return SeriesSummary(self.selector, self.modality, self.description, len(self.frames), self.frames[0].shape)


def build_stacks(headers: Iterable[Header]) -> tuple[Stack, ...]:
    """All stacks, in the order of series number and UID; independent of file names.

    :raises InputError: a header contradicts itself.
    """
    series: dict[str, list[Header]] = {}
    for header in headers:
        series.setdefault(header.series_uid, []).append(header)
    stacks = []
    for uid in sorted(series, key=lambda uid: (_series_number(series[uid][0]), uid)):
        unique = _without_copies(series[uid])
        frames = [frame for header in unique for frame in frames_of(header)]
        groups = sorted(_alike(frames), key=_stack_order)
        for number, group in enumerate(groups, start=1):
            selector = f"{uid}#{number}" if len(groups) > 1 else uid
            stacks.append(Stack(selector, tuple(group), len(series[uid]) - len(unique)))
    return tuple(stacks)


def choose_stack(stacks: tuple[Stack, ...], selector: str | None, source: Path) -> Stack:
    """The stack that ``selector`` names, or the only one there is.

    :param selector: SeriesInstanceUID, or one of the stacks' selectors.
    :raises SeriesChoiceNeededError: several are left.
    :raises InputError: there is no such series.
    """
    left = stacks
    if selector is not None:
        left = tuple(stack for stack in stacks if selector in (stack.selector, stack.selector.partition("#")[0]))
    if len(left) == 1:
        return left[0]
    if not left:
        raise InputError(f"{source} holds no series {selector}; choose with --series one of: {_listed(stacks)}.")
    raise SeriesChoiceNeededError(
        f"{source} holds {len(left)} image series; choose one with --series: {_listed(left)}.",
        tuple(stack.summary for stack in left),
    )


def _listed(stacks: tuple[Stack, ...]) -> str:
    entries = []
    for stack in stacks[:_LISTED_SERIES]:
        summary = stack.summary
        rows, columns = summary.shape
        described = f"{summary.description}, " if summary.description else ""
        entries.append(
            f"{summary.selector} ({summary.modality or 'unknown modality'}, {described}"
            f"{summary.image_count} image{'s' if summary.image_count != 1 else ''} of {columns}x{rows})"
        )
    more = len(stacks) - len(entries)
    return ", ".join(entries) + (f" and {more} more" if more else "")


def _series_number(header: Header) -> int:
    number = finite_numbers(header.dataset.get("SeriesNumber"), 1)
    return int(number[0]) if number else 0


def _without_copies(headers: list[Header]) -> list[Header]:
    """One file for each SOPInstanceUID: the first by path. Files without a UID are all kept."""
    seen: dict[str, Header] = {}
    for header in sorted(headers, key=lambda header: header.path):
        seen.setdefault(header.instance_uid or str(header.path), header)
    return list(seen.values())


def _alike(frames: list[Frame]) -> list[list[Frame]]:
    groups: list[list[Frame]] = []
    for frame in frames:
        for group in groups:
            if _same_stack(group[0], frame):
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _same_stack(one: Frame, other: Frame) -> bool:
    return (
        one.shape == other.shape
        and one.stack_id == other.stack_id
        and one.header.dataset.get("PhotometricInterpretation") == other.header.dataset.get("PhotometricInterpretation")
        and np.allclose(one.orientation, other.orientation, rtol=0, atol=_ORIENTATION_TOLERANCE)
        and np.allclose(one.spacing, other.spacing, rtol=_SPACING_TOLERANCE)
    )


def _stack_order(frames: list[Frame]) -> tuple[float, int, list[float]]:
    """Stacks of a series by their first instance and frame numbers, then by orientation."""
    *_, instance, index = min(frame.time_key[3:] for frame in frames)
    return instance, int(index), frames[0].orientation.ravel().tolist()
