"""Documents say what is true: their commands run as written, and what they link to is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from SAMSegmentLib.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def shell_blocks(document):
    return re.findall(r"^```sh\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_command_of_the_tutorial_runs_as_written(tmp_path):
    script = "set -euo pipefail\n" + "\n".join(shell_blocks(ROOT / "docs" / "tutorial.md"))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "the same" in done.stdout
    written = {path.name for path in tmp_path.iterdir()}
    assert {"click.png", "brain.seg.nrrd", "two.seg.nrrd", "region.dcm", "middle.nii.gz"} <= written


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)\b", document.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_options_in_the_documents_exist(document):
    apps = [app, *(group.typer_instance for group in app.registered_groups)]
    commands = [command for one in apps for command in one.registered_commands]
    known = {option for command in commands for option in options_of(command.callback)}
    for block in shell_blocks(document):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("samsegment "):
                assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= known, line


def options_of(callback):
    names = {f"--{name.replace('_', '-')}" for name in callback.__annotations__}
    declared = {word for hint in map(str, callback.__annotations__.values()) for word in re.findall(r"--[a-z-]+", hint)}
    return names | declared
