"""Our path to the Segment Anything Model gives what its authors' ``SamPredictor`` gives."""

import copy

import numpy as np
import pytest
import torch

from SAMSegmentLib.errors import InputError, ModelUnavailableError
from SAMSegmentLib.models.fast_encoder import FastImageEncoder
from SAMSegmentLib.models.interface import Candidates, Embedding
from SAMSegmentLib.models.medsam import MedSamModel
from SAMSegmentLib.models.sam import SamModel
from SAMSegmentLib.models.sam_network import SIZES, SamNetwork, SegmentAnythingNetwork, build_sam, recognise_size
from SAMSegmentLib.models.steps import Steps
from SAMSegmentLib.models.torchvision_ops import declare_missing_operators
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceGrid, SliceImage
from Testing.steps import in_one_step

declare_missing_operators()
from segment_anything import SamPredictor, sam_model_registry  # noqa: E402 - needs the operators declared

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def reference() -> SamPredictor:
    """SAM ViT-B with random weights, made lively: position terms are zero at first, and masks nearly flat."""
    torch.manual_seed(3)
    sam = sam_model_registry["vit_b"]()
    with torch.no_grad():
        for name, parameter in sam.image_encoder.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(std=0.2)
        for mlp in sam.mask_decoder.output_hypernetworks_mlps:
            mlp.layers[-1].weight.mul_(40)
            mlp.layers[-1].bias.zero_()
        # Into 0..1, where a predicted IoU belongs.
        last = sam.mask_decoder.iou_prediction_head.layers[-1]
        last.bias.copy_(torch.tensor([0.3, 0.6, 0.5, 0.7]))
    return SamPredictor(sam)


@pytest.fixture(scope="module")
def model(reference) -> SamModel:
    weights = {key: value.clone() for key, value in reference.model.state_dict().items()}
    size, network = build_sam(weights, "random.pth")
    assert size.name == "vit_b"
    return SamModel("sam_vit_b", network, "0" * 64, CPU)


def textured(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape)
    waves = 128 + 60 * np.sin(rows / 37) + 50 * np.cos(columns / 23 + rows / 91)
    noise = np.random.default_rng(5).normal(0, 12, shape)
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def encoded(model) -> tuple[Embedding, torch.Tensor]:
    """The embedding of a 1024x1024 slice by our path, and the features (1, 256, 64, 64) that were rounded for it."""
    encoder, features = model._network.image_encoder, []
    steps_of_encoder = encoder.in_steps

    def noted(pixels: torch.Tensor) -> Steps[torch.Tensor]:
        features.append((yield from steps_of_encoder(pixels)))
        return features[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "in_steps", noted)
        [embedding] = model.encode([SliceImage(textured((1024, 1024)))])
    return embedding, features[0]


@pytest.fixture(scope="module")
def full_size(encoded) -> Embedding:
    return encoded[0]


@pytest.fixture(scope="module")
def stock_features(reference) -> torch.Tensor:
    """The features of the same slice by ``SamPredictor.set_image``."""
    reference.set_image(np.stack([textured((1024, 1024))] * 3, axis=-1))
    return reference.get_image_embedding().clone()


def features_of(embedding: Embedding) -> torch.Tensor:
    return torch.from_numpy(embedding.arrays["image"]).float()[None]


def predict(
    reference: SamPredictor, features: torch.Tensor, grid: SliceGrid, prompts: SlicePrompts, *, multimask: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``SamPredictor.predict`` at the same physical places, on given features.

    It maps a position x to the model as ``x * scale``, which places pixel centres at the pixels' corners. Half a pixel
    less of the model's, ``(x + 0.5) - 0.5 / scale``, is therefore what it must be told to mean the centre of our pixel;
    at scale 1 nothing changes. Box corners likewise.
    """
    scale = np.array(grid.scale)
    reference.original_size = grid.source_shape
    reference.input_size = grid.model_shape
    reference.features = features
    reference.is_image_set = True
    points = labels = box = mask = None
    if len(prompts.points):
        points, labels = prompts.points + 0.5 - 0.5 / scale, prompts.positive.astype(int)
    if prompts.box is not None:
        low, high = np.array(prompts.box[:2]), np.array(prompts.box[2:])
        box = np.concatenate([low, high + 1 - 1 / scale])
    if prompts.logits is not None:
        mask = prompts.logits[None]
    return reference.predict(points, labels, box, mask, multimask_output=multimask)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def smooth_logits() -> np.ndarray:
    rows, columns = np.indices((256, 256))
    return ((60 - np.hypot(rows - 120, columns - 140)) / 8).astype(np.float32)


def prompts_within(width: int, height: int) -> dict[str, SlicePrompts]:
    one = np.array([[0.4 * width, 0.55 * height]]).round()
    three = np.array([[0.4, 0.55], [0.7, 0.3], [0.2, 0.2]]) * (width, height) // 1
    box = tuple(float(value) for value in np.array([0.25 * width, 0.3 * height, 0.6 * width, 0.8 * height]).round())
    yes, mixed = np.array([True]), np.array([True, True, False])
    return {
        "point": SlicePrompts(one, yes),
        "negative point": SlicePrompts(one, ~yes),
        "3 points": SlicePrompts(three, mixed),
        "box": SlicePrompts(box=box),
        "point and box": SlicePrompts(one, yes, box),
        "mask": SlicePrompts(logits=smooth_logits()),
        "point, box and mask": SlicePrompts(three, mixed, box, smooth_logits()),
    }


CASES = tuple(prompts_within(100, 100))


def assert_equal_answers(
    reference: SamPredictor, features: torch.Tensor, grid: SliceGrid, prompts: SlicePrompts, ours: Candidates
):
    several = predict(reference, features, grid, prompts, multimask=True)
    order = np.argsort(-several[1], kind="stable")
    masks, scores, logits = (values[order] for values in several)
    if not prompts.is_ambiguous:
        single = predict(reference, features, grid, prompts, multimask=False)
        masks, scores, logits = (
            np.concatenate([one, more[:2]]) for one, more in zip(single, (masks, scores, logits), strict=True)
        )
    np.testing.assert_allclose(ours.predicted_iou, scores, atol=1e-4)
    assert scores.min() > 0
    assert scores.max() < 1
    np.testing.assert_allclose(ours.logits, logits, atol=1e-3 * np.abs(logits).max())
    for mine, theirs in zip(ours.masks, masks, strict=True):
        assert 0.02 < theirs.mean() < 0.98  # otherwise equal masks would say nothing
        assert iou(mine, theirs) >= 0.999


def test_the_encoder_gives_sam_predictors_features(stock_features, full_size):
    theirs = stock_features[0].numpy()
    np.testing.assert_allclose(full_size.arrays["image"], theirs, rtol=1e-3, atol=1e-3)
    assert theirs.std() > 0.1


def relative_error(features: torch.Tensor, expected: torch.Tensor) -> float:
    return ((features - expected).norm() / expected.norm()).item()


def test_the_encoder_is_exact_in_float32(encoded, stock_features):
    assert relative_error(encoded[1], stock_features) <= 1e-5


@torch.inference_mode()
def test_the_encoder_is_near_in_bfloat16(reference, stock_features):
    encoder = FastImageEncoder(copy.deepcopy(reference.model.image_encoder), CPU, torch.bfloat16)
    picture = torch.from_numpy(textured((1024, 1024))).float().expand(1, 3, -1, -1)
    assert relative_error(encoder(reference.model.preprocess(picture)), stock_features) <= 2e-2


def test_a_model_tells_the_precision_of_its_encoder():
    network = SegmentAnythingNetwork(torch.nn.Identity())
    assert SamModel("sam_vit_b", network, "0" * 64, CPU, "bfloat16").precision == "bfloat16"


@pytest.mark.parametrize("case", CASES)
def test_the_whole_path_from_pixels_to_masks_equals_sam_predictors(model, reference, stock_features, full_size, case):
    prompts = prompts_within(1024, 1024)[case]
    [ours] = model.decode(full_size, [prompts])
    assert_equal_answers(reference, stock_features, full_size.grid, prompts, ours)


@pytest.mark.parametrize("shape", [(97, 640), (1300, 900)])
@pytest.mark.parametrize("case", CASES)
def test_answers_on_other_slices_equal_sam_predictors_at_the_same_places(model, reference, full_size, shape, case):
    # Any features do here: how slices are brought to the encoder is compared in the next test.
    embedding = Embedding(full_size.arrays, SliceGrid.fit(shape, (1.0, 1.0), 1024))
    prompts = prompts_within(shape[1], shape[0])[case]
    [ours] = model.decode(embedding, [prompts])
    assert_equal_answers(reference, features_of(embedding), embedding.grid, prompts, ours)


@pytest.mark.parametrize("shape", [(300, 201), (97, 640), (1024, 1024), (1300, 900)])
def test_the_encoder_is_given_the_picture_that_sam_predictor_gives_it(model, reference, monkeypatch, shape):
    given = []

    def note(pixels: torch.Tensor) -> torch.Tensor:
        given.append(pixels)
        return torch.zeros(1, 256, 64, 64)

    monkeypatch.setattr(reference.model.image_encoder, "forward", note)
    monkeypatch.setattr(model._network.image_encoder, "in_steps", in_one_step(note))
    pixels = textured(shape)
    reference.set_image(np.stack([pixels] * 3, axis=-1))
    [embedding] = model.encode([SliceImage(pixels)])
    theirs, ours = given
    assert embedding.grid.model_shape == reference.input_size
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_prompt_sets_are_answered_together_as_they_are_alone(model, full_size):
    sets = list(prompts_within(1024, 1024).values())
    for together, prompts in zip(model.decode(full_size, sets), sets, strict=True):
        [alone] = model.decode(full_size, [prompts])
        np.testing.assert_array_equal(together.logits, alone.logits)


@pytest.fixture(scope="module")
def medsam(model) -> MedSamModel:
    return MedSamModel("medsam_vit_b", model._network, "0" * 64, CPU)


def test_medsam_stretches_the_slice_over_the_square_and_scales_its_greys_to_0_and_1(medsam, monkeypatch):
    given = []
    monkeypatch.setattr(
        medsam._network.image_encoder,
        "in_steps",
        in_one_step(lambda pixels: given.append(pixels) or torch.zeros(1, 256, 64, 64)),
    )
    pixels = np.full((50, 200), 40, dtype=np.uint8)
    pixels[25:] = 140
    [embedding] = medsam.encode([SliceImage(pixels, (3.0, 1.0))])
    assert embedding.grid.model_shape == (1024, 1024)
    [picture] = given[0]
    assert (picture.min().item(), picture.max().item()) == (0, 1)
    assert picture[:, :480].max() < 0.1  # the upper half stays dark, down to the seam
    assert picture[:, 544:].min() > 0.9


def test_medsam_answers_a_box_in_the_slices_pixels(medsam, full_size):
    grid = SliceGrid(source_shape=(50, 200), model_shape=(1024, 1024))
    [candidates] = medsam.decode(Embedding(full_size.arrays, grid), [SlicePrompts(box=(20, 10, 80, 30))])
    assert candidates.masks.shape == (3, 50, 200)


@pytest.mark.parametrize("case", [case for case in CASES if case != "box"])
def test_medsam_refuses_what_it_was_not_trained_for(medsam, full_size, case):
    with pytest.raises(InputError, match="medsam_vit_b was trained for boxes only"):
        medsam.decode(full_size, [prompts_within(1024, 1024)[case]])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_the_size_is_told_from_the_weights(size):
    with torch.device("meta"):
        weights = SamNetwork(size).state_dict()
    assert recognise_size(weights) == size


def test_weights_that_lack_keys_are_refused_by_the_first_ones(reference):
    state = reference.model.state_dict()
    weights = {key: value for key, value in state.items() if "iou_prediction_head" not in key}
    with pytest.raises(ModelUnavailableError, match=r"mine\.pth: .*lacks mask_decoder\.iou_prediction_head.* more"):
        build_sam(weights, "mine.pth")
