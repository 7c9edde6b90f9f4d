"""Fixtures for tests of sessions (a ball, a model that finds it, and a session on it) and of weights."""

import pytest

from Testing.fakes import ThresholdModel
from Testing.generated import ball
from Testing.sessions import ball_session


@pytest.fixture
def ball_mask():
    return ball((12, 16, 20), (9, 8, 6), 4.5)


@pytest.fixture
def model():
    return ThresholdModel()


@pytest.fixture
def session(ball_mask, model):
    return ball_session(ball_mask, model)


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """An empty $SAMSEGMENT_HOME and an empty user cache; neither is made yet."""
    monkeypatch.setenv("SAMSEGMENT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "home"
