"""From what a file stores to a volume: one frame chosen, ordinary number types, finite values, right angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..geometry import is_sheared
from ..volume import Volume
from .checks import check_geometry, check_memory, replace_nonfinite
from .choices import FrameChoiceNeededError
from .stored_voxels import check_declared_size, load_frame, reading_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from .stored_voxels import StoredVoxels

# A tilted gantry adds some tenths of a volume; a grid that grows more than this has a damaged header.
_LARGEST_GROWTH = 4

_ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img.gz", ".img")


def assemble_volume(
    stored: StoredVoxels,
    ijk_to_ras: NDArray[np.float64],
    *,
    frame: int | None,
    slope: float = 1.0,
    intercept: float = 0.0,
    notes: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Volume:
    """Read the voxels that a header declares and make a volume of them.

    Integers stay integers unless the header scales them; scaled values are float32 (float64 when the stored type holds
    more than 24 bits). 64-bit integers become int32 where they fit and float64 otherwise, float16 becomes float32,
    float32 and float64 stay. Non-finite values get the smallest finite one. A sheared grid is resampled.

    :param ijk_to_ras: 4x4 in mm.
    :param frame: 0-based number of the 3D frame; None when there should be only one.
    :param slope: voxel values are ``stored * slope + intercept``.
    :param notes: what the reader of the header has to say.
    :raises FrameChoiceNeededError: several frames and ``frame`` is None.
    :raises InputError: anything else that keeps it from being a volume.
    """
    path = stored.path
    _check_shape(stored)
    check_geometry(ijk_to_ras, path)
    chosen = choose_frame(path, stored.frame_count, frame)
    check_declared_size(stored)
    is_scaled = (slope, intercept) != (1.0, 0.0)
    check_memory(_peak_bytes(stored, ijk_to_ras, is_scaled=is_scaled), str(path))
    array = _usual_type(load_frame(stored, chosen, progress))
    if is_scaled:
        array = _scaled(array, slope, intercept)
    notes += replace_nonfinite(array, path)
    if array.min() == array.max():
        notes += (f"Every voxel has the value {array.flat[0]:g}; there is nothing to see.",)
    if is_sheared(ijk_to_ras):
        from .regrid import NEW_GRID_NOTE, make_rectangular

        array, ijk_to_ras = make_rectangular(array, ijk_to_ras)
        notes += (
            "Its voxel axes are not at right angles (tilted gantry); it was resampled to a rectangular grid.",
            NEW_GRID_NOTE,
        )
    return Volume(array=array, ijk_to_ras=ijk_to_ras, name=volume_name(path), notes=notes)


def volume_name(path: Path) -> str:
    """The file name without its ending."""
    for ending in _ENDINGS:
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)]
    return path.name


def choose_frame(path: Path, frame_count: int, frame: int | None) -> int:
    """The 0-based frame to read.

    :raises FrameChoiceNeededError: several frames and none was asked for.
    :raises InputError: there is no such frame.
    """
    if frame is None:
        if frame_count == 1:
            return 0
        raise FrameChoiceNeededError(
            f"{path}: holds {frame_count} 3D frames (time points, say); choose one with --frame 0 to "
            f"--frame {frame_count - 1}.",
            frame_count,
        )
    if not 0 <= frame < frame_count:
        which = f"frames 0 to {frame_count - 1}" if frame_count > 1 else "only frame 0"
        raise InputError(f"{path}: has {which}, not {frame}; choose another --frame.")
    return frame


def scalar_type(path: Path, dtype: np.dtype) -> np.dtype:
    """``dtype`` when it is one real number per voxel.

    :raises InputError: colours, complex numbers or extended precision.
    """
    if dtype.names is not None or dtype.kind == "V":
        raise InputError(f"{path}: its voxels are colours (RGB), not grey values; convert it to a scalar image.")
    if dtype.kind == "c":
        raise InputError(f"{path}: its voxels are complex numbers; save the magnitude or the phase as an image.")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise InputError(f"{path}: its voxels are of type {dtype.name}; convert it to a usual type such as float32.")
    return dtype


def _check_shape(stored: StoredVoxels) -> None:
    if min(*stored.shape_ijk, stored.frame_count) < 1:
        sizes = " x ".join(str(size) for size in stored.shape_ijk)
        raise InputError(f"{stored.path}: holds no voxels ({sizes}); repair the header or export it again.")


def _peak_bytes(stored: StoredVoxels, ijk_to_ras: NDArray[np.float64], *, is_scaled: bool) -> int:
    """Most bytes that are in use at one time on the way from the file to the volume."""
    count = math.prod(stored.shape_ijk)
    usual = _widest_usual_type(stored.dtype)
    result = _scaled_type(usual) if is_scaled else usual
    steps = [reading_bytes(stored)]
    if usual.itemsize != stored.dtype.itemsize or stored.dtype.kind != usual.kind:
        steps.append(stored.frame_bytes + count * usual.itemsize)
    if is_scaled:
        steps.append(count * (usual.itemsize + result.itemsize))
    if result.kind == "f":
        # The mask of the voxels that are finite.
        steps.append(count * (result.itemsize + 1))
    if is_sheared(ijk_to_ras):
        # Resampling works in double precision, then converts.
        steps.append(count * result.itemsize + _regridded_count(stored, ijk_to_ras) * (8 + result.itemsize))
    return max(steps)


def _regridded_count(stored: StoredVoxels, ijk_to_ras: NDArray[np.float64]) -> int:
    """Voxels of the rectangular grid.

    :raises InputError: absurdly many.
    """
    from .regrid import rectangular_grid

    shape, _ = rectangular_grid(stored.shape_ijk, ijk_to_ras)
    if math.prod(shape) > _LARGEST_GROWTH * math.prod(stored.shape_ijk):
        raise InputError(
            f"{stored.path}: its voxel axes are so far from right angles that a rectangular grid would take "
            f"{math.prod(shape) / math.prod(stored.shape_ijk):.1f} times the voxels; repair the header or resample it."
        )
    return math.prod(shape)


def _widest_usual_type(dtype: np.dtype) -> np.dtype:
    """The type that :func:`_usual_type` gives at most; which one 64-bit integers become depends on their values."""
    if dtype == np.float16:
        return np.dtype(np.float32)
    return np.dtype(np.float64) if dtype.kind in "iu" and dtype.itemsize == 8 else dtype


def _usual_type(array: NDArray) -> NDArray:
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        fits = limits.min <= int(array.min()) and int(array.max()) <= limits.max
        return array.astype(np.int32 if fits else np.float64)
    return array


def _scaled(array: NDArray, slope: float, intercept: float) -> NDArray:
    scaled = array.astype(_scaled_type(array.dtype))
    # A damaged header may scale beyond the type: such voxels become infinite, which replace_nonfinite reports.
    with np.errstate(over="ignore", invalid="ignore"):
        scaled *= scaled.dtype.type(slope)
        scaled += scaled.dtype.type(intercept)
    return scaled


def _scaled_type(dtype: np.dtype) -> np.dtype:
    """float32 where it holds all values of ``dtype`` exactly, else float64."""
    return np.dtype(np.float32 if dtype.itemsize <= 2 or dtype == np.float32 else np.float64)
