"""The Segment Anything networks, built to fit a checkpoint.

Modules of the ``segment_anything`` package (facebookresearch/segment-anything, Apache-2.0; Kirillov et al., Segment
Anything, 2023), so that published and fine-tuned checkpoints load by their original keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import ModelUnavailableError
from .checkpoint import load_weights
from .torchvision_ops import declare_missing_operators

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INPUT_SIDE = 1024  # pixels of the square that a slice is fitted into
LOGITS_SIDE = 256

_PATCH = 16
_EMBEDDING_WIDTH = 256


@dataclass(frozen=True)
class SamSize:
    """One of the three published image encoders."""

    name: str  # "vit_b", "vit_l", "vit_h"
    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]  # blocks that attend over the whole picture instead of 14x14 windows


SIZES: tuple[SamSize, ...] = (
    SamSize("vit_b", 768, 12, 12, (2, 5, 8, 11)),
    SamSize("vit_l", 1024, 24, 16, (5, 11, 17, 23)),
    SamSize("vit_h", 1280, 32, 16, (7, 15, 23, 31)),
)


class SegmentAnythingNetwork(nn.Module):
    """Image encoder, prompt encoder and mask decoder under the names that checkpoints use.

    :param image_encoder: (n, 3, 1024, 1024) to (n, 256, 64, 64).
    """

    def __init__(self, image_encoder: nn.Module) -> None:
        super().__init__()
        declare_missing_operators()
        from segment_anything import modeling

        grid = INPUT_SIDE // _PATCH
        # The package has no types; its modules are called with documented shapes in sam.py only.
        self.image_encoder: Any = image_encoder
        self.prompt_encoder: Any = modeling.PromptEncoder(
            embed_dim=_EMBEDDING_WIDTH,
            image_embedding_size=(grid, grid),
            input_image_size=(INPUT_SIDE, INPUT_SIDE),
            mask_in_chans=16,
        )
        self.mask_decoder: Any = modeling.MaskDecoder(
            transformer_dim=_EMBEDDING_WIDTH,
            transformer=modeling.TwoWayTransformer(depth=2, embedding_dim=_EMBEDDING_WIDTH, num_heads=8, mlp_dim=2048),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=256,
        )


class SamNetwork(SegmentAnythingNetwork):
    """The Segment Anything Model of 2023 in one of its sizes."""

    def __init__(self, size: SamSize) -> None:
        declare_missing_operators()
        from segment_anything import modeling

        super().__init__(
            modeling.ImageEncoderViT(
                img_size=INPUT_SIDE,
                patch_size=_PATCH,
                embed_dim=size.width,
                depth=size.depth,
                num_heads=size.heads,
                out_chans=_EMBEDDING_WIDTH,
                norm_layer=partial(nn.LayerNorm, eps=1e-6),
                use_rel_pos=True,
                window_size=14,
                global_attn_indexes=size.global_blocks,
            )
        )


def recognise_size(weights: Mapping[str, Tensor]) -> SamSize | None:
    """The size of the image encoder that weights are for; None when they are not of a SAM of 2023."""
    patches = weights.get("image_encoder.patch_embed.proj.weight")
    blocks = {match[1] for key in weights if (match := re.match(r"image_encoder\.blocks\.(\d+)\.", key))}
    if patches is None:
        return None
    return next((size for size in SIZES if (size.width, size.depth) == (patches.shape[0], len(blocks))), None)


def build_sam(weights: Mapping[str, Tensor], path: Path) -> tuple[SamSize, SamNetwork]:
    """A network in evaluation mode with a checkpoint's weights.

    :param path: of the checkpoint, for the sentence of an error.
    :raises ModelUnavailableError: the weights are of another architecture.
    """
    size = recognise_size(weights)
    if size is None:
        names = ", ".join(item.name for item in SIZES)
        raise ModelUnavailableError(
            f"{path}: not weights of a Segment Anything model of 2023 ({names}); its first key is "
            f"{next(iter(weights))!r}; choose another file or --model."
        )
    # On the meta device nothing is allocated or filled with random numbers before the weights replace it.
    with torch.device("meta"):
        network = SamNetwork(size)
    load_weights(network, weights, path, f"SAM {size.name}")
    return size, network.eval()
