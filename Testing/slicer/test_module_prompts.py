"""The module's section 'Prompts', used as a user does."""

import numpy as np
import pytest

from Testing.slicer.module_bench import BALL, CENTRE, exercises

I0, J0, K0 = CENTRE
OUTSIDE = (3, 3, K0)


def test_the_first_click_after_choosing_a_volume_segments_the_ball(module):
    module.open_ball()
    module.click("Red", CENTRE)
    assert module.prompts() == [("positive", "axial", K0)]
    expected = np.zeros_like(BALL)
    expected[K0] = BALL[K0]
    assert (module.mask() == expected).all()


@pytest.mark.parametrize(("view", "orientation", "index"), [("Yellow", "sagittal", I0), ("Green", "coronal", J0)])
def test_a_click_is_a_prompt_in_the_orientation_of_its_view(module, view, orientation, index):
    module.open_ball((0.5, 0.5, 5.0))
    module.click(view, CENTRE)
    assert module.prompts() == [("positive", orientation, index)]


@exercises("includeButton", "excludeButton")
def test_tools_are_chosen_one_at_a_time_and_put_down(module):
    module.open_ball()
    assert module.ui.includeButton.checked
    module.press("excludeButton")
    assert (module.ui.includeButton.checked, module.ui.excludeButton.checked) == (False, True)
    module.click("Red", CENTRE)
    module.press("includeButton")
    module.click("Red", (I0 + 2, J0, K0))
    module.press("includeButton")
    assert not module.ui.includeButton.checked
    assert "Choose a tool" in module.ui.promptHintLabel.text
    module.click("Red", (I0 - 2, J0, K0))
    assert module.prompts() == [("positive", "axial", K0), ("negative", "axial", K0)] or module.prompts() == [
        ("negative", "axial", K0),
        ("positive", "axial", K0),
    ]


@exercises("boxButton")
def test_a_box_is_dragged(module):
    module.open_ball()
    module.press("boxButton")
    module.drag("Red", (I0 - 10, J0 - 10, K0), (I0 + 2, J0 + 10, K0))
    assert module.prompts() == [("box", "axial", K0)]
    assert module.mask()[K0, J0, I0]
    assert not module.mask()[K0, J0, I0 + 5], "the box cuts the ball"


@exercises("candidate1Button", "candidate2Button", "candidate3Button")
def test_another_candidate_is_taken_with_its_score_shown(module):
    module.open_ball()
    assert not module.ui.candidate1Button.enabled
    module.click("Red", CENTRE)
    assert [module.ui.candidate1Button.text, module.ui.candidate2Button.text] == ["1: 90%", "2: 60%"]
    assert module.ui.candidate1Button.checked
    module.press("candidate2Button")
    module.settle()
    assert module.mask()[K0].all(), "the second candidate is the whole slice"
    assert (module.ui.candidate1Button.checked, module.ui.candidate2Button.checked) == (False, True)
    module.press("candidate3Button")
    module.settle()
    assert not module.mask().any(), "the third candidate is empty"
    module.press("candidate1Button")
    module.settle()
    assert (module.mask()[K0] == BALL[K0]).all()


@exercises("undoButton", "redoButton")
def test_undo_and_redo_take_masks_and_prompts_along(module):
    module.open_ball()
    module.click("Red", CENTRE)
    first = module.mask()
    module.click("Red", (I0, J0, K0 + 3))
    second = module.mask()
    module.press("undoButton")
    module.settle()
    assert (module.mask() == first).all()
    assert module.prompts() == [("positive", "axial", K0)]
    module.press("redoButton")
    module.settle()
    assert (module.mask() == second).all()
    assert len(module.prompts()) == 2


@exercises("clearSliceButton")
def test_clearing_a_slice_takes_its_mask_and_leaves_the_others(module):
    module.open_ball()
    module.click("Red", (I0, J0, K0 + 3))
    before = module.mask()
    module.click("Red", CENTRE)
    module.press("clearSliceButton")
    module.settle()
    assert (module.mask() == before).all()
    assert module.prompts() == [("positive", "axial", K0 + 3)]
    assert not module.ui.clearSliceButton.enabled, "there is nothing more to clear in this slice"


@exercises("promptTable", "goToPromptButton", "deletePromptButton")
def test_a_prompt_is_found_in_the_list_gone_to_and_deleted(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.click("Red", (I0 + 1, J0, K0 + 3))
    texts = [module.ui.promptTable.item(0, column).text() for column in range(3)]
    assert texts == ["Include", f"Axial {K0}", f"{I0}, {J0}, {K0}"]
    module.click_row("promptTable", 0)
    assert module.widget.panel.work.viewed == ("axial", K0)
    module.click_row("promptTable", 1)
    module.look("Red", (I0, J0, 2))
    module.press("goToPromptButton")
    assert module.widget.panel.work.viewed == ("axial", K0 + 3)
    module.press("deletePromptButton")
    module.settle()
    assert module.prompts() == [("positive", "axial", K0)]
    assert not module.mask()[K0 + 3].any()


@exercises("hoverCheckBox")
def test_hovering_shows_what_a_click_would_give_and_changes_nothing(module):
    module.open_ball()
    module.press("hoverCheckBox")
    view = module.host.view("Red")
    place = module.place("Red", CENTRE)
    before = view.renderer.GetViewProps().GetNumberOfItems()
    view.move(place)
    module.settle()
    assert view.renderer.GetViewProps().GetNumberOfItems() > before
    assert not module.mask().any()
    assert module.prompts() == []
    module.press("hoverCheckBox")
    view.move((place[0] + 3, place[1]))
    module.settle()
    assert view.renderer.GetViewProps().GetNumberOfItems() == before


@exercises("alignViewsButton")
def test_views_that_are_turned_are_aligned_on_request(module):
    module.open_ball()
    assert not module.ui.alignViewsButton.visible
    node = module.host.view("Red").slice_node
    node.GetSliceToRAS().RotateX(20) if hasattr(node.GetSliceToRAS(), "RotateX") else turn(node)
    node.UpdateMatrices()
    module.settle()
    module.press("alignViewsButton")
    module.settle()
    assert not module.ui.alignViewsButton.visible


def turn(slice_node):
    import vtk

    transform = vtk.vtkTransform()
    transform.SetMatrix(slice_node.GetSliceToRAS())
    transform.RotateX(20)
    slice_node.GetSliceToRAS().DeepCopy(transform.GetMatrix())


@exercises("windowComboBox")
def test_the_model_is_shown_other_grey_values(module):
    module.open_ball()
    module.choose("windowComboBox", "CT lung (level -600, width 1500)")
    module.wait(lambda: module.session is not None and module.session.session.window == "lung", "the new window")
    module.click("Red", CENTRE)
    assert module.mask()[K0].all(), "in a lung window all of it is bright"


@exercises("prepareButton", "pauseButton")
def test_slices_are_prepared_ahead_with_progress(module):
    module.open_ball()
    module.press("pauseButton")
    assert module.worker.is_paused
    module.press("pauseButton")
    assert not module.worker.is_paused
    module.press("prepareButton")
    assert module.ui.prepareButton.text == "Stop preparing"
    module.settle()
    assert "All axial slices prepared" in module.ui.embeddingProgressBar.format
    module.press("prepareButton")
    module.press("prepareButton")
    module.settle()
    assert "Stopped" in module.ui.embeddingProgressBar.format


def test_the_slices_in_view_are_asked_for_first(module):
    module.open_ball()
    module.look("Red", (I0, J0, 5))
    assert module.worker.focused[-1] == ("axial", 5)


def test_placing_markups_takes_the_mouse_from_the_tool(module):
    import slicer

    module.open_ball()
    slicer.app.applicationLogic().GetInteractionNode().SwitchToSinglePlaceMode()
    module.settle()
    assert not module.ui.includeButton.checked
