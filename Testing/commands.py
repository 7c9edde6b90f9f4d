"""What tests of ``samsegment segment`` share: images, running it, and reading what it wrote."""

from importlib.resources import files
from pathlib import Path

import nibabel
import numpy as np

from SAMSegmentLib.cli import run
from Testing.generated import affine_for, ball, rotation

BRAIN = Path(str(files("nibabel") / "tests" / "data" / "example4d.nii.gz"))


def ball_image(folder: Path) -> tuple[Path, np.ndarray]:
    """A bright ball at voxel (20, 16, 10) with 1 x 1 x 2 mm voxels, oblique, as NIfTI; and its mask [k, j, i]."""
    inside = ball((20, 32, 40), (20, 16, 10), 9, (1, 1, 2))
    noise = np.random.default_rng(1).normal(0, 6, inside.shape)
    affine = affine_for((0, 1, 2), (1, 1, 1), (1, 1, 2))
    affine[:3, :3] = rotation((4, -7, 10)) @ affine[:3, :3]
    path = folder / "phantom.nii.gz"
    nibabel.save(nibabel.Nifti1Image((inside * 120 + 60 + noise).astype(np.int16).transpose(2, 1, 0), affine), path)
    return path, inside


def segmented(*arguments: object) -> None:
    """Run the command; it succeeds."""
    assert run(["segment", *map(str, arguments)]) == 0


def dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """Dice's overlap of two masks."""
    return 2 * np.count_nonzero(mask & reference) / (np.count_nonzero(mask) + np.count_nonzero(reference))


def labels_of(path: Path) -> np.ndarray:
    """The labels [k, j, i] of a NIfTI file."""
    return np.asarray(nibabel.load(path).dataobj).transpose(2, 1, 0)
