"""What tests of sessions share: sessions on a ball, what is often done with them, and the mask a user would see."""

import numpy as np

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.sessionfile import replay, saved_segment_from_json, session_to_json
from SAMSegmentLib.volume import Window
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of

WINDOW = Window(127.5, 255)
LONG_BALL = ball((24, 16, 20), (9, 8, 12), 4.5, (1, 1, 0.4))  # in slices 1 to 23


def ball_session(ball_mask: np.ndarray, model, engine_class=InProcessEngine) -> SegmentationSession:
    """A session with an empty segment "ball" on a volume that shows the ball."""
    volume = volume_of(ball_mask.astype(np.uint8) * 255, name="ball")
    session = SegmentationSession(volume, engine_class(model, volume, WINDOW))
    session.add_segment("ball")
    return session


def mask_of(session: SegmentationSession, name: str = "ball") -> np.ndarray:
    return next(segment.mask for segment in session.segments() if segment.name == name)


class RecordingEngine(InProcessEngine):
    """Keeps what it was asked to propagate, and the slices that it handed over."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.requests, self.reached = [], []

    def propagate(self, request, on_slice):
        self.requests.append(request)
        self.reached.append([])

        def count(result):
            self.reached[-1].append(result.plane.index)
            on_slice(result)

        return super().propagate(request, count)


def long_session() -> SegmentationSession:
    """A session with an empty segment "ball" on the long ball."""
    return ball_session(LONG_BALL, ThresholdModel(), RecordingEngine)


def click(session: SegmentationSession, index: int) -> None:
    """A click on the long ball in an axial slice."""
    session.add_point("ball", (9, 8, index), Orientation.AXIAL).result()


def propagate(session: SegmentationSession, **members) -> None:
    """Propagate the ball through the axial slices."""
    session.propagate("ball", Propagation(Orientation.AXIAL, **members)).result()


def slices_of(session: SegmentationSession) -> set[int]:
    """The axial slices that the ball is in."""
    return set(np.flatnonzero(mask_of(session).any(axis=(1, 2))).tolist())


def in_square(side: int = 4) -> np.ndarray:
    """A mask for an axial slice of the long ball, unlike any answer of the model."""
    mask = np.zeros((16, 20), dtype=bool)
    mask[6 : 6 + side, 7 : 7 + side] = True
    return mask


def propagated_session() -> SegmentationSession:
    """Three key slices of the long ball, 4, 12 and 20, and everything propagated."""
    session = long_session()
    for index in (4, 12, 20):
        click(session, index)
    propagate(session)
    return session


def assert_replays(session: SegmentationSession) -> None:
    """What is saved of a session makes the same masks again, and says the same when it is saved again."""
    again = SegmentationSession(session.volume, InProcessEngine(ThresholdModel(), session.volume, WINDOW))
    saved = session_to_json(session)["segments"]
    for segment in saved:
        replay(saved_segment_from_json(segment), again)
    for mine, theirs in zip(session.segments(), again.segments(), strict=True):
        assert np.array_equal(mine.mask, theirs.mask)
    assert session_to_json(again)["segments"] == saved
