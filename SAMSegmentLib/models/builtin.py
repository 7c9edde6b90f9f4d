"""The built-in model's network: a small convolutional encoder and a prompt decoder, trainable from random weights.

The encoder runs once for a slice and keeps three scales of features. The decoder draws the prompts into maps (see
:mod:`.builtin_features`), mixes them with the features at stride 8, then refines at strides 4 and 2. It gives four
masks as the Segment Anything Model does (Kirillov et al., 2023, section 3): token 0 for prompts that leave no doubt,
tokens 1 to 3 for a single click, which may mean a part or the whole.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .builtin_features import (
    COARSE_CHANNELS,
    FINE_CHANNELS,
    DrawnPrompts,
    PromptTensors,
    coarse_features,
    draw_prompts,
    earlier_answer,
    fine_features,
)
from .builtin_layers import ConvNorm, ConvNormRelu, ResidualBlock, double
from .steps import run_to_end

if TYPE_CHECKING:
    from .steps import Steps

INPUT_SIDE = 256  # pixels of the square that a slice is fitted into
LOGITS_STRIDE = 2  # input pixels per logit

TOKENS = 4

_STRIDE2, _STRIDE4, _STRIDE8, _STRIDE16 = 24, 48, 112, 160  # encoder widths
_FINE_FEATURES = 8
_ATTENTION_BLOCKS, _HEAD_WIDTH = 2, 32

_DECODER8, _DECODER4, _DECODER2 = 80, 40, 16  # decoder widths
_DESCRIPTOR = 24
_PROMPT_CHANNELS = 32
_DILATIONS = (1, 2, 4, 1)


class SliceFeatures(NamedTuple):
    """What the encoder keeps of b slices of height x width pixels."""

    stride8: Tensor  # (b, 112, height / 8, width / 8)
    stride4: Tensor  # (b, 48, height / 4, width / 4)
    stride2: Tensor  # (b, 8, height / 2, width / 2)


class ProjectedFeatures(NamedTuple):
    """The features in the decoder's widths: the part of decoding that no prompt changes."""

    stride8: Tensor  # (b, 80, height / 8, width / 8)
    stride4: Tensor  # (b, 40, height / 4, width / 4)
    stride2: Tensor  # (b, 16, height / 2, width / 2)
    descriptors: Tensor  # (b, 24, height / 4, width / 4) float32, unit length: alike where tissue is alike
    mean8: Tensor  # (b, 80) float32, of stride8


class AttentionBlock(nn.Module):
    """A pre-norm transformer block without position embedding, so that it takes any slice size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // _HEAD_WIDTH
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp_in = nn.Linear(width, 2 * width)
        self.mlp_out = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, tokens, width) to the same shape."""
        batch, count, width = tokens.shape
        projected: Tensor = self.query_key_value(self.attention_norm(tokens))
        query, key, value = projected.view(batch, count, 3, self.heads, _HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, count, width)
        tokens = tokens + self.attention_out(attended)
        updated: Tensor = tokens + self.mlp_out(F.gelu(self.mlp_in(self.mlp_norm(tokens))))
        return updated


class SliceEncoder(nn.Module):
    """Grey slices to three scales of features, coarse context added to each finer scale (feature pyramid)."""

    def __init__(self) -> None:
        super().__init__()
        self.stage2 = nn.Sequential(ConvNormRelu(4, _STRIDE2), ResidualBlock(_STRIDE2))
        self.stage4 = _stage(_STRIDE2, _STRIDE4)
        self.stage8 = _stage(_STRIDE4, _STRIDE8)
        self.stage16 = _stage(_STRIDE8, _STRIDE16, last_dilation=2)
        self.attention = nn.Sequential(*(AttentionBlock(_STRIDE16) for _ in range(_ATTENTION_BLOCKS)))
        self.attention_norm = nn.LayerNorm(_STRIDE16)
        self.down_from16 = nn.Conv2d(_STRIDE16, _STRIDE8, 1)
        self.merge8 = ResidualBlock(_STRIDE8)
        self.down_from8 = nn.Conv2d(_STRIDE8, _STRIDE4, 1)
        self.merge4 = ResidualBlock(_STRIDE4)
        self.down_from4 = nn.Conv2d(_STRIDE4, _FINE_FEATURES, 1)
        self.lateral2 = nn.Conv2d(_STRIDE2, _FINE_FEATURES, 1)

    def forward(self, slices: Tensor) -> SliceFeatures:
        """Encode slices.

        :param slices: (b, 1, height, width), ``(grey - 127.5) / 64``, zero where there is no slice; height and width
            are multiples of 16.
        """
        return run_to_end(self.in_steps(slices))

    def in_steps(self, slices: Tensor) -> Steps[SliceFeatures]:
        """:meth:`forward` in steps of a quarter of its time at the most."""
        x2 = self.stage2(F.pixel_unshuffle(slices, 2).contiguous(memory_format=torch.channels_last))
        yield
        x4 = self.stage4(x2)
        yield
        x8 = self.stage8(x4)
        yield
        x16 = self.stage16(x8)
        yield
        context = self._attend(x16)
        yield
        stride8 = self.merge8(x8 + double(self.down_from16(context)))
        stride4 = self.merge4(x4 + double(self.down_from8(stride8)))
        stride2 = self.lateral2(x2) + double(self.down_from4(stride4))
        return SliceFeatures(stride8, stride4, stride2)

    def _attend(self, x16: Tensor) -> Tensor:
        batch, width, rows, columns = x16.shape
        tokens = x16.permute(0, 2, 3, 1).reshape(batch, rows * columns, width)
        attended: Tensor = self.attention_norm(self.attention(tokens))
        return attended.view(batch, rows, columns, width).permute(0, 3, 1, 2)


class PromptDecoder(nn.Module):
    """Features and prompts to four masks' logits and their predicted IoU."""

    def __init__(self) -> None:
        super().__init__()
        self.describe = nn.Conv2d(_STRIDE4, _DESCRIPTOR, 1)
        self.project8 = nn.Conv2d(_STRIDE8, _DECODER8, 1)
        self.project4 = nn.Conv2d(_STRIDE4, _DECODER4, 1)
        self.project2 = nn.Conv2d(_FINE_FEATURES, _DECODER2, 1)

        self.prompts4 = ConvNormRelu(COARSE_CHANNELS, _PROMPT_CHANNELS)
        self.prompts8 = nn.Conv2d(_PROMPT_CHANNELS, _DECODER8, 3, 2, 1, bias=False)
        self.norm8: nn.Module = nn.BatchNorm2d(_DECODER8)
        self.modulation = _two_layers(4 * _DESCRIPTOR + _DECODER8, 64, 2 * _DECODER8)
        self.blocks8 = nn.ModuleList(ResidualBlock(_DECODER8, dilation) for dilation in _DILATIONS)
        self.global_context = _two_layers(2 * _DECODER8, 64, _DECODER8)

        self.up_from8 = nn.Conv2d(_DECODER8, _DECODER4, 1)
        self.prompt_skip4 = nn.Conv2d(_PROMPT_CHANNELS, _DECODER4, 1)
        self.norm4: nn.Module = nn.BatchNorm2d(_DECODER4)
        self.block4 = ResidualBlock(_DECODER4)
        self.coarse_logits = nn.Conv2d(_DECODER4, TOKENS, 3, padding=1)

        self.up_from4 = nn.Conv2d(_DECODER4, _DECODER2, 1)
        self.prompts2 = nn.Conv2d(FINE_CHANNELS, _DECODER2, 3, padding=1)
        self.norm2: nn.Module = nn.BatchNorm2d(_DECODER2)
        self.block2 = ConvNormRelu(_DECODER2, _DECODER2)
        self.refinement = nn.Conv2d(_DECODER2, TOKENS, 3, padding=1)

        self.predict_iou = _two_layers(2 * _DECODER8 + TOKENS, 96, TOKENS)
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        # Start from "no mask, no modulation, no refinement": each part then grows only where it helps.
        for head in (self.modulation[2], self.global_context[2]):
            for parameter in head.parameters():
                parameter.zero_()
        if self.coarse_logits.bias is not None:
            self.coarse_logits.bias.fill_(-2.0)
        self.refinement.weight.mul_(0.1)

    @property
    def number_type(self) -> torch.dtype:
        """What its convolutions compute in; prompts' maps, the layers on pooled numbers and its answers are float32."""
        return self.project8.weight.dtype

    def convolve_in(self, number_type: torch.dtype) -> None:
        """Convert the convolutions; linear layers on a single row of numbers are faster in float32."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
                module.to(number_type)

    def project(self, features: SliceFeatures) -> ProjectedFeatures:
        """The part of decoding that is done once for a slice."""
        stride8 = self.project8(features.stride8)
        return ProjectedFeatures(
            stride8,
            self.project4(features.stride4),
            self.project2(features.stride2),
            F.normalize(self.describe(features.stride4).float(), dim=1),
            stride8.float().mean((2, 3)),
        )

    def draw(self, projected: ProjectedFeatures, prompts: PromptTensors) -> DrawnPrompts:
        """What :meth:`look` sees of clicks and boxes; the same for every look at them.

        :param projected: as many slices as there are prompt sets.
        """
        with torch.autocast(projected.descriptors.device.type, enabled=False):
            return draw_prompts(projected.descriptors, prompts)

    def forward(self, projected: ProjectedFeatures, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
        """Answer prompts.

        :param projected: of b slices.
        :param prompts: n sets, n a multiple of b: the first n / b are on the first slice, and so on.
        :returns: logits (n, 4, height / 2, width / 2) and predicted IoU (n, 4) in 0..1, float32.
        """
        repeats = len(prompts.points) // len(projected.stride8)
        if repeats > 1:
            projected = ProjectedFeatures(*(part.repeat_interleave(repeats, 0) for part in projected))
        return self.look(projected, self.draw(projected, prompts), prompts)

    def look(self, projected: ProjectedFeatures, drawn: DrawnPrompts, prompts: PromptTensors) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, of as many slices as prompt sets.

        :param drawn: by :meth:`draw` from these prompts, whatever earlier answer is among them.
        """
        logits, mixed8 = self._logits(projected, drawn, prompts)
        return logits, self._iou(mixed8, logits)

    def logits(self, projected: ProjectedFeatures, drawn: DrawnPrompts, prompts: PromptTensors) -> Tensor:
        """The logits that :meth:`look` gives, alone."""
        logits, _ = self._logits(projected, drawn, prompts)
        return logits

    def _logits(
        self, projected: ProjectedFeatures, drawn: DrawnPrompts, prompts: PromptTensors
    ) -> tuple[Tensor, Tensor]:
        """The logits, and what the IoU is predicted from."""
        with torch.autocast(projected.descriptors.device.type, enabled=False):
            earlier = earlier_answer(prompts)
            coarse = coarse_features(projected.descriptors, drawn, earlier, prompts.has_logits)
            fine = fine_features(drawn, earlier)
        prompts4 = self.prompts4(self._channels_last(coarse.maps))
        mixed8 = self._mix(prompts4, projected, coarse.appearance)
        summed4 = double(self.up_from8(mixed8)).add_(self.prompt_skip4(prompts4)).add_(projected.stride4)
        refined4 = self.block4(F.relu(self.norm4(summed4), inplace=True))
        prompts2 = self.prompts2(self._channels_last(fine))
        summed2 = double(self.up_from4(refined4)).add_(prompts2).add_(projected.stride2)
        refined2 = self.block2(F.relu(self.norm2(summed2), inplace=True))
        # With few channels the enlargement is faster plane by plane.
        coarse_logits = self.coarse_logits(refined4).float().contiguous()
        logits = double(coarse_logits).add_(self.refinement(refined2))
        return logits, mixed8

    def _mix(self, prompts4: Tensor, projected: ProjectedFeatures, appearance: Tensor) -> Tensor:
        """Prompts and features fused at stride 8, modulated by what the prompts point at (FiLM, Perez et al., 2018)."""
        mixed: Tensor = self.norm8(self.prompts8(prompts4) + projected.stride8)
        summary = torch.cat([appearance, projected.mean8], dim=1)
        scale, shift = self.modulation(summary).to(mixed.dtype)[:, :, None, None].chunk(2, dim=1)
        mixed = F.relu(torch.addcmul(shift, mixed, 1 + scale), inplace=True)
        first, second, *rest = self.blocks8
        mixed = second(first(mixed))
        mixed = mixed + self.global_context(_pooled(mixed)).to(mixed.dtype)[:, :, None, None]
        for block in rest:
            mixed = block(mixed)
        return mixed

    def _channels_last(self, maps: Tensor) -> Tensor:
        """As the convolutions take them; to convert first and to move then is faster than both at once."""
        return maps.to(self.number_type).contiguous(memory_format=torch.channels_last)

    def _iou(self, mixed8: Tensor, logits: Tensor) -> Tensor:
        predicted: Tensor = self.predict_iou(torch.cat([_pooled(mixed8), _mean_confidence(logits)], dim=1))
        return torch.sigmoid(predicted.float())


class BuiltinNetwork(nn.Module):
    """Encoder and decoder together: what a weights file of the built-in model holds."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SliceEncoder()
        self.decoder = PromptDecoder()


def fold_batch_norm(network: BuiltinNetwork) -> BuiltinNetwork:
    """A copy for inference whose batch normalisations are part of the convolutions before them.

    Equal to the original within float32 rounding (3e-5 in logits of 30), and its encoder takes about 30 % less time.

    :param network: in evaluation mode; it is not changed and stays trainable.
    """
    folded = copy.deepcopy(network)
    for block in folded.modules():
        if isinstance(block, ConvNorm) and isinstance(block.norm, nn.BatchNorm2d):
            block.conv = fuse_conv_bn_eval(block.conv, block.norm)
            block.norm = nn.Identity()
    decoder = folded.decoder
    decoder.norm8 = _fold_into_modulation(decoder.norm8, decoder.modulation)
    decoder.norm4 = _fold_into_sum(decoder.norm4, decoder.up_from8, decoder.prompt_skip4, decoder.project4)
    decoder.norm2 = _fold_into_sum(decoder.norm2, decoder.up_from4, decoder.prompts2, decoder.project2)
    return folded


@torch.no_grad()
def _fold_into_modulation(norm: nn.Module, modulation: nn.Sequential) -> nn.Module:
    """Make a normalisation part of the scale and shift that follow it; what is left in its place.

    It is no part of the convolutions before it, because the modulation itself looks at what one of them gives.

    :param modulation: its last layer gives (scale, shift), applied as ``x * (1 + scale) + shift``.
    """
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None or norm.running_mean is None:
        return norm
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    offset = norm.bias - gain * norm.running_mean
    last = modulation[-1]
    scale_weight, shift_weight = last.get_parameter("weight").chunk(2)
    scale_bias, shift_bias = last.get_parameter("bias").chunk(2)
    # (x * gain + offset) * (1 + scale) + shift, from the shift on, which needs the scale as it was.
    shift_weight.add_(offset[:, None] * scale_weight)
    shift_bias.add_(offset * (1 + scale_bias))
    scale_weight.mul_(gain[:, None])
    scale_bias.copy_(gain * (1 + scale_bias) - 1)
    return nn.Identity()


@torch.no_grad()
def _fold_into_sum(norm: nn.Module, *summands: nn.Conv2d) -> nn.Module:
    """Make a normalisation part of the convolutions whose sum it is applied to; what is left in its place.

    :param summands: the last one has a bias, which takes the shift.
    """
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None or norm.running_mean is None:
        return norm
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    for conv in summands:
        conv.weight.mul_(scale[:, None, None, None])
        if conv.bias is not None:
            conv.bias.mul_(scale)
    shifted = summands[-1].bias
    if shifted is not None:
        shifted.add_(norm.bias - scale * norm.running_mean)
    return nn.Identity()


def _stage(channels_in: int, channels_out: int, last_dilation: int = 1) -> nn.Sequential:
    """Half the resolution, then two residual blocks."""
    return nn.Sequential(
        ConvNormRelu(channels_in, channels_out, stride=2),
        ResidualBlock(channels_out),
        ResidualBlock(channels_out, last_dilation),
    )


def _two_layers(width_in: int, hidden: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width_in, hidden), nn.ReLU(), nn.Linear(hidden, width_out))


def _pooled(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, 2c) float32: mean and largest value of each channel."""
    rows = x.float().permute(0, 2, 3, 1)
    # Row after row, with the channels innermost, is faster than all at once.
    return torch.cat([rows.mean(1).mean(1), rows.amax(1).amax(1)], dim=1)


@torch.no_grad()
def _mean_confidence(logits: Tensor) -> Tensor:
    """(n, 4) mean probability inside each mask; no gradient, or the IoU head would push the masks to be sure."""
    flat = logits.float().flatten(2)
    inside = (flat > 0).float()
    return torch.sigmoid(flat).mul_(inside).sum(2) / inside.sum(2).clamp(min=1)
