"""The mask of one slice as it is written in a prompts file: run lengths, whole numbers in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .geometry import Orientation, slice_plane
from .prompts import known_members

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .volume import Volume

_MEMBERS = {"orientation", "index", "shape", "runs", "confidence"}
_MOST_PIXELS = 1 << 30


def run_lengths(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """The lengths of the runs of equal pixels of a mask [row, column], row by row, as :attr:`SavedMask.runs`."""
    pixels = mask.ravel()
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = [0] if pixels[0] else []
    return tuple(np.diff([*starts, 0, *changes, pixels.size]).tolist())


@dataclass(frozen=True)
class SavedMask:
    """A mask that nothing in the file makes again: an accepted one, or one that propagation made earlier.

    :param shape: (rows, columns).
    :param runs: lengths of the runs of equal pixels, row by row; the first is outside of the mask, and may be 0.
    :param confidence: 0..1, of a propagated one; None where it is not known.
    """

    orientation: Orientation
    index: int
    shape: tuple[int, int]
    runs: tuple[int, ...]
    confidence: float | None = None

    @classmethod
    def of(
        cls, orientation: Orientation, index: int, mask: NDArray[np.bool_], confidence: float | None = None
    ) -> SavedMask:
        """Of a slice's mask [row, column]."""
        rows, columns = mask.shape
        return cls(orientation, index, (rows, columns), run_lengths(mask), confidence)

    @property
    def key(self) -> tuple[Orientation, int]:
        """The slice that the mask belongs to."""
        return self.orientation, self.index

    def check(self, volume: Volume, name: str) -> None:
        """Refuse it when it is no mask of the slice that it is for.

        :param name: of its segment.
        :raises InputError: the volume has no such slice, or one of other pixels.
        """
        plane = slice_plane(volume, self.orientation, self.index)
        if self.shape != plane.shape:
            raise InputError(
                f"segment {name!r}: the saved mask of {self.orientation.value} slice {self.index} has "
                f"{self.shape[0]}x{self.shape[1]} pixels, the slice {plane.shape[0]}x{plane.shape[1]}."
            )

    def unpack(self) -> NDArray[np.bool_]:
        """The mask, bool [row, column]."""
        is_inside = np.arange(len(self.runs)) % 2 == 1
        return np.repeat(is_inside, self.runs).reshape(self.shape)

    def to_json(self) -> dict[str, Any]:
        """Plain data for :mod:`json`."""
        data: dict[str, Any] = {
            "orientation": self.orientation.value,
            "index": self.index,
            "shape": list(self.shape),
            "runs": list(self.runs),
        }
        return data if self.confidence is None else data | {"confidence": self.confidence}

    @classmethod
    def from_json(cls, data: Any) -> SavedMask:
        """The inverse of :meth:`to_json`; nothing is unpacked yet.

        :raises InputError: a member is missing or of the wrong kind, or the runs do not fill the shape.
        """
        known_members(data, "a saved mask", _MEMBERS)
        try:
            orientation = Orientation(data["orientation"])
            index, (rows, columns), runs = data["index"], data["shape"], tuple(data["runs"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("a saved mask needs an orientation, index, shape [rows, columns] and runs.") from error
        if not all(type(value) is int and 0 <= value <= _MOST_PIXELS for value in (index, rows, columns, *runs)):
            raise InputError(f"a saved mask: index, shape and runs are whole numbers from 0 to {_MOST_PIXELS}.")
        if 0 in runs[1:]:
            raise InputError("a saved mask: no run but the first may be empty.")
        if not 0 < rows * columns <= _MOST_PIXELS or sum(runs) != rows * columns:
            raise InputError(
                f"a saved mask: {orientation.value} slice {index} has runs of {sum(runs)} pixels in all "
                f"and a shape of {rows}x{columns}; they must agree."
            )
        confidence = data.get("confidence")
        if confidence is not None and not (type(confidence) in (int, float) and 0 <= confidence <= 1):
            raise InputError(f"a saved mask: its confidence is a number from 0 to 1, not {confidence!r}.")
        return cls(orientation, index, (rows, columns), runs, confidence)
