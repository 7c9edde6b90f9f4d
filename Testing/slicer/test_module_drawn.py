"""What the panel draws and shows: the plot of confidence, the slice it speaks of, the Segment Editor's parts."""

import statistics

import pytest
import slicer

from Testing.slicer.module_bench import CENTRE

I0, J0, K0 = CENTRE

BACKGROUND, LINE, MARKER = "#f4f4f4", "#808080", "#000000"
KEY, PROPAGATED, DOUBTFUL = "#005a8c", "#56b4e9", "#e69f00"


def colors_in_column(module, column):
    """The colours from the top of the plot to its bottom."""
    picture = module.host.binding.unwrap(module.ui.confidencePlotLabel).pixmap().toImage()
    return [picture.pixelColor(column, row).name() for row in range(picture.height())]


def column_of(module, index):
    """The first pixel column that is all of this axial slice's, beside of the marker in the middle."""
    picture = module.host.binding.unwrap(module.ui.confidencePlotLabel).pixmap()
    return -(-index * picture.width() // 24)


def test_the_plot_is_empty_before_there_is_anything_to_show(module):
    module.open_ball()
    module.look("Yellow", CENTRE)
    assert set(colors_in_column(module, column_of(module, K0))) == {BACKGROUND}


def test_the_bars_of_the_plot_have_the_heights_and_colours_of_the_slices(module, monkeypatch):
    module.open_ball()
    module.click("Red", CENTRE)
    module.propagate()
    scores = {score.index: score for score in module.session.session.scores(module.widget.panel.work.segment.name)}
    confidences = [score.confidence for score in scores.values() if score.confidence is not None]
    # The ball is followed too well for a slice in doubt: half of them are to be so.
    doubtful_below = statistics.median_high(confidences)
    monkeypatch.setattr("SAMSegmentPanel.confidence_plot.DOUBTFUL_BELOW", doubtful_below)
    module.look("Yellow", CENTRE)
    for index, score in scores.items():
        colors = colors_in_column(module, column_of(module, index))
        if score.confidence is None:
            expected, height = KEY, 1.0
        else:
            expected, height = DOUBTFUL if score.confidence < doubtful_below else PROPAGATED, score.confidence
        drawn = [row for row, color in enumerate(colors) if color == expected]
        assert drawn, f"slice {index} has a bar"
        assert drawn[-1] == len(colors) - 1, "bars stand on the ground"
        assert drawn[0] == pytest.approx((1 - height) * len(colors), abs=2)
    assert LINE in colors_in_column(module, 0), "below the line a slice is worth a look"
    assert set(colors_in_column(module, 0)) == {BACKGROUND, LINE}, "where nothing was made there is no bar"
    assert min(confidences) < doubtful_below <= max(confidences), "there were bars of both kinds"


def test_the_marker_of_the_plot_stands_at_the_slice_in_view(module):
    module.open_ball()
    module.click("Red", CENTRE)
    for index in (K0, 3, 20):
        module.look("Red", (I0, J0, index))
        width = module.host.binding.unwrap(module.ui.confidencePlotLabel).pixmap().width()
        marked = [column for column in range(width) if set(colors_in_column(module, column)) == {MARKER}]
        assert marked
        assert all(index <= column * 24 / width < index + 1 for column in marked)


def test_the_legend_names_the_colours_of_the_plot(module):
    text = module.ui.confidenceLegendLabel.text
    assert all(color in text for color in (KEY, PROPAGATED, DOUBTFUL))


def test_the_view_that_the_mouse_comes_into_is_the_one_that_is_spoken_of(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.look("Yellow", CENTRE)
    assert module.ui.sliceStateLabel.text.startswith(f"Sagittal {I0}:")
    module.look("Green", CENTRE)
    assert module.ui.sliceStateLabel.text.startswith(f"Coronal {J0}:")


def test_the_view_that_a_prompt_is_given_in_is_the_one_that_is_spoken_of(module):
    module.open_ball()
    for view, text in (("Red", f"Axial {K0}:"), ("Yellow", f"Sagittal {I0}:"), ("Red", f"Axial {K0}:")):
        module.click(view, CENTRE)
        assert module.ui.sliceStateLabel.text.startswith(text)


def test_the_slice_that_a_view_is_moved_to_is_prepared_and_spoken_of(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.place("Red", (I0, J0, 5))  # as by the slider above the view: the mouse is not in it
    module.settle()
    assert module.worker.focused[-1] == ("axial", 5)
    assert module.ui.sliceStateLabel.text.startswith("Axial 5:")


def test_a_slice_is_spoken_of_when_other_grey_values_are_shown_to_the_model(module):
    module.open_ball()
    module.click("Red", CENTRE)
    before = module.session
    module.choose("windowComboBox", "All values")
    module.wait(lambda: module.session not in (None, before), "the session with this window")
    module.settle()
    assert module.ui.sliceStateLabel.text.startswith(f"Axial {K0}:")


# --- Views that come with a layout


def set_layout(module, number):
    slicer.app.layoutManager().setLayout(number)
    module.settle()


def test_prompts_can_be_given_in_a_view_that_comes_with_a_layout(module):
    module.open_ball()
    set_layout(module, slicer.vtkMRMLLayoutNode.SlicerLayoutTwoOverTwoView)
    module.click("Slice4", CENTRE)
    assert module.prompts() == [("positive", "axial", K0)]
    assert module.mask()[K0].any()


def test_a_view_that_comes_while_another_module_is_open_takes_no_prompts_before_the_module_is_opened_again(module):
    module.open_ball()
    module.host.leave("SAMSegment")
    set_layout(module, slicer.vtkMRMLLayoutNode.SlicerLayoutTwoOverTwoView)
    module.host.view("Slice4").click(module.place("Slice4", CENTRE))
    assert module.widget.panel.views.shown == [], "the module listens to no view"
    module.settle()
    assert module.prompts() == []
    module.host.enter("SAMSegment")
    module.click("Slice4", CENTRE)
    assert module.prompts() == [("positive", "axial", K0)]


# --- The Segment Editor


def test_the_segments_are_listed_once(module):
    module.open_ball()
    module.open_section("correctionSection")
    (second,) = slicer.util.findChildren(module.ui.segmentEditorWidget, name="SegmentsTableResizableFrame")
    assert not second.visible
    assert module.ui.segmentsTable.visible
