"""No control without a test: the tests say which controls they exercise, and the fixture sees that they do."""

import inspect
import xml.etree.ElementTree as ET

from Testing.slicer import (
    test_module_correction,
    test_module_each_control,
    test_module_engine,
    test_module_export,
    test_module_life,
    test_module_prompts,
    test_module_propagated,
    test_module_propagation,
    test_module_segments,
)
from Testing.slicer.module_bench import UI_FILE

TESTS = (
    test_module_correction,
    test_module_each_control,
    test_module_engine,
    test_module_export,
    test_module_life,
    test_module_prompts,
    test_module_propagated,
    test_module_propagation,
    test_module_segments,
)

# What a user only reads.
SHOWING = {"QLabel", "QProgressBar", "qMRMLWidget"}


def test_every_control_of_the_panel_is_exercised_by_a_test():
    widgets = ET.parse(UI_FILE).iter("widget")  # noqa: S314 - the project's own file
    controls = {widget.get("name") for widget in widgets if widget.get("class") not in SHOWING}
    functions = [function for tests in TESTS for _name, function in inspect.getmembers(tests, inspect.isfunction)]
    exercised = {name for function in functions for name in getattr(function, "exercises", ())}
    assert exercised == controls
