"""The benchmark as a whole, with models whose score is known."""

import nibabel
import numpy as np
import pytest

from SAMSegmentLib.evaluation.cases import find_cases
from SAMSegmentLib.evaluation.metrics import Overlap
from SAMSegmentLib.evaluation.modes import MODES, find_modes
from SAMSegmentLib.evaluation.records import Record
from SAMSegmentLib.evaluation.runner import Settings, evaluate, plan_cases
from SAMSegmentLib.evaluation.summary import structure_dice_3d, summarise
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.models.interface import Candidates, Embedding
from SAMSegmentLib.slicegrid import SliceGrid
from Testing.generated import ball


class KnownModel:
    """Answers with every pixel above a threshold: perfect for images that are their own label."""

    name = "known"
    weights_sha256 = "0" * 64
    precision = "float32"

    def __init__(self, threshold=127, show_at_first=0):
        self.threshold = threshold
        self.show_at_first = show_at_first
        self.encodings = 0
        self.boxes = []

    def encode(self, slices):
        self.encodings += len(slices)
        grid = SliceGrid.fit(slices[0].pixels.shape, slices[0].spacing, 256)
        return [Embedding({"pixels": image.pixels}, grid) for image in slices]

    def decode(self, embedding, prompt_sets):
        self.boxes += [prompts.box for prompts in prompt_sets if prompts.box]
        mask = embedding.arrays["pixels"] > self.threshold
        masks = np.stack([mask, ~mask, ~mask])
        scores = np.array([0.9, 0.2, 0.1], np.float32)
        logits = np.zeros((3, 8, 8), np.float32)
        return [Candidates(masks.copy(), scores, scores, logits, self.show_at_first) for _ in prompt_sets]


@pytest.fixture
def cases(tmp_path):
    """Two cases: a bright ball each, in 1 x 1 x 2 mm voxels; the window shows its edge at 127."""
    for name, radius in (("one", 8), ("two", 6)):
        inside = ball((16, 30, 34), (16, 15, 8), radius, (1, 1, 2)).transpose(2, 1, 0)
        folder = tmp_path / name
        folder.mkdir()
        for stem, array in (("image", inside * 100), ("label", inside)):
            path = folder / f"{stem}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), np.diag([1.0, 1.0, 2.0, 1.0])), path)
    return tmp_path


def run_model(cases, model, modes=MODES, *, seed=0, limit=None, orientation=Orientation.AXIAL):
    settings = Settings(modes, orientation, "full", seed)
    plans = plan_cases(find_cases(cases), settings, limit)
    return [record for records in evaluate(plans, model, settings) for record in records]


@pytest.mark.parametrize("orientation", list(Orientation))
def test_a_perfect_model_scores_one_in_every_mode_and_orientation(cases, orientation):
    summaries = summarise(run_model(cases, KnownModel(), orientation=orientation), MODES)
    assert [item.mode for item in summaries] == [mode.name for mode in MODES]
    for item in summaries:
        assert (item.dice, item.best_dice, item.iou, item.dice_3d, item.hausdorff95_mm) == (1, 1, 1, 1, 0)
        assert item.emptied == 0
        assert item.spread == 0 or np.isnan(item.spread)
    assert next(item for item in summaries if item.mode == "clicks-goal").clicks == 1


def test_a_model_that_shows_the_wrong_candidate_first_scores_low_but_its_best_is_perfect(cases):
    for item in summarise(run_model(cases, KnownModel(show_at_first=1), find_modes(("point", "box"))), MODES):
        assert item.dice == 0
        assert item.best_dice == 1


def test_a_model_that_empties_its_mask_at_a_negative_click_is_found_out(cases):
    class Emptying(KnownModel):
        def decode(self, embedding, prompt_sets):
            answers = super().decode(embedding, prompt_sets)
            for prompts, answer in zip(prompt_sets, answers, strict=True):
                answer.masks[0] = len(prompts.points) == 1  # everything at the first click, then nothing
            return answers

    by_mode = {item.mode: item for item in summarise(run_model(cases, Emptying()), MODES)}
    assert by_mode["point"].emptied == by_mode["point"].empty == 0
    assert by_mode["box"].empty == by_mode["box"].targets
    assert by_mode["box"].emptied == 0  # no click, no blame
    assert by_mode["clicks-2"].emptied == by_mode["clicks-2"].targets
    assert by_mode["clicks-goal"].clicks == 10


def test_each_slice_is_encoded_once(cases):
    model = KnownModel()
    slices = {(record.case, record.index) for record in run_model(cases, model)}
    assert model.encodings == len(slices) > 10


def test_a_seed_repeats_the_same_figures_and_another_changes_the_jitter(cases):
    def boxes(seed):
        model = KnownModel()
        records = run_model(cases, model, find_modes(("box-5px",)), seed=seed)
        assert {record.repeat for record in records} == {0, 1, 2, 3, 4}
        return model.boxes

    assert boxes(3) == boxes(3)
    assert boxes(3) != boxes(4)


def test_what_else_is_evaluated_does_not_change_a_mode(cases):
    def figures(**options):
        records = run_model(cases, KnownModel(threshold=-1), **options)
        return {(r.case, r.index, r.mode, r.repeat): r for r in records if r.mode == "box-10pc"}

    everything = figures()
    alone = figures(modes=find_modes(("box-10pc",)), limit=6)
    assert alone
    assert {key: everything[key] for key in alone} == alone


def test_a_limit_is_divided_between_the_cases(cases):
    plans = plan_cases(find_cases(cases), Settings(MODES, Orientation.AXIAL, "auto", 0), limit=6)
    assert [len(plan.targets) for plan in plans] == [3, 3]


def record(case, structure, index, mask, common, *, reference=100, mode="box-5px", repeat=0, predicted_iou=0.5):
    return Record(
        case, structure, index, "m", mode, repeat, Overlap(mask, reference, common), 1.0, 0, predicted_iou, 0.9
    )


def test_no_case_counts_more_than_another():
    records = [record("large", "a", index, 100, 100) for index in range(9)] + [record("small", "a", 0, 100, 0)]
    (item,) = summarise(records, MODES)
    assert item.dice == pytest.approx(0.5)
    assert item.targets == 10
    assert item.reached_goal == pytest.approx(0.5)


def test_3d_dice_takes_a_structures_slices_together():
    records = [record("c", "a", 0, 100, 100), record("c", "a", 1, 300, 0, reference=300), record("c", "b", 0, 50, 50)]
    dices = structure_dice_3d(records)
    assert dices["c", "a"] == pytest.approx(2 * 100 / (400 + 400))
    assert dices["c", "b"] == pytest.approx(2 * 50 / 150)
    (item,) = summarise(records, MODES)
    assert item.dice_3d == pytest.approx((0.25 + 2 / 3) / 2)
    assert item.dice == pytest.approx((1 + 0 + 2 / 3) / 3)


def test_spread_is_that_of_the_repeats_of_one_target():
    # Dice 0.4 and 0.6 on one target: 0.1; always 0.9 on the other: 0. That the targets differ is no spread.
    records = [record("c", "a", 0, 100, common, repeat=n) for n, common in enumerate((40, 60))]
    records += [record("c", "a", 1, 100, 90, repeat=n) for n in range(2)]
    (item,) = summarise(records, MODES)
    assert item.spread == pytest.approx(0.05)


def test_predicted_iou_is_compared_with_true_iou_by_rank():
    true = [20, 40, 60, 80]
    records = [record("c", "a", n, 100, common, predicted_iou=common / 1000) for n, common in enumerate(true)]
    assert summarise(records, MODES)[0].rank_correlation == pytest.approx(1)
    turned = [record("c", "a", n, 100, common, predicted_iou=1 - common / 1000) for n, common in enumerate(true)]
    assert summarise(turned, MODES)[0].rank_correlation == pytest.approx(-1)
