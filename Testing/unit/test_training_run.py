"""The one command: it learns, it can be stopped anywhere, and it refuses what it cannot use with a sentence."""

from __future__ import annotations

import json
import logging
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open

from SAMSegmentLib.models.builtin import BuiltinNetwork
from SAMSegmentLib.models.checkpoint import load_weights, read_checkpoint
from SAMSegmentLib.training.__main__ import main
from SAMSegmentLib.training.config import load_config, parse_config
from SAMSegmentLib.training.run import CHECKPOINT_NAME, CONFIG_NAME, LOG_NAME, WEIGHTS_NAME, TrainingRun

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 200
STOPPED_AT = 192


def tiny_config(**changes: object) -> dict[str, object]:
    phase = {
        "name": "all",
        "peak_learning_rate": 0.002,
        "warmup_steps": 20,
        "stages": [{"side": 64, "slices": 2, "steps": STEPS}],
    }
    values = {"name": "tiny", "seed": 3, "pool_slices": 30, "targets_per_slice": 2, "phases": [phase]}
    return {**values, "average_decay": 0.95, **changes}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that was stopped and resumed by the command, and the same run going on without a stop."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("training")
    config = folder / "tiny.json"
    config.write_text(json.dumps(tiny_config()))
    straight, resumed = folder / "straight", folder / "resumed"

    run = TrainingRun(load_config(str(config)), straight, workers=0)
    assert not run.run(stop_after=STOPPED_AT)
    shutil.copytree(straight, resumed)
    assert run.run()
    assert main(["--config", str(config), "--output", str(resumed), "--workers", "0"]) == 0
    return straight, resumed


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / LOG_NAME).read_text().splitlines()]


def test_two_hundred_steps_lower_the_loss_and_find_boxed_structures(runs: tuple[Path, Path]) -> None:
    log = log_of(runs[0])

    assert log[-1]["phase_step"] == STEPS
    assert log[-1]["loss"] < 0.6 * log[0]["loss"]
    assert log[-1]["box0"] > log[1]["box0"] + 0.1


def test_a_resumed_run_ends_with_the_same_bits(runs: tuple[Path, Path]) -> None:
    straight, resumed = (read_checkpoint(folder / WEIGHTS_NAME) for folder in runs)

    assert straight.keys() == resumed.keys()
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_the_weights_load_into_the_built_in_network_and_say_where_they_come_from(runs: tuple[Path, Path]) -> None:
    path = runs[0] / WEIGHTS_NAME
    config = parse_config((runs[0] / CONFIG_NAME).read_text(), "stored")

    load_weights(BuiltinNetwork(), read_checkpoint(path), path, "the built-in model")

    with safe_open(path, "pt") as content:
        metadata = content.metadata()
    assert path.stat().st_size <= 12e6
    assert metadata["licence"] == "Apache-2.0"
    assert metadata["training_data"] == "synthetic slices only"
    assert metadata["config_sha256"] == config.sha256
    assert metadata["slices_seen"] == str(2 * STEPS)


def test_another_configuration_does_not_continue_a_run(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(tiny_config(seed=4)))
    before = (runs[0] / CONFIG_NAME).read_bytes()

    assert main(["--config", str(other), "--output", str(runs[0])]) == 2
    assert (runs[0] / CONFIG_NAME).read_bytes() == before


def test_a_damaged_checkpoint_is_refused_and_kept(
    runs: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(runs[0] / CONFIG_NAME, folder)
    (folder / CHECKPOINT_NAME).write_bytes((runs[0] / CHECKPOINT_NAME).read_bytes()[:5000])

    with caplog.at_level(logging.ERROR):
        assert main(["--config", str(folder / CONFIG_NAME), "--output", str(folder)]) == 2

    assert str(folder / CHECKPOINT_NAME) in caplog.text
    assert (folder / CHECKPOINT_NAME).stat().st_size == 5000


def refine(start: Path, folder: Path, **changes: object) -> dict[str, torch.Tensor]:
    """What two steps with a learning rate of nearly nothing make of weights in the second of two phases."""
    stage = {"side": 32, "slices": 1, "steps": 2}
    phases = [
        {"name": name, "peak_learning_rate": 1e-9, "warmup_steps": 1, "stages": [stage]} for name in ("first", "second")
    ]
    folder.mkdir()
    config = folder / "two.json"
    config.write_text(json.dumps(tiny_config(phases=phases, **changes)))
    arguments = ["--config", str(config), "--output", str(folder / "run"), "--workers", "0"]
    assert main([*arguments, "--start", str(start)]) == 0
    assert [entry["phase"] for entry in log_of(folder / "run")] == [1]
    return read_checkpoint(folder / "run" / WEIGHTS_NAME)


def test_weights_to_start_from_take_the_place_of_the_first_phase(runs: tuple[Path, Path], tmp_path: Path) -> None:
    before = read_checkpoint(runs[0] / WEIGHTS_NAME)

    after = refine(runs[0] / WEIGHTS_NAME, tmp_path / "plain")

    kernel, statistics = "encoder.stage2.0.conv.weight", "encoder.stage2.0.norm.running_mean"
    assert torch.allclose(before[kernel], after[kernel], atol=1e-4)
    assert not torch.equal(before[statistics], after[statistics])


def test_a_part_of_the_start_and_an_offset_go_into_the_weights(runs: tuple[Path, Path], tmp_path: Path) -> None:
    before = read_checkpoint(runs[0] / WEIGHTS_NAME)
    plain = refine(runs[0] / WEIGHTS_NAME, tmp_path / "plain")

    mixed = refine(runs[0] / WEIGHTS_NAME, tmp_path / "mixed", start_share=0.75, answer_offset=0.5)

    statistics, bias = "encoder.stage2.0.norm.running_mean", "decoder.coarse_logits.bias"
    expected = 0.25 * plain[statistics].float() + 0.75 * before[statistics].float()
    assert torch.allclose(mixed[statistics].float(), expected, atol=2e-3)
    offset = (mixed[bias].float() - plain[bias].float()).tolist()
    assert offset == pytest.approx([0.5, 0, 0, 0], abs=2e-3)


def test_weights_to_start_from_need_a_second_phase(runs: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ["--config", str(runs[0] / CONFIG_NAME), "--output", str(tmp_path / "run")]

    assert main([*arguments, "--start", str(runs[0] / WEIGHTS_NAME)]) == 2
    assert main([*arguments, "--start", str(tmp_path / "missing.safetensors")]) == 3


@pytest.mark.parametrize("option", ["--minutes=0", "--minutes=nan", "--steps=0", "--threads=-1", "--workers=-1"])
def test_numbers_that_make_no_sense_are_refused(option: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--output", str(tmp_path / "run"), option])

    assert stop.value.code == 2
    assert option.split("=", maxsplit=1)[0] in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_batches_do_not_depend_on_who_makes_them(tmp_path: Path) -> None:
    from SAMSegmentLib.training.batches import SlicePool, StageBatches

    config = parse_config(json.dumps(tiny_config()), "test")
    stage = config.phases[0].stages[0]
    kept = StageBatches(config, stage, 0, SlicePool(config.seed, config.pool_slices, tmp_path / "slices.bin"))
    fresh = StageBatches(config, stage, 0, SlicePool(config.seed, config.pool_slices, None))

    in_order = [kept[step] for step in range(3)]

    for step in (2, 0):
        for ours, theirs in zip(in_order[step], fresh[step], strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
