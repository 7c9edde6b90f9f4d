"""The built-in model on slices: masks land under their prompts, whatever the slice's size and spacing."""

import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from SAMSegmentLib.models.interface import Candidates, PromptableModel
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage


@pytest.fixture(scope="module")
def model() -> PromptableModel:
    return load_model("builtin", device="cpu")


@pytest.fixture(scope="module")
def brain() -> tuple[SliceImage, np.ndarray]:
    """The middle axial slice of nibabel's example scan, and the head in it by threshold, component and filling."""
    path = Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz"
    scan = nibabel.load(path)
    voxels = np.asarray(scan.dataobj[:, :, scan.shape[2] // 2, 0], dtype=np.float64)
    pixels = voxels.T[::-1]
    low, high = np.percentile(pixels, (0.5, 99.5))
    grey = (np.clip((pixels - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
    parts, _ = ndimage.label(pixels > 0.3 * high)
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    across, down = scan.header.get_zooms()[:2]
    return SliceImage(grey, (float(down), float(across))), ndimage.binary_fill_holes(largest)


def around(mask: np.ndarray) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max())


def click(*points: tuple[float, float], positive: bool = True) -> SlicePrompts:
    return SlicePrompts(points=np.array(points, dtype=np.float64), positive=np.full(len(points), positive))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def best(candidates: Candidates) -> np.ndarray:
    return candidates.masks[candidates.best]


def disc(shape: tuple[int, int], spacing: tuple[float, float], centre: tuple[float, float], radius: float):
    """A bright disc of a radius in mm around (column, row), as a slice and as a mask."""
    rows, columns = np.indices(shape)
    inside = np.hypot((columns - centre[0]) * spacing[1], (rows - centre[1]) * spacing[0]) <= radius
    return SliceImage(np.where(inside, 200, 50).astype(np.uint8), spacing), inside


def test_a_box_around_the_brain_gives_the_brain(model, brain):
    image, head = brain
    [candidates] = model.decode(model.encode([image])[0], [SlicePrompts(box=around(head))])
    assert dice(best(candidates), head) > 0.8


# Small off-centre discs: a shift by half a pixel of the model, or rows taken for columns, shows in the overlap.
# Each is a shape, a (row, column) spacing, a (column, row) centre and a radius in mm.
PLACES = [
    ((256, 256), (1.0, 1.0), (60, 180), 30),
    ((512, 512), (0.5, 0.5), (100, 380), 40),
    ((120, 300), (1.5, 0.5), (60, 85), 25),
    ((300, 120), (0.5, 1.5), (85, 60), 25),
    ((64, 192), (3.0, 1.0), (150, 20), 25),
    ((192, 64), (1.0, 3.0), (20, 150), 25),
    ((35, 51), (1.0, 1.0), (13, 24), 6),
    ((513, 300), (1.0, 1.0), (210, 401), 45),
    ((1030, 771), (0.25, 0.25), (200, 800), 25),
]


@pytest.mark.parametrize(("shape", "spacing", "centre", "radius"), PLACES)
@pytest.mark.parametrize("kind", ["box", "point and box", "3 points"])
def test_the_mask_lands_on_the_object_under_the_prompt(model, shape, spacing, centre, radius, kind):
    image, inside = disc(shape, spacing, centre, radius)
    step = radius / 2 / spacing[1]
    prompts = {
        "box": SlicePrompts(box=around(inside)),
        "point and box": SlicePrompts(np.array([centre], float), np.array([True]), around(inside)),
        "3 points": click(centre, (centre[0] - step, centre[1]), (centre[0] + step, centre[1])),
    }[kind]
    [candidates] = model.decode(model.encode([image])[0], [prompts])
    mask = best(candidates)
    assert mask.shape == shape
    assert dice(mask, inside) > 0.95
    offset = np.subtract(ndimage.center_of_mass(mask), ndimage.center_of_mass(inside)) * spacing
    model_pixel = max(np.multiply(shape, spacing)) / 256
    assert np.abs(offset).max() < 0.3 * model_pixel


@pytest.mark.parametrize("shape", [(7, 5), (1, 1), (1, 40), (40, 1), (2, 513), (33, 1000)])
def test_tiny_and_thin_slices_are_answered_in_their_own_pixels(model, shape):
    pixels = np.full(shape, 60, dtype=np.uint8)
    pixels[:, : (shape[1] + 1) // 2] = 220
    box = (0.0, 0.0, float((shape[1] - 1) // 2), float(shape[0] - 1))
    [candidates] = model.decode(model.encode([SliceImage(pixels)])[0], [SlicePrompts(box=box)])
    assert candidates.masks.shape == (3, *shape)
    assert np.isfinite(candidates.logits).all()


@pytest.mark.parametrize(
    "prompts",
    [
        click((60, 180)),
        click((60, 180), positive=False),
        SlicePrompts(box=(30, 150, 90, 210)),
        click((60, 180), (70, 190)),
    ],
    ids=["click", "negative click", "box", "clicks"],
)
def test_an_answer_is_three_masks_with_scores(model, prompts):
    image, _ = disc((256, 256), (1, 1), (60, 180), 30)
    [candidates] = model.decode(model.encode([image])[0], [prompts])
    assert (candidates.masks.shape, candidates.masks.dtype) == ((3, 256, 256), np.bool_)
    assert (candidates.logits.shape, candidates.logits.dtype) == ((3, 128, 128), np.float32)
    for scores in (candidates.predicted_iou, candidates.stability):
        assert (scores.shape, scores.dtype) == ((3,), np.float32)
        assert ((scores >= 0) & (scores <= 1)).all()
    shown = candidates.predicted_iou if prompts.is_ambiguous else candidates.predicted_iou[1:]
    assert list(shown) == sorted(shown, reverse=True)


def test_a_negative_click_takes_away_what_it_hits(model):
    pixels = np.full((256, 256), 50, dtype=np.uint8)
    pixels[100:150, 40:110] = 200
    pixels[100:150, 140:210] = 200
    embedding = model.encode([SliceImage(pixels)])[0]
    both = click((75, 125), (175, 125))
    one = SlicePrompts(both.points, np.array([True, False]))
    with_both, with_one = (best(answer) for answer in model.decode(embedding, [both, one]))
    assert with_both[125, 175]
    assert not with_one[125, 175]
    assert with_one[125, 75]


def test_an_answers_logits_fed_back_keep_the_mask(model, brain):
    image, head = brain
    embedding = model.encode([image])[0]
    [first] = model.decode(embedding, [SlicePrompts(box=around(head))])
    [second] = model.decode(embedding, [SlicePrompts(logits=first.logits[first.best])])
    assert dice(best(first), best(second)) > 0.8


def test_prompt_sets_are_answered_together_as_they_are_alone(model, brain):
    image, head = brain
    embedding = model.encode([image])[0]
    sets = [SlicePrompts(box=around(head)), click((60, 60)), click((60, 60), (70, 50)), click((30, 30), positive=False)]
    for together, prompts in zip(model.decode(embedding, sets), sets, strict=True):
        [alone] = model.decode(embedding, [prompts])
        np.testing.assert_array_equal(together.masks, alone.masks)
        np.testing.assert_allclose(together.logits, alone.logits, atol=1e-4)


def test_slices_are_encoded_together_as_they_are_alone(model):
    images = [disc((90, 120), (1, 1), (40, 50), 20)[0], disc((200, 64), (1, 2), (30, 90), 30)[0]]
    for together, image in zip(model.encode(images), images, strict=True):
        [alone] = model.encode([image])
        assert together.grid == alone.grid
        for name, values in alone.arrays.items():
            assert values.dtype == np.float16
            np.testing.assert_array_equal(together.arrays[name], values)


_PRINT_DIGEST = """
import hashlib, numpy as np
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import SlicePrompts
from SAMSegmentLib.slicegrid import SliceImage
rows, columns = np.indices((200, 300))
image = SliceImage(((rows * 3 + columns * 5) % 256).astype(np.uint8), (1.0, 0.7))
model = load_model("builtin", device="cpu")
embedding = model.encode([image])[0]
[answer] = model.decode(embedding, [SlicePrompts(box=(40.0, 50.0, 160.0, 120.0))])
digest = hashlib.sha256(answer.logits.tobytes() + answer.masks.tobytes())
for name in sorted(embedding.arrays):
    digest.update(embedding.arrays[name].tobytes())
print(digest.hexdigest())
"""


def test_two_runs_of_the_program_give_the_same_bits():
    runs = [
        subprocess.run([sys.executable, "-c", _PRINT_DIGEST], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64


def pieces_without_a_click(mask: np.ndarray, prompts: SlicePrompts) -> int:
    pieces, count = ndimage.label(mask)
    columns, rows = prompts.points[prompts.positive].astype(int).T
    clicked = set(pieces[rows, columns].tolist()) - {0}
    return count - len(clicked) if clicked else 0


def test_clicks_alone_bring_no_pieces_that_nobody_clicked_in(model, monkeypatch):
    rng = np.random.default_rng(4)
    # Bright blobs everywhere: whatever is like the clicked one tempts the model.
    image = SliceImage((ndimage.gaussian_filter(rng.normal(size=(160, 200)), 5) > 0.03).astype(np.uint8) * 160 + 40)
    blobs, _ = ndimage.label(image.pixels > 100)
    inside = np.argwhere(ndimage.binary_erosion(blobs == np.bincount(blobs.ravel())[1:].argmax() + 1, iterations=3))
    (embedding,) = model.encode([image])
    one, two = (click(*[tuple(inside[place][::-1]) for place in places]) for places in ((10,), (10, -10)))
    answers = model.decode(embedding, [one, two])
    assert all(
        pieces_without_a_click(mask, prompts) == 0
        for candidates, prompts in zip(answers, (one, two), strict=True)
        for mask in candidates.masks
    )
    # The model itself does make such pieces here: without this step the test would fail.
    monkeypatch.setattr("SAMSegmentLib.models.builtin_model.without_specks", lambda candidates, _: candidates)
    raw = model.decode(embedding, [one, two])
    assert any(
        pieces_without_a_click(mask, prompts) > 0
        for candidates, prompts in zip(raw, (one, two), strict=True)
        for mask in candidates.masks
    )


def test_a_box_may_hold_several_pieces(model):
    left, _ = disc((120, 200), (1.0, 1.0), (50, 60), 18)
    right, _ = disc((120, 200), (1.0, 1.0), (150, 60), 18)
    pixels = np.maximum(left.pixels, right.pixels)
    (embedding,) = model.encode([SliceImage(pixels)])
    box = SlicePrompts(np.array([[50.0, 60.0]]), np.array([True]), (30.0, 40.0, 170.0, 80.0))
    (answer,) = model.decode(embedding, [box])
    assert best(answer)[60, 50]
    assert best(answer)[60, 150]


def test_a_negative_click_alone_is_answered(model):
    image, _ = disc((100, 100), (1.0, 1.0), (50, 50), 20)
    (embedding,) = model.encode([image])
    (answer,) = model.decode(embedding, [click((50, 50), positive=False)])
    assert answer.masks.shape == (3, 100, 100)
