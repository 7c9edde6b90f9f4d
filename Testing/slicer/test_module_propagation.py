"""The module's section 'Propagate through volume', used as a user does."""

import pytest
import slicer

from Testing.slicer.module_bench import BALL, CENTRE, exercises

I0, J0, K0 = CENTRE
BALL_SLICES = set(BALL.any((1, 2)).nonzero()[0])


def reached(module):
    return set(module.mask().any((1, 2)).nonzero()[0])


@exercises("propagateButton")
def test_one_press_carries_the_ball_through_the_volume(module):
    module.open_ball()
    assert not module.ui.propagateButton.enabled
    module.click("Red", CENTRE)
    assert f"from axial slice {K0}." in module.ui.keySlicesLabel.text
    module.propagate()
    assert reached(module) >= BALL_SLICES - {min(BALL_SLICES), max(BALL_SLICES)}
    assert "Done" in module.ui.propagationProgressBar.format
    module.press("undoButton")
    module.settle()
    assert reached(module) == {K0}, "undo takes all of it back in one step"


@exercises("cancelPropagationButton")
def test_cancelling_keeps_what_is_made(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.press("propagateButton")
    module.wait(lambda: len(reached(module)) > 3, "some slices")
    module.worker.is_held = True
    module.press("cancelPropagationButton")
    module.worker.is_held = False
    module.settle()
    assert 3 < len(reached(module)) < len(BALL_SLICES)
    assert "Cancelled" in module.ui.propagationProgressBar.format
    module.click("Red", (I0 + 1, J0, K0))
    assert module.mask()[K0].any(), "the session goes on"


@exercises("rangeWidget", "directionComboBox", "orientationComboBox")
def test_range_direction_and_orientation_are_kept_to(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.set("rangeWidget", (K0 - 4, K0 + 3))
    module.choose("directionComboBox", 1)
    assert "head" in module.ui.directionComboBox.currentText
    module.propagate()
    assert reached(module) == set(range(K0, K0 + 4))
    module.press("undoButton")
    module.settle()
    module.choose("directionComboBox", 2)
    module.propagate()
    assert reached(module) == set(range(K0 - 4, K0 + 1))
    module.choose("orientationComboBox", "Sagittal")
    module.settle()
    assert module.ui.orientationComboBox.currentText == "Axial", "only axial slices have prompts to go from"
    module.click("Yellow", (I0, J0 + 3, K0 + 3))
    module.choose("orientationComboBox", "Sagittal")
    module.settle()
    assert f"from sagittal slice {I0}." in module.ui.keySlicesLabel.text
    assert module.ui.rangeWidget.maximum == BALL.shape[2] - 1


@exercises("smoothCheckBox", "connectedCheckBox", "fillHolesCheckBox")
@pytest.mark.parametrize("name", ["smooth", "connected", "fill_holes"])
def test_what_is_ticked_is_asked_for(module, name):
    module.open_ball()
    module.click("Red", CENTRE)
    boxes = {"smooth": "smoothCheckBox", "connected": "connectedCheckBox", "fill_holes": "fillHolesCheckBox"}
    module.press(boxes[name])
    for other in set(boxes) - {name}:
        module.press(boxes[other])
        module.press(boxes[other])
    module.propagate()
    (propagation,) = module.widget.panel.work.segment.propagations
    assert {ticked for ticked in boxes if getattr(propagation, ticked)} == {name}
    assert reached(module) >= BALL_SLICES - {min(BALL_SLICES), max(BALL_SLICES)}


@exercises("followCheckBox")
def test_the_view_follows_when_told_so(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.propagate()
    assert module.widget.panel.work.viewed == ("axial", K0)
    module.press("undoButton")
    module.settle()
    module.press("followCheckBox")
    module.propagate()
    assert module.widget.panel.work.viewed != ("axial", K0)


@exercises("nextDoubtfulButton", "acceptSliceButton")
def test_doubtful_slices_are_gone_through_and_accepted(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.press("nextDoubtfulButton")
    assert "No slice is in doubt" in module.said
    module.propagate()
    work = module.widget.panel.work
    doubtful = [score.index for score in module.session.session.doubtful_slices(work.segment.name)]
    module.press("nextDoubtfulButton")
    assert work.viewed == ("axial", doubtful[0])
    assert "confidence" in module.ui.sliceStateLabel.text
    module.press("nextDoubtfulButton")
    assert work.viewed == ("axial", doubtful[1])
    before = module.mask()
    module.press("acceptSliceButton")
    module.settle()
    assert "accepted" in module.ui.sliceStateLabel.text
    assert (module.mask()[doubtful[1]] == before[doubtful[1]]).all()
    module.click("Red", (I0, J0, doubtful[1]))
    assert "accepted" in module.said, "its prompts cannot be changed any more"
    module.press("acceptSliceButton")
    module.settle()
    assert not module.ui.acceptSliceButton.checked


def test_the_plot_shows_each_slice_and_which_are_worth_a_look(module):
    from SAMSegmentPanel.confidence_plot import DOUBTFUL_BELOW, bars

    module.open_ball()
    module.click("Red", CENTRE)
    module.propagate()
    name = module.widget.panel.work.segment.name
    scores = module.session.session.scores(name)
    shown = {bar.index: bar for bar in bars(scores)}
    assert set(shown) == {score.index for score in scores}
    assert shown[K0].height == 1.0
    for score in scores:
        if score.confidence is not None:
            is_orange = shown[score.index].color == "#e69f00"
            assert is_orange == (score.confidence < DOUBTFUL_BELOW)
    assert not module.ui.confidencePlotLabel.pixmap.isNull()


def test_the_engine_failing_in_the_middle_is_said_and_leaves_the_slices(module):
    from SAMSegmentLib.errors import EngineError

    module.open_ball()
    module.click("Red", CENTRE)
    module.press("propagateButton")
    module.wait(lambda: len(reached(module)) > 2, "some slices")
    future, _steps = module.worker._steps.popleft()
    future.set_exception(EngineError("The worker process failed three times."))
    module.settle()
    assert "failed three times" in module.said
    assert len(reached(module)) > 2
    assert module.ui.propagateButton.enabled


@pytest.mark.parametrize("gone", ["scene", "module"])
def test_closing_in_the_middle_of_propagation_ends_it(module, gone):
    module.open_ball()
    module.click("Red", CENTRE)
    module.press("propagateButton")
    module.wait(lambda: len(reached(module)) > 2, "some slices")
    if gone == "scene":
        slicer.mrmlScene.Clear(0)
        module.wait(lambda: module.session is None, "the session to end")
        module.settle()
        assert not module.ui.cancelPropagationButton.enabled
    else:
        module.host.unload("SAMSegment")
        assert module.worker.is_closed
