"""Frames grouped into stacks that can be opened as one volume, and the choice among them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...geometry import Orientation
from ..choices import SeriesChoiceNeededError, SeriesSummary
from .frames import finite_numbers, frames_of
from .headers import element_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydicom import Dataset

    from .frames import Frame
    from .headers import Header

# Frames of one stack may differ by this much, as header text is rounded (unit vectors; parts of the spacing).
_ORIENTATION_TOLERANCE = 2e-3
_SPACING_TOLERANCE = 1e-3

# The planes across the axes L, P and S.
_PLANES = (Orientation.SAGITTAL, Orientation.CORONAL, Orientation.AXIAL)

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
        first = self.frames[0]
        return SeriesSummary(
            self.selector,
            self.modality,
            self.description,
            len(self.frames),
            first.shape,
            _stated_number(first.header),
            _PLANES[int(np.argmax(np.abs(first.normal)))],
            first.spacing if first.slice_spacing is None else (*first.spacing, first.slice_spacing),
            _taken_at(first.header.dataset),
        )


@dataclass(frozen=True)
class Stacks:
    """What can be opened, and what cannot.

    :param usable: in the order of series number and UID.
    :param refused: by SeriesInstanceUID, why a series cannot be opened: a header of it contradicts itself.
    """

    usable: tuple[Stack, ...]
    refused: Mapping[str, InputError]

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence about the series that were left out, if there are any."""
        if not self.refused:
            return ()
        uid, error = next(iter(self.refused.items()))
        more = len(self.refused) - 1
        others = f" and {more} other{'s' if more != 1 else ''}" if more else ""
        return (f"Left out the series {uid or 'without a UID'}{others}, since {error}",)

    def summaries(self) -> tuple[SeriesSummary, ...]:
        """What a user chooses from.

        :raises InputError: no series can be opened.
        """
        if not self.usable:
            raise next(iter(self.refused.values()))
        return tuple(stack.summary for stack in self.usable)


def build_stacks(headers: Iterable[Header]) -> Stacks:
    """All stacks; independent of file names. A damaged series keeps none of the others from being opened."""
    series: dict[str, list[Header]] = {}
    for header in headers:
        series.setdefault(header.series_uid, []).append(header)
    stacks: list[Stack] = []
    refused: dict[str, InputError] = {}
    for uid in sorted(series, key=lambda uid: (_series_number(series[uid][0]), uid)):
        unique = _without_copies(series[uid])
        try:
            frames = [frame for header in unique for frame in frames_of(header)]
        except InputError as error:
            refused[uid] = error
            continue
        groups = sorted(_alike(frames), key=_stack_order)
        for number, group in enumerate(groups, start=1):
            selector = f"{uid}#{number}" if len(groups) > 1 else uid
            stacks.append(Stack(selector, tuple(group), len(series[uid]) - len(unique)))
    return Stacks(tuple(stacks), refused)


def choose_stack(stacks: Stacks, selector: str | None, source: Path) -> Stack:
    """The stack that ``selector`` names, or the only one there is.

    :param selector: SeriesInstanceUID, or one of the stacks' selectors.
    :raises SeriesChoiceNeededError: several are left.
    :raises InputError: there is no such series, or it is damaged.
    """
    if selector is not None and (error := stacks.refused.get(selector.partition("#")[0])):
        raise error
    summaries = stacks.summaries()
    left = stacks.usable
    if selector is not None:
        left = tuple(stack for stack in left if selector in (stack.selector, stack.selector.partition("#")[0]))
    if len(left) == 1:
        return left[0]
    if not left:
        raise InputError(f"{source} holds no series {selector}; choose with --series one of: {_listed(summaries)}.")
    damaged = f" ({len(stacks.refused)} more cannot be read)" if stacks.refused and selector is None else ""
    raise SeriesChoiceNeededError(
        f"{source} holds {len(left)} image series{damaged}; choose one with --series: "
        f"{_listed(tuple(stack.summary for stack in left))}.",
        tuple(stack.summary for stack in left),
    )


def _listed(summaries: tuple[SeriesSummary, ...]) -> str:
    entries = []
    for summary in summaries[:_LISTED_SERIES]:
        rows, columns = summary.shape
        described = f"{summary.description}, " if summary.description else ""
        entries.append(
            f"{summary.selector} ({summary.modality or 'unknown modality'}, {described}"
            f"{summary.image_count} image{'s' if summary.image_count != 1 else ''} of {columns}x{rows})"
        )
    more = len(summaries) - len(entries)
    return ", ".join(entries) + (f" and {more} more, which 'samsegment info' lists" if more else "")


def _series_number(header: Header) -> int:
    return _stated_number(header) or 0


def _stated_number(header: Header) -> int | None:
    number = finite_numbers(header.dataset.get("SeriesNumber"), 1)
    return int(number[0]) if number else None


def _taken_at(dataset: Dataset) -> str:
    """Date and time of the series, or of its first image, as people write them; "" when they are not stored."""
    for kind in ("Series", "Acquisition"):
        date = _digits(element_value(dataset, f"{kind}Date"), 8)
        if date:
            time = _digits(element_value(dataset, f"{kind}Time"), 4)
            return f"{date[:4]}-{date[4:6]}-{date[6:]}" + (f" {time[:2]}:{time[2:]}" if time else "")
    return ""


def _digits(value: object, count: int) -> str:
    """The digits that a date (DA) or a time (TM) begins with, "" when it is none; dots and colons are old style."""
    text = str(value or "").replace(".", "").replace(":", "")[:count]
    return text if len(text) == count and text.isdigit() else ""


def _without_copies(headers: list[Header]) -> list[Header]:
    """One file for each SOPInstanceUID: the first by path. Files without a UID are all kept."""
    seen: dict[str, Header] = {}
    for header in sorted(headers, key=lambda header: header.path):
        seen.setdefault(header.instance_uid or str(header.path), header)
    return list(seen.values())


def _alike(frames: list[Frame]) -> list[list[Frame]]:
    kinds: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        meaning = str(frame.header.dataset.get("PhotometricInterpretation"))
        kinds[frame.shape, frame.stack_id, meaning].append(frame)
    return [group for kind in kinds.values() for group in _parallel(kind)]


def _parallel(frames: list[Frame]) -> list[list[Frame]]:
    """Frames of equal orientation and pixel spacing, in the order of their first members.

    All that are left are compared at once with the first of them: a radial series has as many groups as frames.
    """
    orientations = np.array([frame.orientation.ravel() for frame in frames])
    spacings = np.array([frame.spacing for frame in frames])
    groups = []
    left = np.arange(len(frames))
    while left.size:
        turned = np.abs(orientations[left] - orientations[left[0]]).max(axis=1)
        same = (turned <= _ORIENTATION_TOLERANCE) & np.isclose(
            spacings[left], spacings[left[0]], rtol=_SPACING_TOLERANCE
        ).all(axis=1)
        groups.append([frames[index] for index in left[same]])
        left = left[~same]
    return groups


def _stack_order(frames: list[Frame]) -> tuple[float, int, list[float]]:
    """Stacks of a series by their first instance and frame numbers, then by orientation."""
    *_, instance, index = min(frame.time_key[3:] for frame in frames)
    return instance, int(index), frames[0].orientation.ravel().tolist()
