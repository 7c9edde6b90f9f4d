"""Labelmaps: one number per voxel, on the image's own grid, as NIfTI or NRRD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from ..segments import one_line
from .atomic import atomic_path
from .checks import check_memory_to_write
from .nrrd_write import write_nrrd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..segments import Segment
    from ..volume import Volume

# NIfTI-1 counts voxels along an axis in 16 bits.
_LONGEST_NIFTI1_AXIS = 32767

# A note that lists hundreds of segments helps nobody.
_NAMED = 12


def label_array(path: Path, volume: Volume, segments: Sequence[Segment]) -> tuple[NDArray, int]:
    """Voxels numbered by segment: 1 for the first, a later segment wins where two overlap.

    :param path: the file to be written, named in errors.
    :returns: [k, j, i] in the smallest unsigned type, and the number of voxels that an earlier segment lost.
    :raises OutputError: larger than memory.
    """
    dtype = np.dtype(np.uint8 if len(segments) <= 255 else np.uint16)
    # The labels, and those under a mask while they are counted.
    check_memory_to_write(2 * volume.array.size * dtype.itemsize, path)
    labels = np.zeros(volume.array.shape, dtype=dtype)
    lost = 0
    for number, segment in enumerate(segments, start=1):
        mask = segment.mask.astype(bool, copy=False)
        lost += int(np.count_nonzero(labels[mask]))
        labels[mask] = number
    return labels, lost


def write_nifti_labelmap(path: Path, volume: Volume, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Write .nii or .nii.gz; sform and qform are both the image's geometry, so that every program agrees.

    :returns: notes for the user.
    :raises OutputError: cannot be written; an old file stays.
    """
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    labels, lost = label_array(path, volume, segments)
    image_class = Nifti1Image if max(labels.shape) <= _LONGEST_NIFTI1_AXIS else Nifti2Image
    image = image_class(labels.T, volume.ijk_to_ras)
    image.set_sform(volume.ijk_to_ras, code="scanner")
    image.set_qform(volume.ijk_to_ras, code="scanner")
    image.header.set_xyzt_units(xyz="mm")
    image.header.set_intent("label")
    with atomic_path(path) as temporary:
        image.to_filename(temporary)
    return _notes(segments, lost)


def write_nrrd_labelmap(path: Path, volume: Volume, segments: Sequence[Segment]) -> tuple[str, ...]:
    """Write .nrrd without Slicer's segment names (that is .seg.nrrd).

    :returns: notes for the user.
    :raises OutputError: cannot be written; an old file stays.
    """
    labels, lost = label_array(path, volume, segments)
    with atomic_path(path) as temporary:
        write_nrrd(temporary, labels, volume.ijk_to_ras)
    return _notes(segments, lost)


def check_label_count(path: Path, segments: Sequence[Segment]) -> None:
    """Refuse more segments than a 16 bit label can number.

    :raises OutputError: too many.
    """
    if len(segments) > np.iinfo(np.uint16).max:
        raise OutputError(f"{path}: {len(segments)} segments do not fit into one file; write fewer.")


def _notes(segments: Sequence[Segment], lost: int) -> tuple[str, ...]:
    shown = [f"{number} = {one_line(segment.name)}" for number, segment in enumerate(segments[:_NAMED], start=1)]
    if len(segments) > _NAMED:
        shown.append(f"... {len(segments)}, in their order")
    notes: tuple[str, ...] = (f"A labelmap stores numbers without names and colours: {', '.join(shown)}.",)
    if lost:
        notes += (f"{lost} voxels are in several segments and went to the later one; .seg.nrrd keeps both.",)
    return notes
