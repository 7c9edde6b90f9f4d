"""The mask decoder without repeated work gives what segment_anything's own gives."""

import numpy as np
import pytest
import torch

from SAMSegmentLib.models.candidates import SliceResampler, interpolation_matrix, packed_bits, row_bands
from SAMSegmentLib.models.interface import Embedding
from SAMSegmentLib.models.sam import SamModel
from SAMSegmentLib.models.sam_decoder import PromptBatch, SamDecoder
from SAMSegmentLib.models.sam_network import SegmentAnythingNetwork
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceGrid

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> SegmentAnythingNetwork:
    """A prompt encoder and a mask decoder with random weights; no test here encodes a picture."""
    torch.manual_seed(7)
    network = SegmentAnythingNetwork(torch.nn.Identity())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)  # zero at first, which would hide a bias that is forgotten
    return network.eval()


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    return torch.randn(256, 64, 64, generator=torch.Generator().manual_seed(8))


@pytest.fixture(scope="module")
def decoder(network) -> SamDecoder:
    return SamDecoder(network.prompt_encoder, network.mask_decoder)


@torch.inference_mode()
def stock_answer(network, features, prompts: PromptBatch) -> tuple[torch.Tensor, torch.Tensor]:
    sparse, dense = network.prompt_encoder(points=prompts.points, boxes=prompts.boxes, masks=prompts.masks)
    return network.mask_decoder.predict_masks(
        image_embeddings=features[None],
        image_pe=network.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
    )


def batch(count: int, points: int = 0, *, boxes: bool = False, masks: bool = False) -> PromptBatch:
    noise = torch.Generator().manual_seed(count + points)
    places = torch.rand(count, points, 2, generator=noise) * 1023
    labels = torch.randint(0, 2, (count, points), generator=noise, dtype=torch.int32)
    corners = torch.rand(count, 2, 2, generator=noise).sort(1).values.flatten(1) * 1023
    logits = torch.randn(count, 1, 256, 256, generator=noise) * 5
    return PromptBatch((places, labels) if points else None, corners if boxes else None, logits if masks else None)


@pytest.mark.parametrize(
    "prompts",
    [
        batch(1, 1),
        batch(1, 30),
        batch(1, boxes=True),
        batch(1, 3, boxes=True),
        batch(1, masks=True),
        batch(1, 2, boxes=True, masks=True),
        batch(3, 2),
        batch(2, 1, boxes=True, masks=True),
    ],
    ids=["point", "30 points", "box", "points and box", "mask", "all", "3 sets", "2 sets of all"],
)
@torch.inference_mode()
def test_logits_and_predicted_iou_equal_the_stock_decoders(network, decoder, features, prompts):
    for ours, theirs in zip(
        decoder.decode(decoder.prepare(features), prompts), stock_answer(network, features, prompts), strict=True
    ):
        assert ours.shape == theirs.shape
        assert ((ours - theirs).norm() / theirs.norm()).item() < 1e-5


@pytest.fixture
def model(network) -> SamModel:
    return SamModel("sam_vit_b", network, "0" * 64, CPU)


@pytest.fixture
def embedding(features) -> Embedding:
    return Embedding({"image": features.half().numpy()}, SliceGrid.fit((300, 200), (1.0, 1.0), 1024))


def points(*places: tuple[float, float], box: tuple[float, float, float, float] | None = None) -> SlicePrompts:
    return SlicePrompts(np.array(places).reshape(-1, 2), np.ones(len(places), dtype=bool), box)


MIXED = [
    points((20, 30), (40, 50)),
    points((100, 120)),
    points(box=(10, 20, 110, 220)),
    points((150, 250), (5, 5)),
    points((60, 70)),
]


def test_sets_of_different_kinds_are_answered_in_their_order(model, embedding, monkeypatch):
    alone = [model.decode(embedding, [prompts])[0] for prompts in MIXED]
    # As on a graphics processor, where sets of a kind are answered together.
    answered = []
    decode = model._decoder.decode
    monkeypatch.setattr(model._decoder, "decode", lambda image, sets: answered.append(sets) or decode(image, sets))
    monkeypatch.setattr("SAMSegmentLib.models.sam._sets_at_once", lambda device: 16)
    together = model.decode(embedding, MIXED)
    assert len(answered) == 3
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.logits, one.logits, atol=1e-4)
        np.testing.assert_allclose(other.predicted_iou, one.predicted_iou, atol=1e-5)


def test_an_embedding_is_prepared_once_for_all_prompts_on_it(model, embedding, monkeypatch):
    prepared = []
    prepare = model._decoder.prepare
    monkeypatch.setattr(model._decoder, "prepare", lambda features: prepared.append(features) or prepare(features))
    first = model.decode(embedding, MIXED[:1])[0]
    again = model.decode(embedding, MIXED[:1])[0]
    assert len(prepared) == 1
    np.testing.assert_array_equal(first.logits, again.logits)
    other = Embedding({"image": embedding.arrays["image"] + np.float16(1)}, embedding.grid)
    assert not np.array_equal(model.decode(other, MIXED[:1])[0].logits, first.logits)


@pytest.mark.parametrize("rows", [1, 127, 300, 1024])
def test_resampling_by_bands_equals_the_whole_product(rows):
    by_row = interpolation_matrix(256, 180.5, rows, antialias=False)
    bands = row_bands(by_row)
    assert [targets.stop for targets, _ in bands][-1] == rows
    across = torch.eye(40, 256)
    logits = torch.randn(3, 256, 256, generator=torch.Generator().manual_seed(rows))
    whole = SliceResampler(torch.from_numpy(by_row).float(), across)
    torch.testing.assert_close(whole._replace(bands=bands)(logits), whole(logits), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (3, 16, 16)])
def test_masks_are_packed_as_numpy_unpacks_them(shape):
    masks = torch.rand(shape, generator=torch.Generator().manual_seed(1)) > 0.5
    np.testing.assert_array_equal(packed_bits(masks).numpy(), np.packbits(masks.numpy()))
