"""Layers of the fast encoder: weights of stock modules in the form and the precision that they are computed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor

from .fast_attention import RelativePositions, relative_positions


class Linear(NamedTuple):
    """A linear layer in the precision of matrix products."""

    weight: Tensor  # (inputs, outputs)
    bias: Tensor  # (outputs,)

    def __call__(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """(n, inputs) of any precision to (n, outputs), written to ``out`` where that is given."""
        return torch.addmm(self.bias, x.to(self.weight.dtype), self.weight, out=out)


class Norm(NamedTuple):
    """A layer norm over channels, in float32."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """(..., channels) of any precision to the same shape in float32."""
        return F.layer_norm(x.float(), self.weight.shape, self.weight, self.bias, self.eps)


class Attention(NamedTuple):
    """An attention module on squares of tokens: windows, or the whole picture."""

    heads: int
    qkv: Linear
    proj: Linear
    positions: RelativePositions
    windows: Tensor | None  # (windows, places): the token at each place; None: one square of all tokens


class Block(NamedTuple):
    """A transformer block."""

    norm1: Norm
    attention: Attention
    norm2: Norm
    lin1: Linear
    lin2: Linear


@dataclass(frozen=True)
class Converter:
    """Brings the weights of stock modules to a device and a precision.

    :param dtype: of matrix products; norms stay in float32.
    """

    device: torch.device
    dtype: torch.dtype

    def weights(self, parameter: Tensor) -> Tensor:
        """A factor of matrix products."""
        return parameter.detach().to(self.device, self.dtype)

    def linear(self, weight: Tensor, bias: Tensor | None) -> Linear:
        """A linear layer of a weight (outputs, ...), or a convolution whose kernel is as large as its stride."""
        if bias is None:
            bias = weight.new_zeros(len(weight))
        return Linear(self.weights(weight).flatten(1).T, self.weights(bias))

    def norm(self, stock: Any) -> Norm:
        """A ``LayerNorm``, or a ``LayerNorm2d`` of segment_anything, which has the channels elsewhere."""
        weight, bias = (parameter.detach().to(self.device, torch.float32) for parameter in (stock.weight, stock.bias))
        return Norm(weight, bias, stock.eps)

    def block(self, stock: Any, side: int, windows: Tensor | None) -> Block:
        """A ``Block`` of segment_anything's image encoder.

        :param side: tokens along a side of the squares that it attends in.
        :param windows: see :class:`Attention`.
        """
        attn, mlp = stock.attn, stock.mlp
        qkv, proj, lin1, lin2 = (
            self.linear(layer.weight, layer.bias) for layer in (attn.qkv, attn.proj, mlp.lin1, mlp.lin2)
        )
        attention = Attention(attn.num_heads, qkv, proj, self._positions(attn, side), windows)
        return Block(self.norm(stock.norm1), attention, self.norm(stock.norm2), lin1, lin2)

    def _positions(self, attn: Any, side: int) -> RelativePositions:
        if attn.use_rel_pos:
            tables = relative_positions(attn.rel_pos_h, attn.rel_pos_w, side)
        else:
            width = attn.proj.in_features // attn.num_heads
            tables = RelativePositions(*attn.proj.weight.new_zeros(2, side, side, width))
        return RelativePositions(*(self.weights(table) for table in tables))
