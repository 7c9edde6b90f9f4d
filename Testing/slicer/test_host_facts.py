"""The host offers what the facts list, and nothing else."""

import json

import pytest

from Testing.host.facts import FACTS, Facts, normalized
from Testing.host.static_check import form_problems, main, problems_in
from Testing.paths import REPOSITORY

FORM = REPOSITORY / "Testing/host/example/Resources/UI/HostExample.ui"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("clicked( bool )", "clicked(bool)"),
        ("currentNodeChanged(vtkMRMLNode *)", "currentNodeChanged(vtkMRMLNode*)"),
        ("textChanged(const QString &)", "textChanged(QString)"),
        ("destroyed(const QObject *)", "destroyed(const QObject*)"),
        ("moved(QMap<int, QString>, unsigned int)", "moved(QMap<int,QString>,uint)"),
    ],
)
def test_signatures_are_normalized_as_qt_does(written, expected, qt_libraries_present):
    from PySide6.QtCore import QMetaObject

    assert normalized(written) == expected
    assert QMetaObject.normalizedSignature(written).data().decode() == expected


def test_facts_name_their_source_and_every_class_has_its_bases():
    content = json.loads(FACTS.read_text("utf-8"))
    assert "make_facts.py" in content["source"]
    bases = {entry["base"] for entry in content["classes"].values()} - {None}
    assert bases <= set(content["classes"])
    assert set(FACTS.with_name("facts_classes.txt").read_text("utf-8").split()) <= set(content["classes"])


def test_every_public_member_of_a_stand_in_is_one_of_slicers(qt_libraries_present):
    """Whatever is more says in its docstring that it is the host's or the test's handle."""
    from Testing.host.widgets.catalogue import stand_ins

    facts, foreign = Facts(), []
    for name, kind in stand_ins().items():
        for owner in _own_classes(kind):
            for member, value in vars(owner).items():
                if not member.startswith("_") and not _is_allowed(facts, name, kind, member, value):
                    foreign.append(f"{name}.{member}")
    assert foreign == []


def test_stand_ins_keep_kinds_apart(qt_libraries_present):
    """A property is a property, a signal a signal: otherwise wrong code would pass."""
    from PySide6.QtCore import Property, Signal

    from Testing.host.widgets.catalogue import stand_ins

    facts, wrong = Facts(), []
    for name, kind in stand_ins().items():
        for owner in _own_classes(kind):
            for member, value in vars(owner).items():
                fact = facts.member(name, member)
                if fact is None or member.startswith("_") or _overrides_qt(kind, member):
                    continue
                is_property, is_signal = isinstance(value, Property), isinstance(value, Signal)
                if is_property != (fact.kind == "property") or is_signal != (fact.kind == "signal"):
                    wrong.append(f"{name}.{member} is a {fact.kind}")
    assert wrong == []


def test_classes_without_a_stand_in_say_so(host):
    import ctk

    with pytest.raises(NotImplementedError, match="no stand-in for ctkDoubleSlider"):
        ctk.ctkDoubleSlider()


def test_the_static_check_accepts_the_example():
    assert main(str(FORM), str(FORM.parents[2] / "HostExample.py")) is None


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("self.ui.missing.enabled = True", "has no missing"),
        ("self.ui.applyButton.flag = 1", "no attribute 'flag'"),
        ("self.ui.applyButton.text()", "is a property"),
        ("self.ui.applyButton.click = 1", "cannot be assigned"),
        ("self.ui.volumeSelector.setNodeTypes([])", "Python does not reach it"),
        ("ui.applyButton.connect('clicked(int)', f)", "no signal clicked(int)"),
    ],
)
def test_the_static_check_finds(line, part, tmp_path):
    code = tmp_path / "module.py"
    code.write_text(f"def f(self, ui):\n    {line}\n")
    (found,) = problems_in(code, FORM)
    assert part in found
    assert "module.py:2:" in found


def test_the_static_check_finds_wrong_properties_of_a_form(tmp_path):
    form = tmp_path / "wrong.ui"
    form.write_text(FORM.read_text().replace('name="noneEnabled"', 'name="noneAllowed"'))
    (found,) = form_problems(form)
    assert "qMRMLNodeComboBox has no property noneAllowed" in found


def _own_classes(kind):
    """The class and its bases up to Qt's."""
    return [each for each in kind.__mro__ if each.__module__.startswith("Testing.")]


def _is_allowed(facts, name, kind, member, value):
    if facts.member(name, member) is not None:
        return True
    return _overrides_qt(kind, member) or "handle" in (getattr(value, "__doc__", None) or "") or member == "STEPS"


def _overrides_qt(kind, member):
    return any(hasattr(base, member) for base in kind.__mro__ if base.__module__.startswith("PySide6"))
