"""From the modality's grey values to the 8 bits a model and a picture take. The voxels themselves are never altered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError
from .volume import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .volume import Volume

AUTO = "auto"
FULL = "full"
PERCENTILE = "percentile"

# Level and width in Hounsfield units as usually taught (Radiopaedia, "Windowing (CT)").
PRESETS: dict[str, Window] = {
    "brain": Window(40, 80),
    "subdural": Window(75, 215),
    "lung": Window(-600, 1500),
    "bone": Window(400, 1800),
    "abdomen": Window(50, 400),
    "liver": Window(30, 150),
    "mediastinum": Window(50, 350),
}

_PERCENTILES = (0.5, 99.5)
# Percentiles of more voxels than this are taken over every n-th one: the third digit does not change, the wait does.
_MOST_VOXELS_SORTED = 1 << 24


def check_window(spec: str) -> str:
    """``spec`` itself when it is ``auto``, ``full``, ``percentile``, a preset's name or LEVEL,WIDTH.

    :raises InputError: it is none of these.
    """
    if spec not in (AUTO, FULL, PERCENTILE, *PRESETS):
        _level_and_width(spec)
    return spec


def resolve_window(volume: Volume, spec: str = AUTO) -> Window:
    """The window for a whole volume, the same for all of its slices.

    ``auto`` takes the window stored with the image; else CT soft tissue where the values look like Hounsfield units;
    else ``percentile``: the 0.5 to 99.5 percentiles of the volume. ``full`` spans all values.

    :raises InputError: ``spec`` is not auto, full, percentile, a preset or LEVEL,WIDTH.
    """
    if spec in PRESETS:
        return PRESETS[spec]
    if spec == FULL:
        return _between(float(volume.array.min()), float(volume.array.max()))
    if spec == PERCENTILE:
        return _percentile_window(volume)
    return _auto_window(volume) if spec == AUTO else _level_and_width(spec)


def looks_like_hounsfield(volume: Volume) -> bool:
    """Whether the values are CT numbers: not known to be of another modality, with air and with soft tissue in them."""
    if volume.modality not in ("", "CT"):
        return False
    values = _sample(volume.array)
    if values.min() > -500 or values.max() < 100:
        return False
    air = np.count_nonzero(values < -500) / values.size
    tissue = np.count_nonzero((values > -200) & (values < 300)) / values.size
    return bool(air > 0.01 and tissue > 0.01)


def to_8bit(pixels: NDArray, window: Window, *, inverted: bool = False) -> NDArray[np.uint8]:
    """Grey values as 0 (black) to 255 (white), clipped outside of the window.

    :param inverted: show low values white, as DICOM's MONOCHROME1 asks for.
    """
    low = window.level - window.width / 2
    scaled = (pixels.astype(np.float32) - np.float32(low)) * np.float32(255.0 / window.width)
    grey: NDArray[np.uint8] = np.clip(np.rint(255 - scaled if inverted else scaled), 0, 255).astype(np.uint8)
    return grey


def _auto_window(volume: Volume) -> Window:
    if volume.window is not None:
        return volume.window
    return PRESETS["abdomen"] if looks_like_hounsfield(volume) else _percentile_window(volume)


def _percentile_window(volume: Volume) -> Window:
    low, high = np.percentile(_sample(volume.array), _PERCENTILES)
    if low == high:  # a small object in an empty volume: the percentiles would blank it
        low, high = volume.array.min(), volume.array.max()
    return _between(float(low), float(high))


def _level_and_width(spec: str) -> Window:
    try:
        level, width = (float(part) for part in spec.split(","))
    except ValueError as error:
        presets = ", ".join(PRESETS)
        raise InputError(f"Window {spec!r} is not auto, full, percentile, LEVEL,WIDTH or one of {presets}.") from error
    if not (np.isfinite(level) and np.isfinite(width) and width > 0):
        raise InputError(f"Window {spec!r}: the width must be a number above 0.")
    return Window(level, width)


def _between(low: float, high: float) -> Window:
    # A constant image still needs a width; one unit shows it as mid grey.
    return Window((low + high) / 2, (high - low) or 1.0)


def _sample(array: NDArray) -> NDArray:
    step = -(-array.size // _MOST_VOXELS_SORTED)
    return array.reshape(-1)[::step]
