"""Configurations and schedules: what a run is told, and how the learning rate follows from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.training.config import TrainingConfig, load_config, packaged_configs, parse_config
from SAMSegmentLib.training.schedule import Position, Schedule

if TYPE_CHECKING:
    from pathlib import Path


def content() -> dict:
    stages = [{"side": 64, "slices": 4, "steps": 100}, {"side": 128, "slices": 1, "steps": 100}]
    phase = {"name": "one", "peak_learning_rate": 0.001, "warmup_steps": 10, "stages": stages}
    return {"name": "test", "seed": 1, "phases": [phase, {**phase, "name": "two"}]}


def parsed() -> TrainingConfig:
    return parse_config(json.dumps(content()), "test")


def with_value(path: tuple, value: object) -> str:
    changed = content()
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return json.dumps(changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"name": "no phases", "seed": 1}',
        with_value(("phases",), []),
        with_value(("phases", 0, "stages"), []),
        with_value(("phases", 0, "stages", 0, "side"), 100),
        with_value(("phases", 0, "stages", 0, "side"), 512),
        with_value(("phases", 0, "stages", 0, "steps"), 0),
        with_value(("phases", 0, "stages", 0, "stepz"), 5),
        with_value(("phases", 0, "peak_learning_rate"), -1),
        with_value(("phases", 0, "peak_learning_rate"), "fast"),
        with_value(("round_odds",), [0.5, 0.4]),
        with_value(("round_odds",), []),
        with_value(("point_share",), 0.9),
        with_value(("pool_slices",), 0),
        with_value(("start_share",), 1.0),
        with_value(("answer_offset",), 5),
        with_value(("colour",), "red"),
    ],
)
def test_a_bad_configuration_is_one_sentence_that_names_the_file(text: str) -> None:
    with pytest.raises(InputError, match=r"^bad\.json: not a training configuration \(.*\); correct the file\.$"):
        parse_config(text, "bad.json")


def test_a_configuration_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="builtin-1"):
        load_config(str(tmp_path / "missing.json"))


@pytest.mark.parametrize("name", packaged_configs())
def test_packaged_configurations_load_and_come_back_from_their_own_text(name: str) -> None:
    config = load_config(name)

    assert config.name == name
    assert parse_config(config.text, "stored") == config


def walk(schedule: Schedule, config: TrainingConfig, seconds_per_step: float) -> list[tuple[Position, float]]:
    """Every position of a run and its learning rate."""
    position, places = Position(), []
    while position.phase < len(config.phases):
        if schedule.is_stage_over(position):
            position = position.next_stage(config.phases[position.phase])
            continue
        places.append((position, schedule.learning_rate(position)))
        position = position.after_step(schedule.stage(position).slices, seconds_per_step)
    return places


def test_every_phase_warms_up_peaks_once_and_ends_near_zero() -> None:
    config = parsed()
    places = walk(Schedule(config), config, 1.0)

    for number in (0, 1):
        rates = [rate for position, rate in places if position.phase == number]
        peak = rates.index(max(rates))
        assert len(rates) == 200
        assert rates[0] == pytest.approx(0.0001, rel=0.01)
        assert 0.00095 < rates[peak] <= 0.001
        assert rates[: peak + 1] == sorted(rates[: peak + 1])
        assert rates[peak:] == sorted(rates[peak:], reverse=True)
        assert rates[-1] < 0.00002


def test_a_run_sees_every_slice_of_every_stage_once() -> None:
    config = parsed()
    places = walk(Schedule(config), config, 1.0)

    samples = [position.samples for position, _ in places]

    assert samples == sorted(set(samples))
    assert samples[-1] + 1 == 2 * (100 * 4 + 100)


def test_a_time_limit_shortens_all_stages_alike_and_still_lowers_the_rate() -> None:
    config = parsed()
    # Both stages cost the same, all steps would take 200 s, and there are 100.
    places = walk(Schedule(config, minutes=100 / 60), config, 1.0)

    first_phase = [(position, rate) for position, rate in places if position.phase == 0]
    by_stage = [sum(position.stage == stage for position, _ in first_phase) for stage in (0, 1)]
    assert by_stage == [50, 50]
    assert first_phase[-1][1] < 0.00002


def test_ample_time_changes_nothing() -> None:
    config = parsed()

    limited = walk(Schedule(config, minutes=60), config, 0.001)

    assert [rate for _, rate in limited] == [rate for _, rate in walk(Schedule(config), config, 0.001)]
