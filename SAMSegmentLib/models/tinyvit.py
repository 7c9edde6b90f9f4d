"""TinyViT as MobileSAM's image encoder, under the names of the published checkpoint.

TinyViT: Wu et al., TinyViT, ECCV 2022 (microsoft/Cream, TinyViT). The variant with 5 million parameters, its last stage
without downsampling and a neck to SAM's 256 features behind it, is MobileSAM's encoder: Zhang et al., Faster Segment
Anything, 2023 (ChaoningZhang/MobileSAM). Written from the architecture, in inference only, without the classifier.

Tensors are (batch, rows, columns, channels) between blocks; a convolution sees the same memory as
(batch, channels, rows, columns) in torch's channels-last format, so nothing is copied between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .steps import run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from .steps import Steps

_EXPANSION = 4  # of the hidden layers
_HEAD_WIDTH = 32
_NECK_WIDTH = 256


@dataclass(frozen=True)
class _Stage:
    width: int
    depth: int
    window: int  # side of an attention window; 0 where there is none
    stride: int  # of what follows the stage


_STAGES = (_Stage(64, 2, 0, 2), _Stage(128, 2, 7, 2), _Stage(160, 6, 14, 1), _Stage(320, 2, 7, 0))


class ConvNorm(nn.Module):
    """A convolution without bias and its batch normalisation (``c`` and ``bn``)."""

    def __init__(self, channels_in: int, channels_out: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(channels_in, channels_out, side, stride, padding=side // 2, groups=groups, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, h, w) to (n, channels_out, h / stride, w / stride)."""
        normalised: Tensor = self.bn(self.c(x))
        return normalised

    def fold(self) -> None:
        """Put the normalisation into the convolution, which only evaluation allows."""
        if isinstance(self.bn, nn.BatchNorm2d):
            self.c = fuse_conv_bn_eval(self.c, self.bn)
            self.bn = nn.Identity()


class PatchEmbedding(nn.Module):
    """Two strided convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, width // 2, 3, stride=2), nn.GELU(), ConvNorm(width // 2, width, 3, 2))

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, width, h / 4, w / 4)."""
        embedded: Tensor = self.seq(pixels)
        return embedded


class InvertedBottleneck(nn.Module):
    """A narrow-wide-narrow convolution with a shortcut (MBConv; Sandler et al., 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = width * _EXPANSION
        self.conv1 = ConvNorm(width, hidden, 1)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, width) to the same shape."""
        inner = F.gelu(self.conv2(F.gelu(self.conv1(_channels_first(x)))))
        return F.gelu(x + _channels_last(self.conv3(inner)))


class Downsampling(nn.Module):
    """From one stage's width to the next one's, at half the resolution or at the same."""

    def __init__(self, width: int, next_width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(width, next_width, 1)
        self.conv2 = ConvNorm(next_width, next_width, 3, stride, groups=next_width)
        self.conv3 = ConvNorm(next_width, next_width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, width) to (n, h / stride, w / stride, next_width)."""
        return _channels_last(self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(_channels_first(x)))))))


class WindowAttention(nn.Module):
    """Attention within a window; each head learns a bias for every distance between two places, signs ignored."""

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        self.heads = width // _HEAD_WIDTH
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(self.heads, window * window))
        self.register_buffer("bias", None, persistent=False)
        self.bias: Tensor | None
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """(windows, places, width) to the same shape; the places row by row."""
        windows, places, width = x.shape
        # For each head its query, key and value lie together.
        projected: Tensor = self.qkv(self.norm(x)).view(windows, places, self.heads, 3, _HEAD_WIDTH)
        query, key, value = projected.permute(3, 0, 2, 1, 4)
        bias = self._bias() if self.bias is None else self.bias
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed: Tensor = self.proj(attended.transpose(1, 2).reshape(windows, places, width))
        return mixed

    @torch.no_grad()
    def fold(self) -> None:
        """Spread the table of biases over all pairs of places, once for all slices."""
        self.bias = self._bias()

    def _bias(self) -> Tensor:
        """(1, heads, places, places): with fewer dimensions torch takes a slower way on the CPU.

        The table counts distances in the order in which they are met from the window's first place, row by row: the
        distance of (row, column) stands at row * window + column.
        """
        side = torch.arange(self.window, device=self.attention_biases.device)
        distance = (side[:, None] - side[None, :]).abs()
        index = self.window * distance[:, None, :, None] + distance[None, :, None, :]
        places = self.window * self.window
        return self.attention_biases[None, :, index.view(places, places)]


class FeedForward(nn.Module):
    """The transformer's two dense layers, behind their normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width * _EXPANSION)
        self.fc2 = nn.Linear(width * _EXPANSION, width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, width) to the same shape."""
        mixed: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return mixed


class WindowBlock(nn.Module):
    """Attention within windows, a small convolution across their borders, dense layers."""

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        self.attn = WindowAttention(width, window)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, width) to the same shape."""
        x = x + in_windows(self.attn, x, self.attn.window)
        x = _channels_last(self.local_conv(_channels_first(x)))
        mixed: Tensor = x + self.mlp(x)
        return mixed


class Stage(nn.Module):
    """Blocks of one width, and what leads to the next stage."""

    def __init__(self, stage: _Stage, next_width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            WindowBlock(stage.width, stage.window) if stage.window else InvertedBottleneck(stage.width)
            for _ in range(stage.depth)
        )
        self.downsample = Downsampling(stage.width, next_width, stage.stride) if stage.stride else None

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, width) to (n, h / stride, w / stride, next_width)."""
        return run_to_end(self.in_steps(x))

    def in_steps(self, x: Tensor) -> Steps[Tensor]:
        """:meth:`forward` in a step for each block."""
        for block in self.blocks:
            x = block(x)
            yield
        return x if self.downsample is None else self.downsample(x)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels (SAM's ``LayerNorm2d``)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to the same shape."""
        return _channels_first(F.layer_norm(_channels_last(x), self.weight.shape, self.weight, self.bias, eps=1e-6))


class TinyViT(nn.Module):
    """MobileSAM's image encoder.

    The keys of its state dict are those of the published checkpoint's ``image_encoder``, less the classifier that no
    embedding passes (``norm_head``, ``head``). Call :meth:`fold` when the weights are in.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(_STAGES[0].width)
        self.layers = nn.ModuleList(
            Stage(stage, following.width) for stage, following in pairwise((*_STAGES, _STAGES[-1]))
        )
        self.neck = nn.Sequential(
            nn.Conv2d(_STAGES[-1].width, _NECK_WIDTH, 1, bias=False),
            ChannelNorm(_NECK_WIDTH),
            nn.Conv2d(_NECK_WIDTH, _NECK_WIDTH, 3, padding=1, bias=False),
            ChannelNorm(_NECK_WIDTH),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode prepared pictures.

        :param pixels: (n, 3, h, w) float32, normalised as SAM's input; h and w are multiples of 16.
        :returns: (n, 256, h / 16, w / 16).
        """
        return run_to_end(self.in_steps(pixels))

    def in_steps(self, pixels: Tensor) -> Steps[Tensor]:
        """:meth:`forward` in a step for each block."""
        x = _channels_last(self.patch_embed(pixels.contiguous(memory_format=torch.channels_last)))
        yield
        for stage in self.layers:
            x = yield from cast("Stage", stage).in_steps(x)
        embedding: Tensor = self.neck(_channels_first(x))
        return embedding.contiguous()

    def fold(self) -> TinyViT:
        """Do what no slice changes: the same function in fewer steps, under other keys."""
        for module in self.modules():
            if isinstance(module, ConvNorm | WindowAttention):
                module.fold()
        return self


def in_windows(attend: Callable[[Tensor], Tensor], x: Tensor, window: int) -> Tensor:
    """Apply a function to all windows of a map.

    The map is filled up with zeros at the bottom and right to whole windows; as in training, the places so added take
    part in their windows.

    :param attend: takes and gives (windows, window * window, channels).
    :param x: (n, h, w, channels).
    """
    batch, rows, columns, channels = x.shape
    x = F.pad(x, (0, 0, 0, -columns % window, 0, -rows % window))
    down, across = x.shape[1] // window, x.shape[2] // window
    split = x.view(batch, down, window, across, window, channels).transpose(2, 3)
    attended = attend(split.reshape(-1, window * window, channels))
    joined = attended.view(batch, down, across, window, window, channels).transpose(2, 3)
    return joined.reshape(batch, down * window, across * window, channels)[:, :rows, :columns]


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)
