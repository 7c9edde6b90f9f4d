"""Convolutions for inference in the form that the processor computes fastest.

torch rearranges a convolution's weights at each call, and adds and rectifies in passes of their own. oneDNN, which does
the work, can be handed rearranged weights and does all in one pass. These are the operators that torch's compiler puts
in (``torch/_inductor/fx_passes/mkldnn_fusion.py``); they have no public name, and another torch may lack them or take
other arguments, so they are tried before use.
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn

from .builtin_layers import ConvNormRelu, ResidualBlock
from .devices import has_native_bfloat16

# The processor computes 16 outputs of a pixel at once, whether there are as many or not.
_FEW = 4


def can_pack(device: torch.device, number_type: torch.dtype) -> bool:
    """Whether packing works and is known to be faster: bfloat16 on a processor that multiplies it."""
    return (
        device.type == "cpu"
        and number_type is torch.bfloat16
        and has_native_bfloat16(device)
        and _operators_do_what_they_should()
    )


@torch.no_grad()
def pack_convolutions(module: nn.Module) -> None:
    """Replace the convolutions in a module, with the additions and rectifiers that follow in the same layer.

    Answers are equal within rounding: sums are rounded once instead of twice.

    :param module: batch normalisations folded, weights in their final number type; it can no longer be trained.
    """
    for name, child in module.named_children():
        if isinstance(child, ResidualBlock):
            setattr(module, name, _PackedResidualBlock(child))
        elif isinstance(child, ConvNormRelu):
            setattr(module, name, _PackedConv(child.conv, "relu"))
        elif isinstance(child, nn.Conv2d):
            setattr(module, name, _packed_alone(child))
        else:
            pack_convolutions(child)


def _packed_alone(conv: nn.Conv2d) -> nn.Module:
    """A convolution whose result is left as it is."""
    if conv.kernel_size == (1, 1):
        return _PointwiseConv(conv)
    is_plain = (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    if is_plain and conv.out_channels <= _FEW:
        return _FewOutputsConv(conv)
    return _PackedConv(conv, "none")


class _PointwiseConv(nn.Module):
    """A 1x1 convolution as the matrix product that it is, which takes less preparation."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(conv.weight.detach().flatten(1), requires_grad=False)
        self._bias = conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """What the convolution makes of (n, c, h, w); both are channels-last."""
        return F.linear(x.permute(0, 2, 3, 1), self.weight, self._bias).permute(0, 3, 1, 2)


class _PackedConv(nn.Module):
    """A convolution and what is done to its result: "relu" or "none"."""

    def __init__(self, conv: nn.Conv2d, activation: str) -> None:
        super().__init__()
        self._activation = activation
        self._bias = conv.bias
        padding, stride, dilation = ([*pair] for pair in (conv.padding, conv.stride, conv.dilation))
        self._geometry = padding, stride, dilation, conv.groups
        self._weight = torch._C._nn.mkldnn_reorder_conv2d_weight(conv.weight.detach().to_mkldnn(), *self._geometry)

    def forward(self, x: Tensor) -> Tensor:
        """What the convolution makes of (n, c, h, w)."""
        convolved: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._weight, self._bias, *self._geometry, self._activation, [], None
        )
        return convolved

    def rectified_sum(self, x: Tensor, other: Tensor) -> Tensor:
        """The rectified sum of the convolution of ``x`` and of ``other``, which it is written to."""
        summed: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            other, x, self._weight, self._bias, *self._geometry, "add", 1.0, "relu", [], None
        )
        return summed


class _FewOutputsConv(nn.Module):
    """A 3x3 convolution with few outputs, computed for 2x2 pixels at once: as one of 4x4 with four times as many."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        channels_out, channels_in, *_ = conv.weight.shape
        weight = conv.weight.new_zeros(channels_out, 2, 2, channels_in, 4, 4)
        for row, column in product(range(2), range(2)):
            weight[:, row, column, :, row : row + 3, column : column + 3] = conv.weight
        wide = nn.Conv2d(channels_in, 4 * channels_out, 4, 2, 1, bias=False, device="meta")
        wide.weight = nn.Parameter(weight.flatten(0, 2), requires_grad=False)
        if conv.bias is not None:
            wide.bias = nn.Parameter(conv.bias.repeat_interleave(4), requires_grad=False)
        self._wide = _PackedConv(wide, "none")

    def forward(self, x: Tensor) -> Tensor:
        """What the convolution makes of (n, c, h, w), both sides even."""
        return F.pixel_shuffle(self._wide(x), 2)


class _PackedResidualBlock(nn.Module):
    """:class:`ResidualBlock`, whose input is used up."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self._first = _PackedConv(block.first.conv, "relu")
        self._second = _PackedConv(block.second.conv, "none")

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same tensor with new values."""
        return self._second.rectified_sum(self._first(x), x)


@torch.no_grad()
def _operators_do_what_they_should() -> bool:
    """Whether torch has the operators, they take these arguments, and a small block comes out right."""
    conv = nn.Conv2d(16, 16, 3, padding=1, bias=False, device="meta")
    conv.weight = nn.Parameter(torch.linspace(-0.1, 0.1, 16 * 16 * 9).bfloat16().view(16, 16, 3, 3))
    x = torch.linspace(-1, 1, 1024).bfloat16().view(1, 16, 8, 8).contiguous(memory_format=torch.channels_last)
    expected = F.relu(conv(F.relu(conv(x))) + x)
    try:
        computed = _PackedConv(conv, "none").rectified_sum(_PackedConv(conv, "relu")(x), x)
    except (RuntimeError, TypeError, AttributeError):
        return False
    return torch.allclose(computed, expected, rtol=0.02, atol=0.02)
