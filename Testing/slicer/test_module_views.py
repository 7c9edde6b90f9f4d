"""Which slice views the module looks at and moves."""

import pytest
import slicer

from SAMSegmentLib.geometry import Orientation
from Testing.slicer.module_bench import CENTRE

I0, J0, K0 = CENTRE
LAYOUT = slicer.vtkMRMLLayoutNode
SAGITTAL = (Orientation.SAGITTAL, 3)


def set_layout(module, number):
    slicer.app.layoutManager().setLayout(number)
    module.settle()


def test_a_view_that_the_layout_hides_is_not_moved(module):
    module.open_ball()
    module.click("Yellow", CENTRE)
    views, hidden = module.widget.panel.views, module.host.view("Yellow").slice_node
    set_layout(module, LAYOUT.SlicerLayoutOneUpRedSliceView)
    before = hidden.GetSliceOffset()
    assert not views.show(SAGITTAL), "no view shows sagittal slices now"
    assert hidden.GetSliceOffset() == before
    set_layout(module, LAYOUT.SlicerLayoutFourUpView)
    assert views.show(SAGITTAL)
    assert hidden.GetSliceOffset() != before


def test_going_to_a_prompt_whose_view_is_hidden_says_so(module):
    module.open_ball()
    module.click("Yellow", CENTRE)
    set_layout(module, LAYOUT.SlicerLayoutOneUpRedSliceView)
    module.click_row("promptTable", 0)
    assert "No slice view shows sagittal slices" in module.said


def test_slices_of_hidden_views_are_not_prepared_and_their_turning_does_not_matter(module):
    module.open_ball()
    set_layout(module, LAYOUT.SlicerLayoutOneUpYellowSliceView)
    module.worker.focused.clear()
    hidden = module.host.view("Red").slice_node
    hidden.JumpSliceByOffsetting(0, 0, 3)
    hidden.SetOrientationToSagittal()
    hidden.GetSliceToRAS().SetElement(0, 0, 0.9)
    hidden.UpdateMatrices()
    module.settle()
    assert module.worker.focused == []
    assert not module.ui.alignViewsButton.visible
    assert module.widget.panel.work.viewed[0] is Orientation.SAGITTAL


@pytest.mark.parametrize("number", [LAYOUT.SlicerLayoutOneUp3DView, LAYOUT.SlicerLayoutOneUpGreenSliceView])
def test_prompts_can_be_given_again_when_a_view_comes_back(module, number):
    module.open_ball()
    set_layout(module, number)
    set_layout(module, LAYOUT.SlicerLayoutFourUpView)
    module.click("Red", CENTRE)
    assert module.prompts() == [("positive", "axial", K0)]
