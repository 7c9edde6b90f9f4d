"""Images for the viewer's tests: a real scan that comes with nibabel, and generated ones."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import nibabel
import numpy as np

from Testing.generated import ball

# A bright ball in the middle of noise: outlines are where they are expected.
BALL_SHAPE = (24, 64, 64)
BALL_CENTER = (32, 32, 12)
BALL_RADIUS_MM = 14.0
BALL_SPACING = (1.0, 1.0, 2.0)

# Two balls that are not where a mirrored picture would have them: centres in RAS mm and radii. The first one is on the
# patient's left, in front; the other one on the right, behind.
SPOTS_SHAPE = (64, 64, 24)
SPOTS = (((-16.0, 9.0, 0.0), 9.0), ((14.0, -5.0, 0.0), 6.0))


def real_scan() -> Path:
    """A real brain scan of 128x96x24 voxels and two frames, which nibabel brings along."""
    with as_file(files("nibabel") / "tests" / "data" / "example4d.nii.gz") as path:
        return Path(path)


def ball_mask() -> np.ndarray:
    """The ball, bool [k, j, i]."""
    return ball(BALL_SHAPE, BALL_CENTER, BALL_RADIUS_MM, BALL_SPACING)


def write_ball(path: Path, finer: int = 1) -> Path:
    """A NIfTI image with the ball, grey values 100 in noise around 20.

    :param finer: how many times more voxels along each axis.
    """
    random = np.random.default_rng(7)
    mask = ball_mask().repeat(finer, 0).repeat(finer, 1).repeat(finer, 2)
    array = random.normal(20, 4, mask.shape) + 80 * mask
    image = nibabel.Nifti1Image(array.T.astype(np.int16), np.diag([*(length / finer for length in BALL_SPACING), 1.0]))
    nibabel.save(image, path)
    return path


def write_spots(path: Path, affine: np.ndarray) -> Path:
    """A NIfTI image of 64x64x24 voxels with two bright balls beside the middle, which is at RAS (0, 0, 0).

    :param affine: of the voxels' size and direction; its offset is replaced.
    """
    to_ras = affine.copy()
    to_ras[:3, 3] = -affine[:3, :3] @ ((np.array(SPOTS_SHAPE) - 1) / 2)
    ras = nibabel.affines.apply_affine(to_ras, np.moveaxis(np.indices(SPOTS_SHAPE), 0, -1))
    array = np.random.default_rng(7).normal(20, 4, SPOTS_SHAPE)
    for center, radius in SPOTS:
        array[np.linalg.norm(ras - center, axis=-1) <= radius] += 80
    nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), to_ras), path)
    return path


def coloured(picture: np.ndarray) -> int:
    """How many pixels of a picture [row, column, RGB] are not grey."""
    return int(np.count_nonzero(picture.max(axis=-1).astype(int) - picture.min(axis=-1) > 40))
