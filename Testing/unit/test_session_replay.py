"""A saved session makes the same masks again, whatever was done."""

import json
from concurrent.futures import CancelledError
from contextlib import suppress

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.prompts import Box, MaskPrompt, PromptSet
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.sessionfile import replay, saved_segment_from_json, session_to_json
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of
from Testing.sessions import WINDOW

AXIAL = Orientation.AXIAL


clicks = st.tuples(
    st.just("click"),
    st.tuples(st.integers(4, 14), st.integers(3, 12), st.integers(3, 9)),
    st.sampled_from(Orientation),
    st.booleans(),
)
boxes = st.tuples(st.just("box"), st.integers(3, 9), st.integers(5, 8), st.integers(10, 13))
propagations = st.tuples(
    st.just("propagate"),
    st.builds(
        Propagation,
        st.sampled_from(Orientation),
        stops=st.sampled_from([(), (8,)]),
        farthest_mm=st.none() | st.just(3.0),
        smooth=st.booleans(),
        connected=st.booleans(),
        fill_holes=st.booleans(),
    ),
    st.none() | st.integers(0, 9),
)
locks = st.tuples(st.sampled_from(["accept", "release", "give"]), st.sampled_from(Orientation), st.integers(3, 9))
others = st.tuples(st.sampled_from(["undo", "redo", "clear", "candidate"]))


def perform(session, step):
    kind, *details = step
    keys = list(session.state("ball").prompts) if "ball" in session.segment_names else []
    if kind in ("undo", "redo"):
        getattr(session, kind)()
    elif "ball" not in session.segment_names:
        session.add_segment("ball")
    elif kind == "click":
        voxel, orientation, positive = details
        session.add_point("ball", voxel, orientation, positive=positive).result()
    elif kind == "box":
        k, low, high = details
        session.add_box("ball", Box((low, low, k), (high, high, k)), AXIAL).result()
    elif kind in ("accept", "release", "give"):
        change_lock(session, kind, *details)
    elif kind == "clear" and keys:
        session.clear_slice("ball", keys[0])
    elif kind == "candidate" and keys:
        session.choose_candidate("ball", keys[-1], 1).result()
    elif kind == "propagate":
        propagate(session, *details)


def propagate(session, propagation, stop_after):
    reached = []

    def stop(item):
        reached.append(item)
        if len(reached) == stop_after:
            raise CancelledError

    session.propagate("ball", propagation, stop)


def change_lock(session, kind, orientation, index):
    if kind == "give":
        mask = np.zeros(slice_plane(session.volume, orientation, index).shape, dtype=bool)
        mask[4:8, 6:11] = True
        session.set_mask("ball", orientation, index, mask)
    else:
        getattr(session, f"{kind}_slice")("ball", (orientation, index))


# A stop that became a key slice after the interval beside it was made.
@example(
    [
        ("click", (4, 3, 3), AXIAL, True),
        ("propagate", Propagation(AXIAL, stops=(8,)), None),
        ("click", (4, 3, 8), AXIAL, True),
    ]
)
@given(st.lists(clicks | boxes | propagations | locks | others, max_size=12))
@settings(max_examples=150, deadline=None)
def test_whatever_was_done_the_saved_session_makes_the_same_masks(steps):
    volume = volume_of(ball((12, 16, 20), (9, 8, 6), 4.5).astype(np.uint8) * 255)
    first, second = (SegmentationSession(volume, InProcessEngine(ThresholdModel(), volume, WINDOW)) for _ in range(2))
    first.add_segment("ball")
    for step in steps:
        with suppress(InputError):  # such as a click on an accepted slice: refused, and nothing is changed
            perform(first, step)
    data = session_to_json(first)
    for segment in data["segments"]:
        replay(saved_segment_from_json(json.loads(json.dumps(segment))), second)
    for mine, again in zip(first.segments(), second.segments(), strict=True):
        assert np.array_equal(mine.mask, again.mask)
    assert session_to_json(second) == data


def test_what_a_mask_prompt_made_is_saved_as_the_mask_itself(session, ball_mask):
    answer = session.add_point("ball", (9, 8, 6), AXIAL).result()
    mask_prompt = MaskPrompt(answer.candidates.logits[0])
    session.set_prompts("ball", PromptSet(AXIAL, 6, mask=mask_prompt)).result()
    session.propagate("ball", Propagation(AXIAL)).result()
    (segment,) = session_to_json(session)["segments"]
    second = SegmentationSession(session.volume, session.engine)
    replay(saved_segment_from_json(json.loads(json.dumps(segment))), second)
    assert segment["prompts"] == []
    assert np.array_equal(second.segments()[0].mask, session.segments()[0].mask)
    assert second.segments()[0].mask[6].any()
