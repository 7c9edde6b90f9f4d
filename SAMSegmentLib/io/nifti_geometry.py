"""Where a NIfTI image lies: which of its two stored orientations counts, and what to say when they disagree.

The sform is a 4x4 matrix, the qform a rotation with the voxel sizes (NIfTI-1 standard, "3D image orientation and
location in space"). The standard lets programs choose; here the choice is that of ITK (``NiftiImageIO``,
``SetImageIOOrientationFromNIfTI`` in ITK 5.4), and so of Slicer, where ITK makes a sound one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..geometry import apply_transform, corner_voxels, is_sheared, shear_cosine
from .checks import check_geometry

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# sform and qform that differ less than this anywhere in the image differ by rounding only.
_ROUNDING_MM = 0.01

# ITK does not take an sform beside a qform when its axes miss right angles by more than this (a cosine).
_ITK_SHEAR_COSINE = 1e-4

_SCANNER = 1

_NO_ORIENTATION = (
    "Its orientation is not stored; it was assumed that i runs to the left, j to anterior and k up, "
    "while Slicer assumes j to posterior and shows it mirrored: store an orientation before you compare."
)

_MM_PER_UNIT = {"meter": 1000.0, "micron": 0.001}


def nifti_geometry(
    path: Path, header: Any, shape_ijk: tuple[int, int, int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The 4x4 from IJK to RAS in mm, and notes for the user.

    Without sform and qform it is nibabel's assumption. Two forms that disagree are chosen from as ITK does; only a
    sheared sform, which ITK cannot hold, is kept, since it says where the voxels were measured.

    :param header: a nibabel NIfTI header.
    :param shape_ijk: voxels along i, j and k; the corners are where forms are compared.
    :raises InputError: the stored orientation cannot be understood.
    """
    from nibabel.spatialimages import HeaderDataError

    try:
        sform = header.get_sform(coded=True)[0]
        # A damaged qform matters only where it is used.
        qform = None if sform is not None and not _qform_is_sound(header) else header.get_qform(coded=True)[0]
        ijk_to_ras = np.asarray(header.get_best_affine(), dtype=np.float64)
        unit = header.get_xyzt_units()[0]
    except (HeaderDataError, ValueError, KeyError) as error:
        raise InputError(f"{path}: its orientation cannot be understood ({error}); repair the header.") from None
    scale = np.diag([_MM_PER_UNIT.get(unit, 1.0)] * 3 + [1.0])
    notes: tuple[str, ...] = ()
    if unit in _MM_PER_UNIT:
        notes += (f"Its lengths are stored in {unit}s and were converted to mm.",)
    if sform is None and qform is None:
        return scale @ ijk_to_ras, (*notes, _NO_ORIENTATION)
    if sform is None or qform is None:
        return scale @ ijk_to_ras, notes
    sform, qform = scale @ sform, scale @ qform
    check_geometry(sform, path)
    distance = _largest_distance(sform, qform, shape_ijk)
    # Written so that NaN in the qform leaves the sform, too.
    if not distance > _ROUNDING_MM:
        return sform, notes
    chosen, choice = _chosen(sform, qform, int(header["sform_code"]))
    return chosen, (*notes, f"Its two orientations (sform and qform) differ by up to {distance:.3g} mm; {choice}.")


def _chosen(sform: NDArray[np.float64], qform: NDArray[np.float64], sform_code: int) -> tuple[NDArray[np.float64], str]:
    """One of two forms that disagree, and the words for the choice."""
    if is_sheared(sform):
        return sform, "the sform was used, which is sheared, while Slicer itself would drop the shear"
    if shear_cosine(sform) > _ITK_SHEAR_COSINE:
        return qform, "the qform was used, as Slicer does"
    if sform_code == _SCANNER:
        if np.allclose(_voxel_sizes(sform), _voxel_sizes(qform), rtol=1e-3):
            return sform, "the sform was used, as Slicer does"
        return sform, "the sform was used, as Slicer does, which takes the voxel size of the qform, though"
    if _is_flipped(sform, qform):
        return sform, "the sform was used, as Slicer does unless the volume is oblique"
    return qform, "the qform was used, as Slicer does"


def _is_flipped(sform: NDArray[np.float64], qform: NDArray[np.float64]) -> bool:
    """Whether the forms differ in the signs of voxel axes only.

    ITK means to compare the rotations of the two, but what it compares (one factor of their singular value
    decompositions) is the same for flipped axes; in an oblique volume rounding decides.
    """
    sizes, qform_sizes = _voxel_sizes(sform), _voxel_sizes(qform)
    cosines = (sform[:3, :3] / sizes).T @ (qform[:3, :3] / qform_sizes)
    return (
        np.allclose(np.abs(cosines), np.eye(3), atol=1e-3)
        and np.allclose(sizes, qform_sizes, rtol=1e-3)
        and np.allclose(sform[:3, 3], qform[:3, 3], atol=1e-4)
    )


def _voxel_sizes(ijk_to_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(ijk_to_ras[:3, :3], axis=0), dtype=np.float64)


def _qform_is_sound(header: Any) -> bool:
    from nibabel.spatialimages import HeaderDataError

    try:
        header.get_qform(coded=True)
    except (HeaderDataError, ValueError):
        return False
    return True


def _largest_distance(sform: NDArray[np.float64], qform: NDArray[np.float64], shape_ijk: tuple[int, int, int]) -> float:
    """The farthest in mm that a voxel lies from itself between the two forms: at a corner, since both are affine."""
    corners = corner_voxels(shape_ijk)
    return float(np.linalg.norm(apply_transform(sform, corners) - apply_transform(qform, corners), axis=1).max())
