"""Reads a module's code against its .ui file and the facts, without running it.

``python -m Testing.host.static_check FORM.ui FILE.py...`` prints what Slicer would refuse.
"""

import ast
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from Testing.host.facts import Facts, normalized

UI_NAMES = ("ui", "_ui")
CONNECTING = ("connect", "disconnect")


def problems_in(code: Path, form: Path) -> list[str]:
    """One sentence for each ``ui.WIDGET.ATTRIBUTE`` and each connected signal that Slicer does not have."""
    check = _Check(code, widgets_of(form), Facts())
    check.visit(ast.parse(code.read_text("utf-8")))
    return check.problems


def form_problems(form: Path) -> list[str]:
    """One sentence for each widget class and property of a .ui file that Slicer does not have."""
    facts, found = Facts(), []
    for element in ET.parse(form).getroot().iter("widget"):  # noqa: S314 - the project's own file
        kind, name = element.get("class", ""), element.get("name", "")
        if kind not in facts:
            found.append(f"{form.name}: {name}: Slicer has no class {kind}, or the facts do not list it.")
            continue
        for part in element.findall("property"):
            member = facts.member(kind, part.get("name", ""))
            if part.get("stdset") != "0" and (member is None or not member.writable):
                found.append(f"{form.name}: {name}: {kind} has no property {part.get('name')} that can be set.")
    return found


def widgets_of(form: Path) -> dict[str, str]:
    """The class of each widget, layout and action, by its name."""
    root = ET.parse(form).getroot()  # noqa: S314 - the project's own file
    parts = [each for each in root.iter() if each.tag in ("widget", "layout", "action") and each.get("name")]
    return {each.get("name", ""): each.get("class", "QAction") for each in parts}


class _Check(ast.NodeVisitor):
    """Goes through one file."""

    def __init__(self, code: Path, widgets: dict[str, str], facts: Facts) -> None:
        self.problems: list[str] = []
        self._code, self._widgets, self._facts = code, widgets, facts

    def visit_Call(self, node: ast.Call) -> None:
        target = node.func
        if isinstance(target, ast.Attribute):
            kind = self._class_of(target.value)
            member = self._facts.member(kind, target.attr) if kind else None
            if member is not None and member.kind == "property":
                self._add(node, f"{kind}.{target.attr} is a property, which cannot be called")
            if kind and target.attr in CONNECTING and node.args:
                self._check_signal(node, kind, node.args[0])
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = _widget_name(node)
        if name is not None and name not in self._widgets:
            self._add(node, f"the form has no {name}")
        kind = self._class_of(node.value)
        if kind:
            member = self._facts.member(kind, node.attr)
            if member is None:
                self._add(node, self._facts.why_not(kind, node.attr).rstrip("."))
            elif isinstance(node.ctx, ast.Store) and not (member.writable or node.attr == "name"):
                self._add(node, f"{kind}.{node.attr} cannot be assigned to")
        self.generic_visit(node)

    def _check_signal(self, node: ast.Call, kind: str, argument: ast.expr) -> None:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            return
        if normalized(argument.value) not in self._facts.signals(kind):
            self._add(node, f"{kind} has no signal {argument.value}")

    def _class_of(self, node: ast.expr) -> str | None:
        kind = self._widgets.get(_widget_name(node) or "")
        return kind if kind in self._facts else None

    def _add(self, node: ast.expr, text: str) -> None:
        self.problems.append(f"{self._code}:{node.lineno}: {text}.")


def _widget_name(node: ast.expr) -> str | None:
    """NAME of ``self.ui.NAME``, ``ui.NAME`` and ``self._ui.NAME``."""
    if not isinstance(node, ast.Attribute):
        return None
    owner = node.value
    owner_name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else None
    return node.attr if owner_name in UI_NAMES else None


def main(form: str, *code: str) -> str | None:
    """What to print when there is something wrong; None when there is not."""
    found = form_problems(Path(form))
    for path in code:
        found += problems_in(Path(path), Path(form))
    return "\n".join(found) or None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
