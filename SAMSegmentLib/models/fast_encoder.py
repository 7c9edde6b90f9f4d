"""SAM's image encoder at the speed of the machine, over the weights of the stock module.

``ImageEncoderViT`` of facebookresearch/segment-anything (Kirillov et al., Segment Anything, 2023; the ViTDet backbone
of Li et al., 2022) computed in another order and equal to it within rounding. What makes it faster:

- attention without a matrix of tokens x tokens in memory (:mod:`.fast_attention`);
- windowed blocks without padding: the stock module pads the picture to whole windows, so that the keys and values of
  padded places are the bias of their projection; one row with that bias is shared by all of them, and everything else
  is computed for real tokens only;
- tokens stay one matrix (tokens, channels), and what treats them one by one does so for some thousand at a time: the
  results stay in the cache, and the C library hands the same memory out again instead of asking for new pages;
- matrix products in bfloat16 or float16 where that is wanted. Norms and the sum over blocks are always in float32.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn

from .fast_attention import attend_folded, attend_in_blocks
from .fast_layers import Converter
from .steps import each_within, run_to_end
from .torchvision_ops import declare_missing_operators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .fast_layers import Attention, Block
    from .steps import Steps

# From 32 MiB on, glibc asks the system for new pages each time, which have to be cleared.
_LARGEST_RESULT = 26 << 20


def faster_encoder(encoder: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """An image encoder on a device, with matrix products in a precision.

    :param encoder: an ``ImageEncoderViT`` comes back as :class:`FastImageEncoder`, and is of no use afterwards;
        any other, which must have ``in_steps`` besides ``forward``, comes back as it is where the precision is
        float32, else wrapped.
    :returns: a module with ``in_steps``, which is its forward pass as :data:`Steps`.
    """
    declare_missing_operators()
    from segment_anything.modeling import ImageEncoderViT

    if isinstance(encoder, ImageEncoderViT):
        return FastImageEncoder(encoder, device, dtype)
    moved = encoder.to(device)
    return moved if dtype is torch.float32 else _InPrecision(moved, dtype)


class FastImageEncoder(nn.Module):
    """The forward pass of an ``ImageEncoderViT``.

    It changes nothing of itself when called, so that threads may share it.

    :param stock: of any picture size, patch, windows, depth, width and heads, with GELU. Its blocks are taken out one
        by one as they are converted, so that memory never holds both: it is of no use afterwards.
    :param dtype: of matrix products.
    """

    def __init__(self, stock: Any, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        convert = Converter(device, dtype)
        patch, (first, norm, second, last_norm) = stock.patch_embed.proj, stock.neck
        self.img_size: int = stock.img_size
        self._patch: int = patch.kernel_size[0]
        self._side = self.img_size // self._patch
        self._dtype = dtype
        self._embed = convert.linear(patch.weight, patch.bias)
        position = stock.pos_embed
        self._position = None if position is None else position.detach().to(device).flatten(0, 2)
        self._blocks = self._take_blocks(stock, convert)
        self._neck_linear, self._neck_norm = convert.linear(first.weight, None), convert.norm(norm)
        self._mix = convert.weights(second.weight).contiguous(memory_format=torch.channels_last)
        self._last_norm = convert.norm(last_norm)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode prepared pictures.

        :param pixels: (n, 3, img_size, img_size) float32 on the encoder's device.
        :returns: (n, 256, side, side) float32 with one place for each patch, as the stock module.
        """
        return run_to_end(self.in_steps(pixels))

    def in_steps(self, pixels: Tensor) -> Steps[Tensor]:
        """:meth:`forward` in two steps a block."""
        tokens = self._embed(self._patches(pixels)).float()
        if self._position is not None:
            torch.unflatten(tokens, 0, (len(pixels), -1)).add_(self._position)
        for block in self._blocks:
            self._add_attention(block, tokens)
            yield
            self._add_mlp(block, tokens)
            yield
        return self._neck(tokens)

    def _take_blocks(self, stock: Any, convert: Converter) -> list[Block]:
        windows = {
            size: _window_places(self._side, size).to(convert.device)
            for size in {block.window_size for block in stock.blocks} - {0}
        }
        blocks = []
        for index, block in enumerate(stock.blocks):
            blocks.append(convert.block(block, block.window_size or self._side, windows.get(block.window_size)))
            stock.blocks[index] = nn.Identity()
        return blocks

    def _patches(self, pixels: Tensor) -> Tensor:
        """(n, channels, height, width) to a row of numbers for each patch."""
        size = (self._side, self._patch)
        split = torch.unflatten(torch.unflatten(pixels, 3, size), 2, size)  # n, channels, row, y, column, x
        return split.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(0, 2)

    def _add_attention(self, block: Block, tokens: Tensor) -> None:
        attention = block.attention
        area, channels = self._side**2, tokens.shape[1]
        # One row more than tokens: the projection of padded places, which are zero.
        qkv = tokens.new_empty(area + 1, 3 * channels, dtype=self._dtype)
        qkv[area] = attention.qkv.bias
        for picture in torch.split(tokens, area):
            for rows in _slices(area, self._rows_at_once(block, tokens)):
                attention.qkv(block.norm1(picture[rows]), out=qkv[rows])
            attended = _attend(attention, qkv)
            for rows in _slices(area, self._rows_at_once(block, tokens)):
                picture[rows] += attention.proj(attended[rows])

    def _add_mlp(self, block: Block, tokens: Tensor) -> None:
        for rows in _slices(len(tokens), self._rows_at_once(block, tokens)):
            hidden = block.lin1(block.norm2(tokens[rows]))
            tokens[rows] += block.lin2(F.gelu(hidden))

    def _rows_at_once(self, block: Block, tokens: Tensor) -> int:
        if tokens.device.type != "cpu":
            return len(tokens)
        return max(1, _LARGEST_RESULT // (len(block.lin1.bias) * self._dtype.itemsize))

    def _neck(self, tokens: Tensor) -> Tensor:
        side = self._side
        features = self._neck_norm(self._neck_linear(tokens)).to(self._dtype)
        picture = features.view(-1, side, side, features.shape[1]).permute(0, 3, 1, 2)
        mixed = F.conv2d(picture, self._mix, padding=1).permute(0, 2, 3, 1)
        return self._last_norm(mixed).permute(0, 3, 1, 2).contiguous()


class _InPrecision(nn.Module):
    """An encoder that computes in another precision than float32 where torch deems it safe."""

    def __init__(self, encoder: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self._encoder: Any = encoder
        self._dtype = dtype

    def forward(self, pixels: Tensor) -> Tensor:
        return run_to_end(self.in_steps(pixels))

    def in_steps(self, pixels: Tensor) -> Steps[Tensor]:
        # What is computed between steps chooses its own precision.
        precision = partial(torch.autocast, pixels.device.type, self._dtype)
        features: Tensor = yield from each_within(precision, self._encoder.in_steps(pixels))
        return features.float()


def _attend(attention: Attention, qkv: Tensor) -> Tensor:
    """Attention within the squares of one picture.

    :param qkv: (tokens + 1, 3 * channels), the last row is of padded places.
    :returns: (tokens + 1, channels), the last row is of no meaning.
    """
    attend = attend_in_blocks if qkv.device.type == "cpu" else attend_folded
    if attention.windows is None:
        whole = attend(*_heads(qkv[None, :-1], attention.heads), attention.positions)
        return whole.transpose(0, 1).flatten(1)
    attended = qkv.new_empty(len(qkv), qkv.shape[1] // 3)
    # One window after the other stays in the cache.
    for windows in torch.split(attention.windows, 1 if qkv.device.type == "cpu" else len(attention.windows)):
        places = windows.flatten()
        of_windows = torch.unflatten(qkv[places], 0, windows.shape)
        result = attend(*_heads(of_windows, attention.heads), attention.positions)
        attended[places] = torch.unflatten(result, 0, (len(windows), -1)).transpose(1, 2).flatten(2).flatten(0, 1)
    return attended


def _heads(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """(squares, places, 3 * channels) to queries, keys and values, each (squares * heads, places, channels / heads)."""
    q, k, v = torch.unflatten(qkv, 2, (3, heads, -1)).permute(2, 0, 3, 1, 4).flatten(1, 2)
    return q, k, v


def _window_places(side: int, window: int) -> Tensor:
    """(windows, window * window): which token lies at which place of which window; ``side`` squared where none does."""
    along = -(-side // window)
    padded = torch.full((along * window, along * window), side**2)
    padded[:side, :side] = torch.arange(side**2).view(side, side)
    return padded.view(along, window, along, window).transpose(1, 2).flatten(2).flatten(0, 1)


def _slices(count: int, at_once: int) -> Iterator[slice]:
    return (slice(start, min(start + at_once, count)) for start in range(0, count, at_once))
