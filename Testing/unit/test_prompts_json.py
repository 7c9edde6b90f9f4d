"""Saved prompts can be replayed exactly, and a broken prompts file is refused in one sentence that names the member."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.prompts import Box, Point, PromptSet, to_slice_prompts
from SAMSegmentLib.savedmask import SavedMask
from SAMSegmentLib.session import SegmentationSession
from SAMSegmentLib.sessionfile import load_session_file, saved_segment_from_json, session_to_json
from SAMSegmentLib.volume import Window
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import volume_of

voxels = st.tuples(*[st.integers(0, 500)] * 3)
any_prompt_sets = st.builds(
    PromptSet,
    st.sampled_from(Orientation),
    st.integers(0, 500),
    st.lists(st.builds(Point, voxels, st.booleans()), max_size=4).map(tuple),
    st.lists(st.builds(Box, voxels, voxels), max_size=2).map(tuple),
    candidate=st.none() | st.integers(0, 2),
)
prompt_sets = any_prompt_sets.filter(bool)


@given(prompt_sets)
def test_prompts_come_back_from_json_as_they_were(prompts):
    assert PromptSet.from_json(json.loads(json.dumps(prompts.to_json()))) == prompts


def test_a_box_may_be_drawn_from_any_corner():
    assert Box((9, 2, 5), (3, 8, 5)) == Box((3, 2, 5), (9, 8, 5))


def test_several_boxes_are_taken_as_the_box_around_them():
    plane = slice_plane(volume_of(np.zeros((1, 20, 20))), Orientation.AXIAL, 0)
    both = PromptSet(Orientation.AXIAL, 0, boxes=(Box((2, 3, 0), (4, 5, 0)), Box((8, 1, 0), (9, 2, 0))))
    around = PromptSet(Orientation.AXIAL, 0, boxes=(Box((2, 1, 0), (9, 5, 0)),))
    assert to_slice_prompts(both, plane).box == to_slice_prompts(around, plane).box


def test_one_click_alone_is_ambiguous_and_more_is_not():
    plane = slice_plane(volume_of(np.zeros((1, 20, 20))), Orientation.AXIAL, 0)
    click = PromptSet(Orientation.AXIAL, 0, (Point((3, 3, 0)),))
    assert to_slice_prompts(click, plane).is_ambiguous
    assert not to_slice_prompts(click.with_point(Point((4, 4, 0))), plane).is_ambiguous
    assert not to_slice_prompts(click.with_box(Box((1, 1, 0), (5, 5, 0))), plane).is_ambiguous


def test_the_file_follows_the_contract(tmp_path):
    volume = volume_of(np.zeros((5, 6, 7), dtype=np.uint8))
    session = SegmentationSession(volume, InProcessEngine(ThresholdModel(), volume, Window(127.5, 255)), "full")
    session.add_segment("spleen")
    session.add_point("spleen", (3, 2, 4), Orientation.AXIAL).result()
    session.add_box("spleen", Box((1, 1, 4), (5, 4, 4)), Orientation.AXIAL).result()
    session.propagate("spleen", Propagation(Orientation.AXIAL, None, 4)).result()
    data = session_to_json(session)
    assert data == {
        "version": 1,
        "image": {"fingerprint": volume.fingerprint},
        "model": "threshold",
        "weights_sha256": "0" * 64,
        "window": "full",
        "segments": [
            {
                "name": "spleen",
                "color": [230, 159, 0],
                "prompts": [
                    {
                        "orientation": "axial",
                        "index": 4,
                        "points": [{"ijk": [3, 2, 4], "positive": True}],
                        "boxes": [{"ijk_min": [1, 1, 4], "ijk_max": [5, 4, 4]}],
                    }
                ],
                "propagate": [{"orientation": "axial", "slices": [None, 4]}],
            }
        ],
    }
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps(data))
    (segment,) = load_session_file(path).segments
    assert segment.prompts == tuple(session.state("spleen").prompts.values())
    assert segment.propagations == (Propagation(Orientation.AXIAL, None, 4),)


def test_all_that_a_propagation_depends_on_is_in_the_file():
    wanted = {
        "orientation": "coronal",
        "slices": [1, None],
        "stops": [2, 9],
        "farthest_mm": 12.5,
        "smooth": True,
        "connected": True,
        "fill_holes": True,
        "intervals": [[None, 4], [4, 7]],
        "only": [3, 2, 3],
    }
    (propagation,) = saved_segment_from_json({"name": "a", "propagate": [wanted]}).propagations
    assert propagation == Propagation(
        Orientation.CORONAL, 1, None, (3, 2, 3), (2, 9), 12.5, True, True, True, intervals=((None, 4), (4, 7))
    )


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_an_accepted_mask_comes_back_from_json_as_it_was(mask):
    saved = SavedMask.of(Orientation.SAGITTAL, 3, mask)
    again = SavedMask.from_json(json.loads(json.dumps(saved.to_json())))
    assert again == saved
    assert np.array_equal(again.unpack(), mask)


def segment_with(**members):
    return {"version": 1, "segments": [{"name": "a", **members}]}


def prompts_with(**members):
    one = {"orientation": "axial", "index": 3, "points": [{"ijk": [1, 2, 3]}], **members}
    return segment_with(prompts=[one])


def propagate_with(**members):
    return segment_with(propagate=[{"orientation": "axial", "slices": [1, 2], **members}])


def accepted_with(**members):
    one = {"orientation": "axial", "index": 3, "shape": [2, 3], "runs": [1, 2, 3], **members}
    return segment_with(accepted=[{name: value for name, value in one.items() if value is not None}])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "not a JSON file"),
        ("{", "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        (b"\xff\xfe\x00", "not a JSON file"),
        ([], "version"),
        ({"segments": []}, "version"),
        ({"version": 2}, "version"),
        ({"version": 1}, "no segments"),
        ({"version": 1, "segments": []}, "no segments"),
        ({"version": 1, "segments": ["a"]}, "name"),
        ({"version": 1, "image": [], "segments": [{"name": "a"}], "model": 5}, "model"),
        ({"version": 1, "image": {"fingerprint": 5}, "segments": [{"name": "a"}]}, "fingerprint"),
        (segment_with(name="  "), "name"),
        (segment_with(prompts={}), "must be a list"),
        (segment_with(prompts=["x"]), "a prompt set"),
        (segment_with(color=[1, 2, 300]), "color"),
        (segment_with(color="red"), "color"),
        (segment_with(propagate=[{"orientation": "axial"}]), "propagate"),
        (segment_with(propagate=[{"orientation": "axial", "slices": [1.5, 2]}]), "whole numbers"),
        (segment_with(propagate=["x"]), "propagate"),
        (prompts_with(orientation="oblique"), "oblique"),
        (prompts_with(index="3"), "index"),
        (prompts_with(index=True), "index"),
        (prompts_with(points={}), "points"),
        (prompts_with(points=[[1, 2, 3]]), "a point"),
        (prompts_with(points=[{"ijk": [1, 2]}]), "three whole numbers"),
        (prompts_with(points=[{"ijk": [1, 2, 3.5]}]), "3.5"),
        (prompts_with(points=[{"ijk": [1, 2, 3], "positive": "no"}]), "positive"),
        (prompts_with(boxes=[{"ijk_min": [1, 2, 3]}]), "ijk_max"),
        (prompts_with(candidate=1.5), "candidate"),
        (prompts_with(candidate=7), "candidate"),
        (segment_with(prompts=[{"index": 3, "points": [{"ijk": [1, 2, 3]}]}] * 2), "2 sets of prompts"),
        (prompts_with(points=[]), "at least one point or box"),
        (prompts_with(point=[1, 2, 3]), "'point' is no member"),
        (prompts_with(points=[{"ijk": [1, 2, 3], "positiv": False}]), "'positiv' is no member of a point"),
        (prompts_with(boxes=[{"ijk_min": [1, 2, 3], "ijk_mx": [3, 4, 3]}]), "'ijk_mx' is no member of a box"),
        (segment_with(propogate=[]), "'propogate' is no member of a segment"),
        ({**segment_with(), "windw": "lung"}, "'windw' is no member of a prompts file"),
        (segment_with(propagate=[{"orientation": "axial", "slices": [1, 2], "onyl": []}]), "'onyl' is no member"),
        (segment_with(propagate=[{"orientation": "axial", "slices": [1, 2], "only": ["x"]}]), "whole numbers"),
        (propagate_with(stops=[1.5]), "whole numbers"),
        (propagate_with(stops=4), "propagate"),
        (propagate_with(intervals=[[1, "x"]]), "whole numbers"),
        (propagate_with(intervals=[[1]]), "propagate"),
        (propagate_with(intervals=[3]), "propagate"),
        (propagate_with(smooth=1), "true or false"),
        (propagate_with(fill_holes=None), "true or false"),
        (propagate_with(stops="a"), '"stops" is a list, not .a.'),
        (propagate_with(farthest_mm="3"), "a number"),
        (propagate_with(farthest_mm=-1), "above 0 .*, not -1"),
        (propagate_with(farthest_mm=10**300), "at most 1000000 mm"),
        (propagate_with(farthest_mm=float("nan")), "above 0 .*, not nan"),
        (segment_with(accepted={}), "must be a list"),
        (segment_with(accepted=[3]), "a saved mask"),
        (accepted_with(orientation="oblique"), "a saved mask"),
        (accepted_with(runs=None), "a saved mask needs"),
        (accepted_with(shape=[2]), "a saved mask needs"),
        (accepted_with(run=[1]), "'run' is no member of a saved mask"),
        (accepted_with(index=True), "whole numbers"),
        (accepted_with(confidence=2), "confidence is a number from 0 to 1, not 2"),
        (accepted_with(confidence=True), "confidence is a number"),
        (segment_with(outdated={}), '"outdated" must be a list'),
        (segment_with(outdated=accepted_with()["segments"][0]["accepted"] * 2), "axial slice 3 has 2 outdated masks"),
        (accepted_with(runs=[1, 2.0, 3]), "whole numbers"),
        (accepted_with(runs=[7, -1]), "whole numbers"),
        (accepted_with(runs=[1, 2]), "runs of 3 pixels in all and a shape of 2x3"),
        (accepted_with(shape=[1 << 20, 1 << 20], runs=[1 << 40]), "whole numbers from 0"),
        (segment_with(accepted=accepted_with()["segments"][0]["accepted"] * 2), "axial slice 3 has 2 accepted masks"),
    ],
)
def test_a_broken_prompts_file_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "prompts.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InputError, match=sentence) as refusal:
        load_session_file(path)
    assert str(path) in str(refusal.value)


def test_a_missing_prompts_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_session_file(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_session_file(tmp_path)
