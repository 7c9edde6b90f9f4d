"""Layers that the built-in model's encoder and decoder are made of."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn


class ConvNorm(nn.Module):
    """A convolution without bias and its batch normalisation."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) to (n, channels_out, h / stride, w / stride)."""
        normalised: Tensor = self.norm(self.conv(x))
        return normalised


class ConvNormRelu(ConvNorm):
    """:class:`ConvNorm` followed by a rectifier."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) to (n, channels_out, h / stride, w / stride)."""
        return F.relu(super().forward(x), inplace=True)


class ResidualBlock(nn.Module):
    """Two convolutions around a shortcut (He et al., 2016); the first may be dilated."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvNormRelu(channels, channels, dilation=dilation)
        self.second = ConvNorm(channels, channels)
        # A quiet start of the branch lets a deep stack train with a high learning rate.
        nn.init.constant_(self.second.norm.get_parameter("weight"), 0.25)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same shape."""
        branch: Tensor = self.second(self.first(x))
        return F.relu(branch.add_(x), inplace=True)


def double(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, c, 2h, 2w), bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
