"""What can be told of the module without running it: its widget calls, its packaging, its imports."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from packaging.requirements import Requirement

from Testing.cmake_lists import FILE_LISTS
from Testing.host.static_check import form_problems, problems_in
from Testing.paths import REPOSITORY
from Testing.slicer.module_bench import UI_FILE

MODULE = REPOSITORY / "SAMSegment"
SOURCES = sorted(MODULE.rglob("*.py"))

# What Slicer brings along or the host stands in for; torch and pip are what must not be among what is loaded.
HEAVY = ("torch", "torchvision", "pip", "scipy", "SimpleITK", "msgspec", "SAMSegmentLib", "urllib.request", "ssl")

IMPORTS = """
import sys
from Testing.host.host import Host
host = Host()
before = set(sys.modules)
sys.path.insert(0, {folder!r})
import SAMSegment
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_slicer_has_every_widget_member_that_is_used(source):
    assert problems_in(source, UI_FILE) == []


def test_slicer_has_every_widget_of_the_form():
    assert form_problems(UI_FILE) == []


@pytest.mark.parametrize("file_list", FILE_LISTS, ids=lambda item: f"{item.folder.name}-{item.variable}")
def test_the_package_has_every_file_of_the_folder(file_list):
    assert file_list.listed() == file_list.in_folder(), "run python -m Testing.cmake_lists"


def test_starting_slicer_loads_nothing_heavy(qt_libraries_present):
    script = IMPORTS.format(folder=str(MODULE))
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "SAMSegment" in loaded
    assert not {name for name in loaded if name.startswith(HEAVY)}


def test_the_module_needs_what_the_engine_needs():
    lines = (MODULE / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    needed = {Requirement(line).name: Requirement(line) for line in lines if not line.startswith("#")}
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    quoted = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    engine = {Requirement(line).name: Requirement(line) for line in re.findall(r'"(.+)"', quoted)}
    # PyTorch comes through its extension, numpy with Slicer; an exact version would break other extensions.
    assert set(needed) == set(engine) - {"torch", "torchvision", "numpy"}
    for name, requirement in needed.items():
        assert str(requirement.specifier) == str(engine[name].specifier).replace("==", ">=")


def test_the_index_entry_and_cmake_agree():
    entry = json.loads((REPOSITORY / "SAMSegment.json").read_text(encoding="utf-8"))
    cmake = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    values = dict(re.findall(r'^set\((EXTENSION_\w+) "([^"]*)"\)$', cmake, re.MULTILINE))
    assert re.search(r"^project\((\w+)\)", cmake, re.MULTILINE)[1] == "SAMSegment"
    assert values["EXTENSION_DEPENDS"].split() == entry["build_dependencies"]
    assert entry["scm_url"].removesuffix(".git") == values["EXTENSION_HOMEPAGE"]
    for address in (values["EXTENSION_ICONURL"], *values["EXTENSION_SCREENSHOTURLS"].split()):
        assert (REPOSITORY / address.partition("/main/")[2]).is_file(), address


def test_every_control_says_what_it_does():
    speechless = [
        widget.get("name")
        for widget in ET.parse(UI_FILE).iter("widget")  # noqa: S314 - the project's own file
        if widget.get("class") in ("QPushButton", "QCheckBox", "QComboBox", "QSpinBox", "qMRMLNodeComboBox")
        and widget.find("property[@name='toolTip']") is None
    ]
    assert speechless == []
