"""``python -m SAMSegmentLib.training.picture FILE.png``: synthetic slices beside real ones, to look at.

The real slices come with nibabel (an echo-planar MR of a brain) and pydicom (a CT and an MR), so that anyone can draw
the picture again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from ..io.atomic import atomic_path
from .anatomy import PART
from .config import load_config
from .generator import generate_slice
from .streams import SLICE_STREAM

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE, _GAP, _CAPTION = 160, 2, 16  # pixels
_COLUMNS = 5
_COLOURS = 200  # of the stored palette


def draw_picture() -> Image.Image:
    """A row of real slices, then rows of synthetic slices and of their structures."""
    seed = load_config("builtin-1").seed
    numbers = range(2 * _COLUMNS)
    synthetic = [generate_slice(np.random.default_rng((seed, SLICE_STREAM, number))) for number in numbers]
    colours = np.random.default_rng(4).integers(50, 255, (256, 3)).astype(np.uint8)
    colours[0] = 0
    rows = [("real slices", [Image.fromarray(_square(pixels)) for pixels in _real_slices()])]
    for first in (0, _COLUMNS):
        shown = synthetic[first : first + _COLUMNS]
        rows.append(("synthetic slices", [Image.fromarray(each.pixels) for each in shown]))
        rows.append(("their structures and parts", [Image.fromarray(colours[each.labels[PART]]) for each in shown]))
    return _laid_out(rows)


def _laid_out(rows: list[tuple[str, list[Image.Image]]]) -> Image.Image:
    picture = Image.new("RGB", (_COLUMNS * (_TILE + _GAP) - _GAP, len(rows) * (_TILE + _CAPTION)), "white")
    for number, (caption, images) in enumerate(rows):
        top = number * (_TILE + _CAPTION)
        ImageDraw.Draw(picture).text((2, top + 2), caption, fill="black")
        for column, image in enumerate(images):
            tile = image.resize((_TILE, _TILE), Image.Resampling.BILINEAR)
            picture.paste(tile.convert("RGB"), (column * (_TILE + _GAP), top + _CAPTION))
    return picture


def _real_slices() -> list[NDArray[np.uint8]]:
    import nibabel
    import pydicom
    from pydicom.data import get_testdata_file

    path = Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz"
    brain = np.asanyarray(nibabel.load(path).dataobj)[..., 0]
    slices = [brain[:, ::-1, index].T for index in (7, 11, 15)]
    slices += [pydicom.dcmread(str(get_testdata_file(name))).pixel_array for name in ("CT_small.dcm", "MR_small.dcm")]
    return [_to_8bit(pixels) for pixels in slices]


def _to_8bit(pixels: NDArray) -> NDArray[np.uint8]:
    low, high = np.percentile(pixels, [0.5, 99.5])
    shown: NDArray[np.uint8] = np.rint(np.clip((pixels - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    return shown


def _square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = max(pixels.shape)
    before = [(side - length) // 2 for length in pixels.shape]
    margins = [(margin, side - length - margin) for margin, length in zip(before, pixels.shape, strict=True)]
    return np.pad(pixels, margins)


if __name__ == "__main__":
    with atomic_path(Path(sys.argv[1])) as temporary:
        draw_picture().quantize(_COLOURS).save(temporary, optimize=True)
