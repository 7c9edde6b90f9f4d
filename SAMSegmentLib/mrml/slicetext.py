"""A slice as it is written into the scene, ``axial 41``, alone or with a number of something in it: ``axial 41 2``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..geometry import Orientation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..segmentstate import SliceKey


def slice_text(key: SliceKey, number: int = 0) -> str:
    """Such as ``axial 41 2``."""
    return f"{key[0].value} {key[1]} {number}"


def slice_and_number(text: str) -> tuple[SliceKey, int] | None:
    """The inverse of :func:`slice_text`; None for any other text: somebody may have edited it."""
    name, *numbers = text.split() or [""]
    if len(numbers) != 2 or name not in [item.value for item in Orientation]:
        return None
    if not all(number.isascii() and number.isdecimal() for number in numbers):
        return None
    return (Orientation(name), int(numbers[0])), int(numbers[1])


def slices_text(numbers: Mapping[SliceKey, int]) -> str:
    """Several slices with a number each, separated by commas."""
    return ",".join(slice_text(key, number) for key, number in numbers.items())


def slices_and_numbers(text: str) -> dict[SliceKey, int]:
    """The inverse of :func:`slices_text`; what is no slice is left out."""
    return dict(item for item in map(slice_and_number, text.split(",")) if item) if text else {}
