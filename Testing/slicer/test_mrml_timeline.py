"""One timeline: clicks, and what is drawn by hand with the segment editor, are taken back in the user's order."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from Testing.slicer.mrml_late import late_loop
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop

KEY = (AXIAL, 6)


@pytest.fixture
def loop():
    with MRMLScene() as world:
        loop = Loop(world, with_history=True)
        yield loop
        loop.scene_session.close()


def test_paint_is_taken_back_before_an_acceptance_that_came_first(loop):
    session = loop.scene_session
    loop.click((9, 8, 6))
    clicked = loop.mask()
    session.accept_slice("ball", KEY)
    loop.paint("ball", (0, 2, 0, 2, 0, 0))
    painted = loop.mask()
    session.undo()
    assert np.array_equal(loop.mask(), clicked)
    assert session.session.state("ball").masks[KEY].is_accepted
    session.undo()
    assert np.array_equal(loop.mask(), clicked)
    assert not session.session.state("ball").masks[KEY].is_accepted
    session.undo()
    assert not loop.mask().any()
    for expected in (clicked, clicked, painted):
        session.redo()
        assert np.array_equal(loop.mask(), expected)
    assert session.session.state("ball").masks[KEY].is_accepted
    assert not session.can_redo


def test_an_acceptance_is_taken_back_before_paint_that_came_first(loop):
    session = loop.scene_session
    loop.click((9, 8, 6))
    clicked = loop.mask()
    loop.paint("ball", (0, 2, 0, 2, 0, 0))
    painted = loop.mask()
    session.accept_slice("ball", KEY)
    session.undo()
    assert np.array_equal(loop.mask(), painted)
    assert not session.session.state("ball").masks[KEY].is_accepted
    session.undo()
    assert np.array_equal(loop.mask(), clicked)
    assert len(session.prompts()) == 1


def test_paint_is_taken_back_before_a_click_whose_answer_is_empty(loop):
    session = loop.scene_session
    loop.click((9, 8, 6))
    clicked = loop.mask()
    loop.click((2, 2, 1), positive=False)
    assert np.array_equal(loop.mask(), clicked)
    loop.paint("other", (0, 2, 0, 2, 0, 0))
    session.undo()
    assert np.array_equal(loop.mask(), clicked)
    assert len(session.prompts()) == 2
    session.undo()
    assert [entry.ijk for entry in session.prompts()] == [(9, 8, 6)]


def test_paint_is_taken_back_before_a_click_whose_answer_is_on_its_way():
    with MRMLScene() as world:
        late = late_loop(world, with_history=True)
        late.paint("other", (0, 2, 0, 2, 0, 0))
        late.scene_session.undo()
        assert not late.mask("other").any()
        assert len(late.scene_session.prompts()) == 1
        late.engine.answer_all()
        assert np.array_equal(late.mask()[6], BALL[6])
        late.scene_session.undo()
        assert late.scene_session.prompts() == []
        assert not late.mask().any()
        late.scene_session.close()


def test_what_was_only_drawn_by_hand_can_be_taken_back_and_done_again(loop):
    session = loop.scene_session
    assert not session.can_undo
    changes = loop.changes
    loop.paint("ball", (0, 2, 0, 2, 0, 0))
    drawn = loop.mask()
    assert session.can_undo
    assert loop.changes > changes
    session.undo()
    assert not loop.mask().any()
    assert (session.can_undo, session.can_redo) == (False, True)
    session.redo()
    assert np.array_equal(loop.mask(), drawn)
    assert (session.can_undo, session.can_redo) == (True, False)


def test_nothing_is_redone_after_a_new_change_by_hand(loop):
    session = loop.scene_session
    loop.click((9, 8, 6))
    loop.click((9, 8, 7))
    session.undo()
    loop.paint("ball", (4, 5, 4, 5, 4, 4))
    drawn = loop.mask()
    assert not session.can_redo
    session.redo()
    assert np.array_equal(loop.mask(), drawn)
    assert [entry.ijk for entry in session.prompts()] == [(9, 8, 6)]
    session.undo()
    session.undo()
    assert session.prompts() == []
    assert not loop.mask().any()


def test_paint_taken_back_in_the_segment_editor_leaves_what_was_undone_before_it(loop):
    session = loop.scene_session
    loop.click((9, 8, 6))
    loop.paint("ball", (0, 2, 0, 2, 0, 0))
    loop.click((9, 8, 7))
    newest = loop.mask()
    session.undo()
    loop.editor.undo()
    assert [entry.ijk for entry in session.prompts()] == [(9, 8, 6)]
    session.redo()
    session.redo()
    assert np.array_equal(loop.mask(), newest)
    assert [entry.ijk for entry in session.prompts()] == [(9, 8, 6), (9, 8, 7)]


def test_changes_by_hand_without_a_state_in_the_editor_keep_no_click_from_being_undone(loop):
    loop.click((9, 8, 6))
    save, loop.editor.save_state = loop.editor.save_state, lambda: None
    loop.paint("other", (0, 2, 0, 2, 0, 0))
    loop.editor.save_state = save
    loop.scene_session.undo()
    assert loop.scene_session.prompts() == []
    assert not loop.mask().any()


def test_a_click_that_changes_no_voxel_ends_what_the_segment_editor_could_redo(loop):
    loop.click((9, 8, 6))
    loop.scene_session.undo()
    loop.click((2, 2, 1), positive=False)
    loop.editor.redo()
    assert not loop.mask().any()
    assert [entry.ijk for entry in loop.scene_session.prompts()] == [(2, 2, 1)]
    loop.editor.undo()
    assert not loop.scene_session.prompts()
