"""The volume that everything works on: voxels, where they lie in the patient, and what they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


# Below this determinant (mm^3) the three voxel axes do not span space.
_SMALLEST_VOXEL_MM3 = 1e-9

# How far geometries of one image may differ that were stored as float32, as a rotation or as text: axes and origin in
# voxels, and the origin relative to itself.
_AXIS_TOLERANCE = 1e-3
_ORIGIN_TOLERANCE, _RELATIVE_ORIGIN_TOLERANCE = 1e-2, 2e-6


@dataclass(frozen=True)
class Window:
    """A display window: grey values ``level - width / 2 .. level + width / 2`` span black to white."""

    level: float
    width: float


@dataclass(frozen=True)
class SourceFrame:
    """One stored DICOM frame that a volume was made from.

    ``pixel_to_ras`` is 4x4 and maps (column, row, 0, 1) of the frame, pixel centres at integers, to RAS in mm.
    """

    path: Path
    frame: int  # 1-based, as DICOM counts; 1 for a single-frame instance
    sop_instance_uid: str
    shape: tuple[int, int]  # (rows, columns)
    pixel_to_ras: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar volume in patient space.

    :param array: voxels, indexed [k, j, i], real numbers in the modality's units (Hounsfield units for CT).
    :param ijk_to_ras: 4x4, maps (i, j, k, 1), voxel centres at integers, to RAS in mm. Sheared axes are not
        allowed: readers resample or refuse such files.
    :param name: what a user would call it (file or series description).
    :param modality: DICOM's abbreviation ("CT", "MR", ...), "" when unknown.
    :param window: the window stored with the image, None when there is none.
    :param inverted: low values are meant to be shown white (DICOM's MONOCHROME1); the values are as stored.
    :param source_frames: the DICOM frames it was read from; empty for other formats.
    :param notes: what a reader changed or skipped, one sentence each, to be shown to the user.
    :raises InputError: not 3D, empty, complex or of unusable geometry.
    """

    array: NDArray
    ijk_to_ras: NDArray[np.float64]
    name: str = ""
    modality: str = ""
    window: Window | None = None
    inverted: bool = False
    source_frames: tuple[SourceFrame, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        label = self.name or "the volume"
        if self.array.ndim != 3:
            raise InputError(f"{label}: a volume has 3 dimensions, this has {self.array.ndim}; choose one 3D frame.")
        if 0 in self.array.shape:
            raise InputError(f"{label}: holds no voxels (shape {self.array.shape[::-1]}); check the file.")
        if self.array.dtype.kind not in "iufb":
            raise InputError(f"{label}: voxels of type {self.array.dtype} are not real numbers; convert it to scalars.")
        matrix = np.asarray(self.ijk_to_ras, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise InputError(f"{label}: its geometry is not a finite 4x4 matrix; repair the header.")
        if not spans_space(matrix):
            raise InputError(f"{label}: its voxel axes do not span space; repair the orientation in the header.")
        object.__setattr__(self, "ijk_to_ras", matrix)

    @property
    def shape_ijk(self) -> tuple[int, int, int]:
        """Number of voxels along i, j and k."""
        k, j, i = self.array.shape
        return i, j, k

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between neighbouring voxels along i, j and k."""
        i, j, k = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @cached_property
    def ras_to_ijk(self) -> NDArray[np.float64]:
        """4x4 inverse of ``ijk_to_ras``."""
        return np.asarray(np.linalg.inv(self.ijk_to_ras), dtype=np.float64)

    @cached_property
    def fingerprint(self) -> str:
        """What identifies the image: ``digest:geometry``.

        The digest (hexadecimal) is that of shape and voxel values, whatever number type stores them. The geometry is
        the first three rows of ``ijk_to_ras``, column by column, as text: formats store it with different precision,
        so two fingerprints are compared with :func:`fingerprints_match`, not with ``==``.
        """
        digest = hashlib.blake2b(repr(self.array.shape).encode(), digest_size=16)
        for voxels in self.array:
            digest.update(_portable(voxels))
        # Rounding and + 0.0 turn 1e-17 and -0.0, which rotations leave, into 0.
        numbers = np.round(self.ijk_to_ras[:3].T.ravel(), 7) + 0.0
        return f"{digest.hexdigest()}:{','.join(f'{number:.7g}' for number in numbers)}"

    def contains(self, ijk: tuple[int, int, int]) -> bool:
        """Whether the voxel (i, j, k) lies in the volume."""
        return all(0 <= value < count for value, count in zip(ijk, self.shape_ijk, strict=True))


def spans_space(ijk_to_ras: NDArray[np.float64]) -> bool:
    """Whether the voxel axes of a 4x4 in mm enclose a volume: none has no length, no two run the same way."""
    return bool(abs(np.linalg.det(ijk_to_ras[:3, :3])) >= _SMALLEST_VOXEL_MM3)


def fingerprints_match(first: str, second: str) -> bool:
    """Whether two values of :attr:`Volume.fingerprint` are of one image: equal voxels in the same place.

    Geometry may differ by the precision of file formats: a thousandth of a voxel along each axis.

    :returns: False also for text that is no fingerprint.
    """
    digest, _, geometry = first.partition(":")
    other_digest, _, other_geometry = second.partition(":")
    one, other = _parsed_geometry(geometry), _parsed_geometry(other_geometry)
    if digest != other_digest or one is None or other is None:
        return False
    sizes = np.linalg.norm(one[:3], axis=1, keepdims=True)
    axes_match = np.abs(one[:3] - other[:3]) <= _AXIS_TOLERANCE * sizes
    allowed = _ORIGIN_TOLERANCE * sizes.min() + _RELATIVE_ORIGIN_TOLERANCE * np.abs(one[3]).max()
    return bool(axes_match.all() and np.abs(one[3] - other[3]).max() <= allowed)


def _parsed_geometry(text: str) -> NDArray[np.float64] | None:
    """The i, j and k axes and the origin, 4x3 in mm."""
    try:
        numbers = np.array([float(number) for number in text.split(",")]).reshape(4, 3)
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _portable(voxels: NDArray) -> bytes:
    """Values whatever type stores them: as float32 if that holds all of them exactly, else as float64."""
    # Beyond float32 a value becomes infinite and so differs.
    with np.errstate(over="ignore"):
        single = voxels.astype("<f4")
    if voxels.dtype.itemsize <= 2 or voxels.dtype == np.float32 or np.array_equal(single, voxels):
        return single.tobytes()
    return voxels.astype("<f8").tobytes()
