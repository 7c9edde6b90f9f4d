"""MobileSAM loads the published checkpoint's keys, and answers what its authors' own code answers."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from SAMSegmentLib.errors import ModelUnavailableError
from SAMSegmentLib.models.fast_encoder import faster_encoder
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.models.mobile_sam import MobileSamNetwork, build_mobile_sam
from SAMSegmentLib.models.tinyvit import in_windows
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage
from Testing.mobile_sam_reference import EMBEDDING_SAMPLE, LOGITS_SAMPLE, POINT, REFERENCE, picture, seeded_weights

CLASSIFIER = {f"image_encoder.{name}.{kind}" for name in ("norm_head", "head") for kind in ("weight", "bias")}


@pytest.fixture(scope="module")
def reference() -> dict:
    """The keys, shapes and numbers of the authors' own code."""
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def weights(reference) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(values) for key, values in seeded_weights(reference["shapes"]).items()}


@pytest.fixture(scope="module")
def checkpoint(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.pt"
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def prepared() -> torch.Tensor:
    """The picture as SAM's encoder is given it."""
    mean, deviation = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    grey = torch.from_numpy(picture()).float()
    return ((grey - mean[:, None, None]) / deviation[:, None, None])[None]


def test_keys_and_shapes_are_those_of_the_published_checkpoint_less_its_classifier(reference):
    with torch.device("meta"):
        ours = {key: list(values.shape) for key, values in MobileSamNetwork().state_dict().items()}
    published = reference["shapes"]
    assert set(published) - set(ours) == CLASSIFIER
    assert ours == {key: shape for key, shape in published.items() if key not in CLASSIFIER}


def test_the_encoder_gives_the_numbers_of_the_authors_code(reference, weights, prepared):
    with torch.inference_mode():
        embedding = build_mobile_sam(weights, "mine.pt").image_encoder(prepared)[0].numpy()
    expected = np.array(reference["embedding"])
    error = embedding[EMBEDDING_SAMPLE].ravel() - expected
    assert np.linalg.norm(error) <= 1e-5 * np.linalg.norm(expected)
    np.testing.assert_allclose(embedding.mean(axis=(1, 2)), reference["embedding_mean"], atol=1e-5)
    np.testing.assert_allclose(embedding.std(axis=(1, 2)), reference["embedding_deviation"], atol=1e-5)


def test_a_folded_encoder_is_the_same_function(weights, prepared):
    network = MobileSamNetwork()
    network.load_state_dict({key: values for key, values in weights.items() if key not in CLASSIFIER})
    encoder, part = network.eval().image_encoder, prepared[..., 300:524, 400:560]
    with torch.inference_mode():
        before, after = encoder(part), encoder.fold()(part)
    assert torch.linalg.vector_norm(after - before) <= 1e-5 * torch.linalg.vector_norm(before)


def test_a_click_on_a_slice_is_answered_as_by_the_authors_predictor(reference, checkpoint):
    model = load_model("mobile_sam", weights=checkpoint, device="cpu", precision="float32")
    assert (model.name, model.precision) == ("mobile_sam", "float32")
    [embedding] = model.encode([SliceImage(picture())])
    assert embedding.arrays["image"].shape == (256, 64, 64)
    [several] = model.decode(embedding, [SlicePrompts(np.array([POINT], dtype=float), np.array([True]))])
    ranked = np.argsort(-np.array(reference["predicted_iou"][1:]), kind="stable") + 1
    assert several.predicted_iou == pytest.approx(np.clip(reference["predicted_iou"], 0, 1)[ranked], abs=1e-3)
    expected = np.array(reference["logits"]).reshape(4, -1)[ranked]
    ours = several.logits[LOGITS_SAMPLE].reshape(3, -1)
    assert np.linalg.norm(ours - expected) <= 1e-3 * np.linalg.norm(expected)
    assert several.masks.shape == (3, 1024, 1024)


def test_bfloat16_stays_near_float32(weights, prepared):
    encoder, part = build_mobile_sam(weights, "mine.pt").image_encoder, prepared[..., 300:812, 300:812]
    with torch.inference_mode():
        exact, rounded = encoder(part), faster_encoder(encoder, torch.device("cpu"), torch.bfloat16)(part)
    assert rounded.dtype == torch.float32
    assert 0 < torch.linalg.vector_norm(rounded - exact) <= 2e-2 * torch.linalg.vector_norm(exact)


def test_slices_are_encoded_together_as_alone(weights):
    encoder = build_mobile_sam(weights, "mine.pt").image_encoder
    pictures = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 112, 160)).astype(np.float32))
    with torch.inference_mode():
        together, alone = encoder(pictures), torch.cat([encoder(picture[None]) for picture in pictures])
    assert together.shape == (2, 256, 7, 10)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(7, 7), (14, 7), (9, 16)])
def test_each_window_is_treated_by_itself_and_all_places_return_to_where_they_were(size):
    x = torch.arange(2 * size[0] * size[1] * 3, dtype=torch.float32).view(2, *size, 3)
    assert torch.equal(in_windows(lambda windows: windows, x, 7), x)
    numbered = in_windows(lambda windows: torch.ones_like(windows).cumsum(0), x, 7)
    assert len(numbered[0, :7, :7].unique()) == 1
    assert numbered[..., 0].unique().numel() == 2 * -(-size[0] // 7) * -(-size[1] // 7)


def test_a_checkpoint_without_the_classifier_loads(weights, tmp_path):
    path = tmp_path / "tuned.safetensors"
    save_file({key: values for key, values in weights.items() if key not in CLASSIFIER}, path)
    assert load_model("mobile_sam", weights=path, device="cpu").name == "mobile_sam"


@pytest.mark.parametrize("name", ["sam_vit_b", "medsam_vit_b", "builtin"])
def test_mobile_sam_weights_for_another_model_are_answered_with_the_right_one(checkpoint, name):
    with pytest.raises(ModelUnavailableError, match=rf"mine\.pt: holds mobile_sam, not {name}; use --model mobile_sam"):
        load_model(name, weights=checkpoint)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda weights: weights.pop("image_encoder.layers.3.blocks.1.attn.attention_biases"), r"lacks \S+layers\.3"),
        (lambda weights: weights.update({"image_encoder.layers.4.x": torch.zeros(1)}), r"also holds \S+layers\.4\.x"),
        (
            lambda weights: weights.update({"mask_decoder.iou_token.weight": torch.zeros(2)}),
            "has other shapes of mask_d",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_their_first_keys(weights, change, fault):
    changed = dict(weights)
    change(changed)
    with pytest.raises(ModelUnavailableError, match=rf"mine\.pt: does not fit MobileSAM, it {fault}"):
        build_mobile_sam(changed, "mine.pt")


def test_weights_of_something_else_are_refused_by_their_first_keys(tmp_path):
    path = tmp_path / "classifier.safetensors"
    save_file({"fc.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(ModelUnavailableError, match=r"does not fit MobileSAM, it lacks image_encoder\.\S+, .*more"):
        load_model("mobile_sam", weights=path)
