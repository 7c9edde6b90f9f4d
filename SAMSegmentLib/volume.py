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
        if abs(np.linalg.det(matrix[:3, :3])) < _SMALLEST_VOXEL_MM3:
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
        """Hexadecimal digest of voxels and geometry: equal for equal images, whatever the file's name or format.

        Geometry is rounded to 1e-4 mm, so that formats which store it as text or float32 agree.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr(self.array.shape).encode())
        digest.update(np.ascontiguousarray(self.array, dtype=np.float32).tobytes())
        # + 0.0 turns a rounded -0.0 into 0.0: the same place must not have two digests.
        digest.update((np.round(self.ijk_to_ras, 4) + 0.0).tobytes())
        return digest.hexdigest()

    def contains(self, ijk: tuple[int, int, int]) -> bool:
        """Whether the voxel (i, j, k) lies in the volume."""
        return all(0 <= value < count for value, count in zip(ijk, self.shape_ijk, strict=True))
