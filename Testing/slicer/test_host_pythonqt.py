"""The host's Qt follows PythonQt's rules."""

import functools

import pytest


@pytest.fixture
def host(windowless_host):
    """Views would take most of the time and are not needed here."""
    return windowless_host


@pytest.fixture
def qt(host):
    import qt

    return qt


def test_properties_are_values_and_getters_of_their_name_are_gone(qt):
    button = qt.QPushButton("Go")
    button.checkable = True
    assert (button.text, button.checkable, button.checked, button.isChecked()) == ("Go", True, False, False)
    with pytest.raises(TypeError):
        button.text()


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("flag", 1, "no attribute 'flag'"),
        ("clicked", print, "is a signal"),
        ("click", print, "is a method"),
        ("text", 5, "is a QString"),
        ("checkable", "yes", "is a bool"),
        ("width", 5, "read-only"),
    ],
)
def test_only_writable_properties_of_the_right_type_can_be_assigned(qt, attribute, value, reason):
    with pytest.raises(AttributeError, match=reason):
        setattr(qt.QPushButton(), attribute, value)


def test_what_slicer_hides_is_hidden(host):
    import slicer

    combo = slicer.qMRMLNodeComboBox()
    with pytest.raises(AttributeError, match="Python does not reach it"):
        combo.setNodeTypes(["vtkMRMLModelNode"])


@pytest.mark.parametrize("name", ["qMRMLNodeComboBox", "QTest", "nothing"])
def test_names_outside_of_slicers_qt_module_are_refused(qt, name):
    with pytest.raises(AttributeError):
        getattr(qt, name)


def test_classes_are_flat_and_exact(qt):
    button = qt.QPushButton()
    assert type(button) == qt.QPushButton  # noqa: E721 - this is how code has to ask in Slicer
    assert not isinstance(button, qt.QWidget)
    assert button.inherits("QWidget")
    assert button.className() == "QPushButton"


def test_an_object_has_one_wrapper(qt):
    panel, layout = qt.QWidget(), qt.QVBoxLayout()
    panel.setLayout(layout)
    assert panel.layout() is layout
    assert layout.parent() == panel


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [("clicked()", ()), ("clicked(bool)", (True,)), ("clicked( bool )", (True,)), ("toggled(bool)", (True,))],
)
def test_a_signal_reaches_the_callable_with_its_arguments(qt, signature, arguments):
    button, heard = qt.QPushButton(), []
    button.checkable = True

    def hear(*given):
        heard.append(given)

    assert button.connect(signature, hear) is True
    button.click()
    assert heard == [arguments]


def test_a_callable_gets_no_more_arguments_than_it_takes(qt):
    class Panel:
        def none(self):
            heard.append("none")

        def one(self, value):
            heard.append(value)

        def optional(self, value="default"):
            heard.append(value)

    slider, heard, panel = qt.QSlider(), [], Panel()
    for called in (panel.none, panel.one, panel.optional, lambda: heard.append("lambda")):
        slider.connect("valueChanged(int)", called)
    slider.value = 7
    assert heard == ["none", 7, 7, "lambda"]


def test_what_has_no_argument_count_of_its_own_gets_all(qt):
    heard = []

    def wrapped(*arguments):
        heard.append(arguments)

    button = qt.QPushButton()
    button.connect("clicked(bool)", functools.partial(wrapped, "partial"))
    button.connect("clicked(bool)", functools.wraps(test_what_has_no_argument_count_of_its_own_gets_all)(wrapped))
    button.click()
    assert heard == [("partial", False), (False,)]


def test_the_short_form_connects_the_first_signature(qt):
    button, heard = qt.QPushButton(), []
    button.clicked.connect(heard.append)
    button.click()
    assert heard == [False]


def test_an_unknown_signal_is_refused_on_stderr_and_noted(host, qt, capsys):
    with host.expect_problem("signal 'pressedHard()' does not exist"):
        assert qt.QPushButton().connect("pressedHard()", print) is False
    assert "pressedHard" in capsys.readouterr().err


def test_a_signal_that_qt_6_dropped_is_noted(host, qt):
    with host.expect_problem("not in Qt 6"):
        assert qt.QComboBox().connect("currentIndexChanged(QString)", print) is False


def test_an_exception_in_a_slot_is_noted_and_not_raised(host, qt):
    def fail():
        raise ZeroDivisionError("in a slot")

    button = qt.QPushButton()
    button.connect("clicked()", fail)
    with host.expect_problem("in a slot"):
        button.click()


def test_disconnecting_wants_an_equal_callable(qt):
    class Panel:
        def slot(self):
            heard.append("slot")

    button, panel, heard = qt.QPushButton(), Panel(), []
    button.connect("clicked()", panel.slot)
    button.connect("clicked()", lambda: heard.append("lambda"))
    assert button.disconnect("clicked()", panel.slot)
    assert not button.disconnect("clicked()", lambda: heard.append("lambda"))
    button.click()
    assert heard == ["lambda"]


def test_only_python_subclasses_take_new_attributes_and_override_events(host, qt):
    class Plot(qt.QWidget):
        def __init__(self, parent=None):
            qt.QWidget.__init__(self, parent)
            self.painted = 0

        def paintEvent(self, event):
            self.painted += 1
            painter = qt.QPainter(self)
            painter.fillRect(0, 0, 5, 5, qt.QColor("#ff0000"))
            painter.end()

    plot = Plot()
    plot.show()
    host.process_events()
    assert plot.painted >= 1
    assert plot.grab().toImage().pixelColor(2, 2).red() == 255


def test_an_exception_in_an_event_handler_is_noted(host, qt):
    class Broken(qt.QWidget):
        def resizeEvent(self, event):
            raise KeyError("no such key")

    broken = Broken()
    with host.expect_problem("no such key"):
        broken.resize(50, 50)
        broken.show()
        host.process_events()


def test_enum_values_are_numbers_that_combine(qt):
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight | qt.Qt.AlignTop
    assert label.alignment == 0x22
    label.setAlignment(4)
    assert label.alignment == qt.Qt.AlignHCenter


def test_lists_come_as_tuples(qt):
    box = qt.QListWidget()
    box.addItems(["a", "b"])
    assert isinstance(box.children(), tuple)


def test_a_destroyed_object_is_false_and_cannot_be_used(qt):
    parent = qt.QWidget()
    child = qt.QPushButton(parent)
    parent.delete()
    assert not child
    with pytest.raises(ValueError, match="destroyed"):
        child.setText("too late")


def test_wrong_arguments_are_a_value_error(qt):
    with pytest.raises(ValueError, match="takes no"):
        qt.QLabel().setText("one", "two", "three")


def test_dynamic_properties_and_named_children_are_attributes(qt):
    panel = qt.QWidget()
    panel.setProperty("purpose", "test")
    button = qt.QPushButton(panel)
    button.name = "goButton"
    assert panel.purpose == "test"
    assert panel.goButton is button
    assert button.objectName == "goButton"


def test_a_timer_runs_once_or_again_and_takes_python_callables(host, qt):
    ticks = []
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.connect("timeout()", lambda: ticks.append("timer"))
    timer.start(1)
    qt.QTimer.singleShot(1, lambda: ticks.append("single shot"))
    host.wait_until(lambda: len(ticks) == 2, what="two ticks")
    host.process_events(5)
    assert sorted(ticks) == ["single shot", "timer"]


def test_settings_are_the_hosts_own_and_not_the_users(host, qt):
    qt.QSettings().setValue("SAMSegment/device", "cpu")
    import slicer

    assert slicer.app.userSettings().value("SAMSegment/device") == "cpu"
    assert qt.QSettings().fileName().startswith(str(host.folder))


def test_qt_warnings_are_noted(host, qt):
    with host.expect_problem("negative intervals"):
        qt.QTimer().start(-5)
