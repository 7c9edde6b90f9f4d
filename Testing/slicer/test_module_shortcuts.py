"""The module's keys, and those of the Segment Editor in it: they do what their buttons do as long as it is open."""

import pytest
import slicer

from Testing.slicer.module_bench import CENTRE

I0, J0, K0 = CENTRE
KEYS = [f"Shift+{letter}" for letter in "IEBHCPNL"]
TOOL_BUTTONS = ("includeButton", "excludeButton", "boxButton")


def press(module, keys):
    module.host.key(slicer.util.mainWindow(), keys)
    module.settle()


@pytest.mark.parametrize(("keys", "name"), [("I", "includeButton"), ("E", "excludeButton"), ("B", "boxButton")])
def test_a_tool_is_taken_and_put_down(module, keys, name):
    module.open_ball()
    button = getattr(module.ui, name)
    before = button.checked
    press(module, f"Shift+{keys}")
    assert button.checked is not before
    press(module, f"Shift+{keys}")
    assert button.checked is before


def test_shift_h_shows_what_a_click_would_give(module):
    module.open_ball()
    press(module, "Shift+H")
    assert module.ui.hoverCheckBox.checked
    press(module, "Shift+H")
    assert not module.ui.hoverCheckBox.checked


def test_shift_c_clears_the_slice_in_view(module):
    module.open_ball()
    module.click("Red", (I0, J0, K0 + 2))
    module.click("Red", CENTRE)
    press(module, "Shift+C")
    assert module.prompts() == [("positive", "axial", K0 + 2)]


def test_shift_p_propagates(module):
    module.open_ball()
    module.click("Red", CENTRE)
    press(module, "Shift+P")
    module.wait(lambda: "Done" in module.ui.propagationProgressBar.format, "propagation to end", 20)
    assert module.mask()[K0 + 2].any()


def test_shift_n_goes_to_the_next_doubtful_slice(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.propagate()
    work = module.widget.panel.work
    first, second, *_ = module.session.session.doubtful_slices(work.segment.name)
    press(module, "Shift+N")
    assert work.viewed == ("axial", first.index)
    press(module, "Shift+N")
    assert work.viewed == ("axial", second.index)


def test_shift_l_accepts_the_slice_in_view_and_releases_it(module):
    module.open_ball()
    module.click("Red", CENTRE)
    press(module, "Shift+L")
    assert f"Axial {K0}: accepted" in module.ui.sliceStateLabel.text
    press(module, "Shift+L")
    assert "accepted" not in module.ui.sliceStateLabel.text


def test_the_editors_keys_undo_and_redo_prompts_with_their_masks(module):
    module.open_ball()
    module.click("Red", CENTRE)
    mask = module.mask()
    for undo, redo in (("Z", "Y"), ("Ctrl+Z", standard_redo())):
        press(module, undo)
        assert module.prompts() == [], undo
        assert not module.mask().any()
        press(module, redo)
        assert module.prompts() == [("positive", "axial", K0)], redo
        assert (module.mask() == mask).all()


def standard_redo():
    """Ctrl+Y or Ctrl+Shift+Z: what the platform's users know, and Slicer's Segment Editor takes."""
    from PySide6 import QtGui

    return QtGui.QKeySequence(QtGui.QKeySequence.StandardKey.Redo).toString()


def what_is_there(module):
    """What any of the keys would change, or say."""
    boxes = [getattr(module.ui, name).checked for name in (*TOOL_BUTTONS, "hoverCheckBox")]
    accepted = [key for key, mask in module.widget.panel.work.segment.masks.items() if mask.is_accepted]
    return boxes, accepted, module.prompts(), module.mask().tolist(), module.said


def test_the_keys_are_another_modules_once_the_module_is_left(module):
    module.open_ball()
    module.click("Red", CENTRE)
    module.host.leave("SAMSegment")
    module.settle()
    before = what_is_there(module)
    for keys in (*KEYS, "Ctrl+Z", "Z"):
        press(module, keys)
        assert what_is_there(module) == before, keys


def test_keys_do_once_what_they_do_after_the_module_was_left_and_opened_again(module):
    module.open_ball()
    module.host.leave("SAMSegment")
    module.host.enter("SAMSegment")
    module.settle()
    assert module.ui.includeButton.checked
    press(module, "Shift+E")
    assert module.ui.excludeButton.checked
    module.click("Red", CENTRE)
    press(module, "Ctrl+Z")
    assert module.prompts() == []


def test_keys_do_nothing_before_a_volume_is_chosen(module):
    for keys in KEYS:
        press(module, keys)
    assert module.session is None
    assert not any(getattr(module.ui, name).checked for name in TOOL_BUTTONS)
