"""SAM's mask decoder over the weights of the stock modules, without work that is done twice or not needed.

``MaskDecoder.predict_masks`` of facebookresearch/segment-anything (Kirillov et al., Segment Anything, 2023, appendix A)
in another order, equal to it within rounding. The prompts are a handful of tokens and the picture is 4096: in attention
between the two, projections of the tokens are multiplied with those of the picture, and the product of both weights is
formed with the few tokens first. So the picture is never projected, at a quarter of the arithmetic. The upscaling
convolutions do not overlap and are matrix products over places. What depends on the picture alone is made once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor

_EMBEDDING_WIDTH = 256


class PreparedImage(NamedTuple):
    """A slice's embedding as the decoder starts from it; places go row by row."""

    embedding: Tensor  # (1, places, 256)
    unmasked: Tensor  # the same with the embedding of "no mask prompt" added
    unmasked_placed: Tensor  # the same again with the places' positional encoding added


class PromptBatch(NamedTuple):
    """n prompt sets with the same number of prompts of each kind, in pixels of the encoder's input."""

    points: tuple[Tensor, Tensor] | None  # (n, k, 2) float32 (column, row), and (n, k) int32 labels: 1 inside, 0 not
    boxes: Tensor | None  # (n, 4) float32 inclusive corners
    masks: Tensor | None  # (n, 1, 256, 256) float32 logits


class SamDecoder:
    """Prompt encoder and mask decoder.

    :param prompt_encoder: ``PromptEncoder`` in evaluation mode, on the device to compute on.
    :param mask_decoder: ``MaskDecoder``, likewise.
    """

    def __init__(self, prompt_encoder: Any, mask_decoder: Any) -> None:
        self._prompt_encoder = prompt_encoder
        self._decoder = mask_decoder
        self._side: int = prompt_encoder.image_embedding_size[0]
        with torch.inference_mode():
            self._encoding = _places(prompt_encoder.get_dense_pe())
            self._no_mask = prompt_encoder.no_mask_embed.weight.detach()
            self._own_tokens = torch.cat([mask_decoder.iou_token.weight, mask_decoder.mask_tokens.weight])
            first, self._norm, _, second, _ = mask_decoder.output_upscaling
            self._upscale = tuple(_as_product(layer) for layer in (first, second))

    def prepare(self, embedding: Tensor) -> PreparedImage:
        """What decoding needs of an embedding (256, side, side) float32, whatever the prompts."""
        image = _places(embedding[None])
        unmasked = image + self._no_mask
        return PreparedImage(image, unmasked, unmasked + self._encoding)

    def decode(self, image: PreparedImage, prompts: PromptBatch) -> tuple[Tensor, Tensor]:
        """Answer prompt sets on one slice.

        :returns: logits (n, 4, 256, 256) of token 0 (one answer) and tokens 1 to 3 (several), and the predicted IoU
            (n, 4) of each.
        """
        sparse, dense = self._prompt_encoder(points=prompts.points, boxes=prompts.boxes, masks=prompts.masks)
        tokens = torch.cat([self._own_tokens.expand(len(sparse), -1, -1), sparse], dim=1)
        if prompts.masks is None:
            keys, placed = image.unmasked, image.unmasked_placed
        else:
            keys = image.embedding + _places(dense)
            placed = keys + self._encoding
        queries, keys = self._transform(tokens, keys, placed)
        masks = self._upscaled_masks(queries[:, 1 : len(self._own_tokens)], keys)
        return masks, self._decoder.iou_prediction_head(queries[:, 0])

    def _transform(self, tokens: Tensor, keys: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]:
        """``TwoWayTransformer.forward``.

        :param tokens: (n, t, 256), which are their own positional encoding.
        :param keys: (n or 1, places, 256), and ``placed`` the same with the positional encoding.
        """
        transformer = self._decoder.transformer
        queries = tokens
        for layer in transformer.layers:
            if layer.skip_first_layer_pe:
                queries = layer.self_attn(q=queries, k=queries, v=queries)
            else:
                asking = queries + tokens
                queries = queries + layer.self_attn(q=asking, k=asking, v=queries)
            queries = layer.norm1(queries)
            queries = layer.norm2(
                queries + _tokens_see_image(layer.cross_attn_token_to_image, queries + tokens, placed, keys)
            )
            queries = layer.norm3(queries + layer.mlp(queries))
            keys = layer.norm4(
                _image_sees_tokens(layer.cross_attn_image_to_token, keys, placed, queries + tokens, queries)
            )
            placed = keys + self._encoding
        seen = _tokens_see_image(transformer.final_attn_token_to_image, queries + tokens, placed, keys)
        return transformer.norm_final_attn(queries + seen), keys

    def _upscaled_masks(self, mask_tokens: Tensor, keys: Tensor) -> Tensor:
        """(n, 4, 256) tokens and (n, places, 256) to logits (n, 4, 4 * side, 4 * side)."""
        (first, first_bias), (second, second_bias) = self._upscale
        norm = self._norm
        half = torch.unflatten(torch.addmm(first_bias, keys.flatten(0, 1), first), 1, (4, -1))
        half = F.gelu(F.layer_norm(half, norm.weight.shape, norm.weight, norm.bias, norm.eps))
        full = F.gelu(torch.addmm(second_bias, half.flatten(0, 1), second))
        by_place = full.view(len(keys), -1, self._upscale[1][0].shape[1] // 4)
        heads = self._decoder.output_hypernetworks_mlps
        weights = torch.stack([head(mask_tokens[:, index]) for index, head in enumerate(heads)], dim=1)
        logits = weights @ by_place.transpose(1, 2)
        # Each place became 2 x 2, and each of these 2 x 2 again.
        nested = torch.unflatten(logits, 2, (self._side, self._side, 2, 2, 2, 2))
        return nested.permute(0, 1, 2, 4, 6, 3, 5, 7).flatten(5).flatten(2, 4)


def _tokens_see_image(attention: Any, asking: Tensor, placed: Tensor, keys: Tensor) -> Tensor:
    """``Attention.forward(q=asking, k=placed, v=keys)``, with k and v never projected.

    The bias of the key projection adds the same to all scores of a query, which the softmax does not see.

    :param asking: (n, t, 256).
    :param placed: (n or 1, places, 256), as is ``keys``.
    :returns: (n, t, 256).
    """
    heads = attention.num_heads
    q = _by_head(attention.q_proj(asking), heads)  # (n, heads, t, c)
    key_weight, value_weight = (
        torch.unflatten(layer.weight, 0, (heads, -1)) for layer in (attention.k_proj, attention.v_proj)
    )
    seeking = q @ key_weight * q.shape[3] ** -0.5  # (n, heads, t, 256)
    weights = torch.softmax(seeking.flatten(1, 2) @ placed.transpose(1, 2), dim=2)
    seen = torch.unflatten(weights @ keys, 1, (heads, -1)) @ value_weight.transpose(1, 2)
    told: Tensor = attention.out_proj(seen.transpose(1, 2).flatten(2) + attention.v_proj.bias)
    return told


def _image_sees_tokens(attention: Any, keys: Tensor, placed: Tensor, asked: Tensor, values: Tensor) -> Tensor:
    """``keys + Attention.forward(q=placed, k=asked, v=values)``, with the picture's q never projected.

    :param keys: (n or 1, places, 256), as is ``placed``.
    :param asked: (n, t, 256), as is ``values``.
    :returns: (n, places, 256).
    """
    heads = attention.num_heads
    k, v = _by_head(attention.k_proj(asked), heads), _by_head(attention.v_proj(values), heads)  # (n, heads, t, c)
    k = k * k.shape[3] ** -0.5
    query_weight = torch.unflatten(attention.q_proj.weight, 0, (heads, -1))
    query_bias = torch.unflatten(attention.q_proj.bias, 0, (heads, -1, 1))
    sought = (k @ query_weight).flatten(1, 2)  # (n, heads * t, 256)
    scores = torch.baddbmm((k @ query_bias).flatten(1, 2), sought, placed.transpose(1, 2).expand(len(k), -1, -1))
    weights = torch.softmax(torch.unflatten(scores, 1, (heads, -1)), dim=2).flatten(1, 2)
    told = v @ torch.unflatten(attention.out_proj.weight.T, 0, (heads, -1))  # (n, heads, t, 256)
    # A head's weights sum to one: what is added to one head's values is added to the result.
    told[:, 0] += attention.out_proj.bias
    return torch.baddbmm(keys, weights.transpose(1, 2), told.flatten(1, 2))


def _by_head(projected: Tensor, heads: int) -> Tensor:
    """(n, t, heads * c) to (n, heads, t, c)."""
    return torch.unflatten(projected, 2, (heads, -1)).transpose(1, 2)


def _places(picture: Tensor) -> Tensor:
    """(n, channels, height, width) to (n, height * width, channels)."""
    return picture.flatten(2).transpose(1, 2).contiguous()


def _as_product(convolution: Any) -> tuple[Tensor, Tensor]:
    """A transposed convolution, 2 x 2 with stride 2, as a weight (channels in, 4 * channels out) and a bias."""
    weight = convolution.weight.detach().permute(0, 2, 3, 1).flatten(1).contiguous()
    return weight, convolution.bias.detach().repeat(4)
