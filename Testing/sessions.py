"""What tests of sessions share: the window of their volumes, and the mask that a user would see."""

import numpy as np

from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.volume import Window

WINDOW = Window(127.5, 255)


def mask_of(session: SegmentationSession, name: str = "ball") -> np.ndarray:
    return next(segment.mask for segment in session.segments() if segment.name == name)
