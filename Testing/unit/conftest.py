"""Fixtures for tests of sessions: a ball, a model that finds it, and a session on it."""

import numpy as np
import pytest

from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of
from Testing.sessions import WINDOW


@pytest.fixture
def ball_mask():
    return ball((12, 16, 20), (9, 8, 6), 4.5)


@pytest.fixture
def model():
    return ThresholdModel()


@pytest.fixture
def session(ball_mask, model):
    volume = volume_of(ball_mask.astype(np.uint8) * 255, name="ball")
    session = SegmentationSession(volume, InProcessEngine(model, volume, WINDOW))
    session.add_segment("ball")
    return session
