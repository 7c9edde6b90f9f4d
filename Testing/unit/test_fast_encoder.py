"""The fast image encoder gives what segment_anything's own gives, whatever its size."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from torch import nn

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.models import devices
from SAMSegmentLib.models.devices import DTYPES, resolve_precision
from SAMSegmentLib.models.fast_attention import attend_folded, attend_in_blocks, relative_positions
from SAMSegmentLib.models.fast_encoder import FastImageEncoder, faster_encoder
from SAMSegmentLib.models.steps import Steps
from SAMSegmentLib.models.torchvision_ops import declare_missing_operators

declare_missing_operators()
from segment_anything.modeling import ImageEncoderViT  # noqa: E402 - needs the operators declared
from segment_anything.modeling.image_encoder import add_decomposed_rel_pos  # noqa: E402

CPU = torch.device("cpu")

# Of the embedding, relative to its norm.
TOLERANCES = {"float32": 1e-5, "bfloat16": 2e-2, "float16": 5e-3}


def stock_encoder(*, width=64, heads=4, img_size=128, window=3, depth=2, **more) -> nn.Module:
    """A stock encoder whose last block attends over the whole picture; position terms are zero at first, here noise."""
    torch.manual_seed(5)
    encoder = ImageEncoderViT(
        img_size=img_size,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        window_size=window,
        global_attn_indexes=(depth - 1,),
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        **{"use_rel_pos": True, **more},
    )
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(std=0.2)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)  # padded places are nothing but bias
    return encoder.eval()


def pictures(count: int, side: int) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(2))


def fast(stock: nn.Module, precision: str = "float32") -> FastImageEncoder:
    return FastImageEncoder(stock, CPU, DTYPES[precision])


@torch.inference_mode()
def assert_same_embedding(make_stock, side: int, precision: str):
    pixels = pictures(1, side)
    theirs = make_stock()(pixels)
    ours = fast(make_stock(), precision)(pixels)
    assert ours.shape == theirs.shape
    assert ours.dtype == torch.float32
    assert ((ours - theirs).norm() / theirs.norm()).item() <= TOLERANCES[precision]


# Width and heads of the published encoders, one windowed and one global block. 20 tokens need padded windows of 14.
PUBLISHED = {"vit_b": (768, 12), "vit_l": (1024, 16), "vit_h": (1280, 16)}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_blocks_of_published_sizes_equal_the_stock_ones(name, precision):
    width, heads = PUBLISHED[name]
    make = partial(stock_encoder, width=width, heads=heads, img_size=320, window=14)
    assert_same_embedding(make, 320, precision)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_short_vit_h_equals_the_stock_one_at_full_picture_size(precision):
    make = partial(stock_encoder, width=320, heads=4, img_size=1024, window=14)  # a quarter of the heads, 80 wide each
    assert_same_embedding(make, 1024, precision)


@pytest.mark.parametrize(
    "settings",
    [
        {"window": 4},
        {"window": 5, "depth": 4},
        {"window": 0},
        {"img_size": 96, "patch_size": 8},
        {"use_rel_pos": False},
        {"use_abs_pos": False},
        {"qkv_bias": False},
        {"heads": 1, "mlp_ratio": 2.0, "out_chans": 32},
    ],
    ids=str,
)
def test_any_encoder_of_that_class_equals_the_stock_one(settings):
    assert_same_embedding(partial(stock_encoder, **settings), settings.get("img_size", 128), "float32")


def test_float16_serves_older_graphics_processors():
    assert_same_embedding(stock_encoder, 128, "float16")


def test_position_tables_of_another_picture_size_are_resized_as_the_stock_encoder_does():
    def make() -> nn.Module:
        encoder = stock_encoder()
        attention = encoder.blocks[-1].attn
        noise = torch.Generator().manual_seed(1)
        attention.rel_pos_h = nn.Parameter(torch.randn(31, 16, generator=noise))
        attention.rel_pos_w = nn.Parameter(torch.randn(9, 16, generator=noise))
        return encoder

    assert_same_embedding(make, 128, "float32")


@torch.inference_mode()
def test_pictures_are_encoded_together_as_they_are_alone():
    encoder = fast(stock_encoder())
    pixels = pictures(3, 128)
    together = encoder(pixels)
    for picture, embedding in zip(pixels, together, strict=True):
        torch.testing.assert_close(embedding, encoder(picture[None])[0], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_threads_may_share_an_encoder():
    encoder = fast(stock_encoder(img_size=256))
    pixels = pictures(8, 256)
    alone = [encoder(picture[None]) for picture in pixels]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(torch.inference_mode()(lambda picture: encoder(picture[None])), pixels))
    for one, other in zip(alone, at_once, strict=True):
        torch.testing.assert_close(one, other)


def test_memory_does_not_hold_both_encoders():
    stock = stock_encoder()
    fast(stock, "bfloat16")
    assert not list(stock.blocks.parameters())


@pytest.mark.parametrize("attend", [attend_in_blocks, attend_folded])
@pytest.mark.parametrize(("heads", "side"), [(1, 1), (300, 14), (3, 40)])
def test_attention_is_softmax_of_product_and_position_terms(attend, heads, side):
    noise = torch.Generator().manual_seed(side)
    q, k, v = torch.randn(3, heads, side**2, 8, generator=noise)
    tables = torch.randn(2, 2 * side - 1, 8, generator=noise)
    scores = q @ k.transpose(1, 2) * 8**-0.5
    expected = add_decomposed_rel_pos(scores, q, *tables, (side, side), (side, side)).softmax(-1) @ v
    torch.testing.assert_close(attend(q, k, v, relative_positions(*tables, side)), expected, atol=2e-5, rtol=1e-4)


class _Pool(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 4, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.mix(pixels)

    def in_steps(self, pixels: torch.Tensor) -> Steps[torch.Tensor]:
        yield
        return self(pixels)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@torch.inference_mode()
def test_an_encoder_of_another_class_runs_as_it_is_in_the_precision_asked_for(precision):
    plain, pixels = _Pool(), pictures(1, 16)
    result = faster_encoder(plain, CPU, DTYPES[precision])(pixels)
    assert result.dtype == torch.float32
    assert torch.equal(result, plain(pixels)) == (precision == "float32")
    torch.testing.assert_close(result, plain(pixels), atol=0.05, rtol=0.05)


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_precision_on_a_cpu_is_bfloat16_only_where_it_is_native(monkeypatch, native, expected):
    monkeypatch.setattr(devices, "has_native_bfloat16", lambda device: native)
    assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("float32", CPU) == "float32"


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_auto_precision_on_nvidia_follows_the_compute_capability(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_precision("auto", torch.device("cuda")) == expected


def test_auto_precision_on_apple_is_float32():
    assert resolve_precision("auto", torch.device("mps")) == "float32"


def test_an_unknown_precision_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="no precision 'int8'; choose one of auto, float32, bfloat16, float16"):
        resolve_precision("int8", CPU)
