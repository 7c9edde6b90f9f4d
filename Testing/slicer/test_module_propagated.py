"""What becomes of propagated slices, and of a propagation that runs, when the user goes on working."""

from Testing.slicer.module_bench import CENTRE, exercises
from Testing.slicer.test_module_propagation import BALL_SLICES, reached

I0, J0, K0 = CENTRE


def bar(module):
    return module.ui.propagationProgressBar.format


def start(module):
    module.press("propagateButton")
    module.wait(lambda: len(reached(module)) > 2, "some slices")


def test_after_a_correcting_click_everything_stays_and_it_is_said_how_many_slices_are_to_be_made_again(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.propagate()
    before = reached(module)
    module.click("Red", (I0, J0, K0 + 4))
    assert reached(module) == before
    again = {index for index in before if index > K0} - {K0 + 4}
    assert len(again) > 1
    assert bar(module) == f"Propagate again: {len(again)} slices are from before a change"
    module.propagate()
    assert "Done" in bar(module)
    assert reached(module) >= before


def test_what_was_said_of_a_propagation_follows_undo_and_the_selected_segment(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.propagate()
    done = bar(module)
    module.click("Red", (I0, J0, K0 + 4))
    module.press("undoButton")
    module.settle()
    assert bar(module) == done, "the slices are there again"
    module.press("undoButton")
    module.settle()
    assert bar(module) == "Not propagated"
    module.press("redoButton")
    module.settle()
    assert bar(module) == done
    module.press("addSegmentButton")
    module.settle()
    assert bar(module) == "Not propagated", "the new segment is not"


def test_a_click_beside_a_propagation_that_runs_is_answered_and_ends_it(module):
    module.open_ball()
    module.click("Red", CENTRE)
    start(module)
    module.click("Red", (I0 + 1, J0, K0))
    module.wait(lambda: module.ui.propagateButton.enabled, "the propagation to end")
    assert len(module.prompts()) == 2
    assert module.mask()[K0].any()
    assert "Done" not in bar(module)
    module.propagate()
    assert "Done" in bar(module)


def test_removing_the_segment_that_is_propagated_cancels_it_at_once(module):
    module.open_ball()
    module.click("Red", CENTRE)
    start(module)
    future, _steps = module.worker._steps[0]
    segment_id = module.session.selected_segment_id
    module.worker.is_held = True  # a slice takes seconds with a large model
    module.session.segmentation_node.GetSegmentation().RemoveSegment(segment_id)
    module.wait(future.cancelled, "the propagation to be cancelled")
    module.settle()
    assert not module.ui.cancelPropagationButton.enabled


@exercises("stopCheckBox")
def test_propagation_ends_before_a_slice_that_the_user_marks(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.look("Red", CENTRE)
    assert not module.ui.stopCheckBox.enabled, "a key slice cannot be one"
    module.look("Red", (I0, J0, K0 + 3))
    module.press("stopCheckBox")
    assert f"ends before: {K0 + 3}." in module.ui.keySlicesLabel.text
    module.look("Red", (I0, J0, K0 + 1))
    assert not module.ui.stopCheckBox.checked
    module.propagate()
    assert max(reached(module)) == K0 + 2
    assert min(reached(module)) <= min(BALL_SLICES) + 1
    module.look("Red", (I0, J0, K0 + 3))
    module.press("stopCheckBox")
    module.propagate()
    assert max(reached(module)) >= max(BALL_SLICES) - 1
