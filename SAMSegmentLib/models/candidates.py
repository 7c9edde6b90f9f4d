"""From a model's low-resolution logits to the three masks a user is shown, in the slice's own pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ..errors import InputError
from .interface import Candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ..prompts import SlicePrompts

_MULTIMASK_TOKENS = (1, 2, 3)
_SHOWN = 3
_BAND = 128  # slice rows
_STABILITY_OFFSET = 1.0  # logits


class Window(NamedTuple):
    """A part of a slice."""

    rows: slice
    columns: slice


class SliceResampler(NamedTuple):
    """Bilinear resampling of logits [row, column] to a slice, as one matrix for each direction.

    Resampling is linear and separable: two small products do in one step what interpolating, cropping and interpolating
    again does, without the large picture in between.
    """

    rows: Tensor  # (slice rows, logit rows) float32
    columns: Tensor  # (slice columns, logit columns) float32
    bands: tuple[tuple[slice, slice], ...] = ((slice(None), slice(None)),)  # slice rows, and the logit rows they need

    def __call__(self, logits: Tensor, window: Window | None = None) -> Tensor:
        """(n, logit rows, logit columns) to the window of (n, slice rows, slice columns), float32."""
        rows, columns = window or self._whole()
        stretched = logits @ self.columns[columns].T
        bands = [
            torch.bmm(self.rows[targets, cells].expand(len(logits), -1, -1), stretched[:, cells])
            for targets, cells in self._bands_within(rows)
        ]
        return bands[0] if len(bands) == 1 else torch.cat(bands, dim=1)

    def window(self, logits: Tensor, threshold: float) -> Window:
        """A part of the slice outside of which no resampled logit exceeds the threshold.

        :param logits: (n, logit rows, logit columns).
        """
        if logits.device.type != "cpu":
            # There, waiting for the extent takes longer than resampling everything.
            return self._whole()
        above = np.any(logits.numpy() > threshold, axis=0)
        rows, columns = (np.flatnonzero(above.any(axis=axis)) for axis in (1, 0))
        return Window(_reached(self.rows, rows), _reached(self.columns, columns))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the slice."""
        return len(self.rows), len(self.columns)

    def _whole(self) -> Window:
        return Window(slice(0, len(self.rows)), slice(0, len(self.columns)))

    def _bands_within(self, rows: slice) -> list[tuple[slice, slice]]:
        within = []
        for targets, cells in self.bands:
            start, stop, _ = targets.indices(len(self.rows))
            start, stop = max(start, rows.start), min(stop, rows.stop)
            if start < stop:
                within.append((slice(start, stop), cells))
        return within or [(slice(0, 0), slice(None))]


def _reached(matrix: Tensor, cells: NDArray[np.int_]) -> slice:
    """The targets from the first to the last that the cells weigh in, of a matrix (targets, cells)."""
    if cells.size == 0:
        return slice(0, 0)
    targets = np.flatnonzero(matrix[:, cells[0] : cells[-1] + 1].numpy().any(axis=1))
    # Cells beyond the slice weigh in nowhere.
    return slice(int(targets[0]), int(targets[-1]) + 1) if targets.size else slice(0, 0)


def interpolation_matrix(cells: int, extent: float, targets: int, *, antialias: bool) -> NDArray[np.float64]:
    """The weights (targets, cells) that resample a line of cells, edges aligned.

    The span ``0 .. extent`` in cells (it may end within a cell) is divided into ``targets`` equal parts, and each takes
    the linear interpolation at its centre; beyond the outer cell centres the outer value holds. These are the positions
    of torch's ``interpolate(mode="bilinear", align_corners=False)``. With ``antialias`` the triangle is widened to the
    target's width where that is coarser than the cells, as in Pillow.
    """
    step = extent / targets
    # Cells that begin beyond the extent hold nothing of the slice.
    used = int(np.ceil(extent - 1e-9))
    places = np.clip((np.arange(targets) + 0.5) * step - 0.5, 0, used - 1)
    width = max(step, 1.0) if antialias else 1.0
    weights = np.zeros((targets, cells))
    weights[:, :used] = np.maximum(0.0, 1 - np.abs(places[:, None] - np.arange(used)) / width)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def row_bands(rows: NDArray[np.float64]) -> tuple[tuple[slice, slice], ...]:
    """Bands of slice rows with the logit rows that each needs, of a matrix as :func:`interpolation_matrix` makes them.

    On large slices nearly all of that matrix is zero, and products by bands skip it.
    """
    bands = []
    for start in range(0, len(rows), _BAND):
        targets = slice(start, min(start + _BAND, len(rows)))
        used = np.flatnonzero(rows[targets].any(axis=0))
        bands.append((targets, slice(int(used[0]), int(used[-1]) + 1)))
    return tuple(bands)


def require_prompt(prompts: SlicePrompts) -> None:
    """Refuse an empty set of prompts.

    :raises InputError: there is neither a point, a box nor a mask.
    """
    if prompts.box is None and prompts.logits is None and len(prompts.points) == 0:
        raise InputError("There is no prompt on this slice; add a point or a box.")


def logits_prompt(prompts: SlicePrompts, side: int) -> NDArray[np.float32] | None:
    """The mask prompt [row, column] as a model of ``side`` x ``side`` logits takes it, None when there is none.

    :raises InputError: it comes from another model.
    """
    if prompts.logits is None:
        return None
    if prompts.logits.shape != (side, side):
        shape = "x".join(str(count) for count in prompts.logits.shape)
        raise InputError(
            f"A mask prompt of this model is {side}x{side} logits, not {shape}; make it anew with the same model."
        )
    return np.ascontiguousarray(prompts.logits, dtype=np.float32)


def make_candidates(logits: Tensor, predicted_iou: Tensor, resample: SliceResampler, *, ambiguous: bool) -> Candidates:
    """The masks to show, best first.

    :param logits: (4, h, w) float32, of token 0 (one answer) and tokens 1 to 3 (several answers).
    :param predicted_iou: (4,) float32.
    :param ambiguous: whether the prompts leave open what is meant (:attr:`SlicePrompts.is_ambiguous`).
    """
    shown = _shown_tokens(predicted_iou.tolist(), ambiguous=ambiguous)
    chosen = logits[shown]
    window = resample.window(chosen, -_STABILITY_OFFSET)
    in_window = resample(chosen, window)
    masks = torch.zeros(len(shown), *resample.shape, dtype=torch.bool, device=logits.device)
    masks[:, window.rows, window.columns] = in_window > 0
    return Candidates(
        masks=to_host(masks),
        predicted_iou=predicted_iou[shown].clamp(0, 1).cpu().numpy(),
        stability=_stability(in_window).cpu().numpy(),
        logits=chosen.cpu().numpy(),
        best=0,
    )


def to_host(masks: Tensor) -> NDArray[np.bool_]:
    """Masks (n, rows, columns) bool as an array of the same shape; from a graphics processor they come as bits."""
    if masks.device.type == "cpu":
        return masks.numpy()
    bits = np.unpackbits(packed_bits(masks).cpu().numpy(), count=masks.numel())
    return bits.view(np.bool_).reshape(masks.shape)


def packed_bits(masks: Tensor) -> Tensor:
    """Eight pixels of bool masks in a byte (uint8), the first in its highest bit, as :func:`numpy.packbits` does."""
    flat = masks.flatten()
    padded = torch.nn.functional.pad(flat.to(torch.uint8), (0, -len(flat) % 8))
    weights = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8, device=masks.device)
    return (padded.view(-1, 8) * weights).sum(1, dtype=torch.uint8)


def _shown_tokens(predicted_iou: list[float], *, ambiguous: bool) -> list[int]:
    """Three tokens in the order in which they are shown (see :class:`Candidates`)."""
    multimask = sorted(_MULTIMASK_TOKENS, key=lambda token: predicted_iou[token], reverse=True)
    return multimask if ambiguous else [0, *multimask][:_SHOWN]


def _stability(logits: Tensor) -> Tensor:
    """(n,) IoU of each mask at the thresholds +1 and -1; 0 for an empty mask.

    The higher mask lies within the lower one, so their IoU is the quotient of their areas (stability score of
    facebookresearch/segment-anything).
    """
    inner = (logits > _STABILITY_OFFSET).sum((1, 2))
    outer = (logits > -_STABILITY_OFFSET).sum((1, 2))
    return inner.to(torch.float32) / outer.clamp(min=1)
