"""Simple methods under the same prompts as the models: what a model has to be better than.

Otsu, 1979; GrabCut: Rother et al., 2004 (OpenCV); random walker: Grady, 2006 (scikit-image); confidence-connected
region growing: ITK Software Guide, section "Region Growing" (SimpleITK).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..errors import InputError
from .targets import largest_component

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..prompts import SlicePrompts

    Method = Callable[[NDArray[np.uint8], SlicePrompts], NDArray[np.bool_]]

# The settings were tried on 130 slices of real cases, and the best were kept: a weak baseline would flatter the model.
# GrabCut and the random walker see the box and this part of its side around it: enough background to learn from.
_MARGIN = 0.5
# The part of the box's width and height that is taken as certainly inside. Without it GrabCut mostly ends empty.
_CORE = 0.7
_GRABCUT_ROUNDS = 5
_WALKER_STIFFNESS = 600.0
_WALKER_TOLERANCE = 1e-3
_GROWING_ROUNDS = 1  # more of them leak
_GROWING_DEVIATIONS = 2.5  # ITK's default


@dataclass(frozen=True)
class Baseline:
    """A method that needs no training.

    :param needs_box: it takes a box; otherwise the first point.
    :param segment: 8-bit pixels [row, column] and prompts to a bool mask of the same shape.
    """

    name: str
    needs_box: bool
    segment: Method


def load_baselines() -> tuple[Baseline, ...]:
    """All baselines.

    :raises InputError: the libraries that some of them come from are not installed.
    """
    try:
        import cv2  # noqa: F401 - only asked for
        import skimage.segmentation  # noqa: F401 - only asked for
    except ImportError as error:
        raise InputError(
            f"The baselines need a library that is not installed ({error.name}); "
            "install it with pip install 'samsegment[evaluate]', or add --no-baselines."
        ) from None
    return (
        Baseline("filled box", True, fill_box),
        Baseline("ellipse in box", True, ellipse_in_box),
        Baseline("Otsu in box", True, otsu_in_box),
        Baseline("GrabCut", True, grabcut),
        Baseline("random walker", True, random_walker),
        Baseline("confidence connected", False, confidence_connected),
    )


def fill_box(pixels: NDArray[np.uint8], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """The whole box."""
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[_box_slices(prompts, pixels.shape)] = True
    return mask


def ellipse_in_box(pixels: NDArray[np.uint8], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """The ellipse that touches the box's edges: pixels whose centre it contains."""
    return _ellipse(pixels.shape, prompts, 1.0)


def otsu_in_box(pixels: NDArray[np.uint8], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """The brighter or the darker part of the box by Otsu's threshold, its largest component with holes filled.

    It is the brighter one when more of the inscribed ellipse is bright than of the box's corners.
    """
    from skimage.filters import threshold_otsu

    box = _box_slices(prompts, pixels.shape)
    inside = pixels[box]
    if inside.min() == inside.max():
        return fill_box(pixels, prompts)
    bright = inside > threshold_otsu(inside)
    middle = ellipse_in_box(pixels, prompts)[box]
    is_bright = _share(bright, middle) >= _share(bright, ~middle)
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[box] = ndimage.binary_fill_holes(largest_component(bright if is_bright else ~bright))
    return mask


def grabcut(pixels: NDArray[np.uint8], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """GrabCut on the box and its surroundings: outside is background, the box's core foreground."""
    import cv2

    crop = _surroundings(prompts, pixels.shape)
    box = fill_box(pixels, prompts)
    if box[crop].all():  # nothing around the box to learn the background from
        return box
    states = np.where(box[crop], cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    states[_core(pixels.shape, prompts)[crop]] = cv2.GC_FGD
    grey = np.repeat(pixels[crop][:, :, None], 3, axis=2)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its first clusters are drawn at random
    cv2.grabCut(grey, states, None, background, foreground, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[crop] = (states == cv2.GC_FGD) | (states == cv2.GC_PR_FGD)
    return mask


def random_walker(pixels: NDArray[np.uint8], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """Random walker from seeds in the box's core (inside) and around the box (outside)."""
    from skimage.segmentation import random_walker as walk

    crop = _surroundings(prompts, pixels.shape)
    box, core = fill_box(pixels, prompts)[crop], _core(pixels.shape, prompts)[crop]
    if box.all():  # no seed outside
        return fill_box(pixels, prompts)
    seeds = np.where(box, 0, 2)
    seeds[core] = 1
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[crop] = core  # nothing is left to be decided in a very small box
    if (seeds == 0).any():
        with warnings.catch_warnings():
            # The coarse tolerance leaves probabilities a little outside of 0..1; only the larger one matters.
            warnings.filterwarnings("ignore", "The probability range is outside", UserWarning)
            mask[crop] = walk(pixels[crop], seeds, _WALKER_STIFFNESS, mode="cg_j", tol=_WALKER_TOLERANCE) == 1
    return mask


def confidence_connected(pixels: NDArray[np.uint8], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """Region growing from the point over grey values within 2.5 standard deviations of the region's mean."""
    import SimpleITK as sitk

    column, row = prompts.points[0]
    grown = sitk.ConfidenceConnected(
        sitk.GetImageFromArray(pixels.astype(np.float32)),
        seedList=[(round(column), round(row))],
        numberOfIterations=_GROWING_ROUNDS,
        multiplier=_GROWING_DEVIATIONS,
        initialNeighborhoodRadius=1,
        replaceValue=1,
    )
    mask: NDArray[np.bool_] = sitk.GetArrayFromImage(grown) > 0
    return mask


def _box_corners(prompts: SlicePrompts) -> tuple[float, float, float, float]:
    if prompts.box is None:
        raise ValueError("a baseline for boxes was asked without a box")
    return prompts.box


def _box_slices(prompts: SlicePrompts, shape: tuple[int, ...], margin: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns of the box, widened by a part of its sides and by at least a pixel when a margin is wanted."""
    column0, row0, column1, row1 = _box_corners(prompts)
    across, down = (max(1.0, margin * side) if margin else 0.0 for side in (column1 - column0 + 1, row1 - row0 + 1))
    rows = slice(max(0, round(row0 - down)), min(shape[0], round(row1 + down) + 1))
    columns = slice(max(0, round(column0 - across)), min(shape[1], round(column1 + across) + 1))
    return rows, columns


def _surroundings(prompts: SlicePrompts, shape: tuple[int, ...]) -> tuple[slice, slice]:
    return _box_slices(prompts, shape, _MARGIN)


def _share(mask: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
    """The part of the pixels in ``where`` that are in the mask; 0 when there are none."""
    return float(mask[where].mean()) if where.any() else 0.0


def _core(shape: tuple[int, ...], prompts: SlicePrompts) -> NDArray[np.bool_]:
    """The middle of the box, at least one pixel."""
    column0, row0, column1, row1 = _box_corners(prompts)
    core = _ellipse(shape, prompts, _CORE)
    core[round((row0 + row1) / 2), round((column0 + column1) / 2)] = True
    return core


def _ellipse(shape: tuple[int, ...], prompts: SlicePrompts, part: float) -> NDArray[np.bool_]:
    """The ellipse inscribed in the box, its axes shortened to a part of the box's sides."""
    column0, row0, column1, row1 = _box_corners(prompts)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    across = (columns - (column0 + column1) / 2) / ((column1 - column0 + 1) / 2 * part)
    down = (rows - (row0 + row1) / 2) / ((row1 - row0 + 1) / 2 * part)
    inside: NDArray[np.bool_] = across**2 + down**2 <= 1
    return inside
