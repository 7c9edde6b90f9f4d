"""Loading .ui files with Slicer's widgets in them."""

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

from PySide6 import QtCore, QtUiTools, QtWidgets

if TYPE_CHECKING:
    from Testing.host.pythonqt.binding import Binding


def ui_loader_class(binding: "Binding") -> type:
    """A QUiLoader that makes the host's stand-ins, and records what a .ui file asks for that Slicer does not have."""

    class QUiLoader(QtUiTools.QUiLoader):
        def __init__(self, parent: QtCore.QObject | None = None) -> None:
            super().__init__(parent)
            for kind in binding.stand_ins.values():
                if issubclass(kind, QtWidgets.QWidget):
                    self.registerCustomWidget(kind)

        def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> Any:
            form = ET.fromstring(bytes(device.readAll().data()))  # noqa: S314 - the project's own file
            _check(binding, form)
            connections, values = _taken_out(binding, form)
            buffer = QtCore.QBuffer()
            buffer.setData(ET.tostring(form))
            buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
            widget = super().load(buffer, parent)
            for name, attribute, value in values:
                _named(widget, name).setProperty(attribute, value)
            for sender, signal, receiver, slot in connections:
                called = getattr(binding.wrap(_named(widget, receiver)), slot.partition("(")[0])
                binding.wrap(_named(widget, sender)).connect(signal, called)
            return widget

    return QUiLoader


def _check(binding: "Binding", form: ET.Element) -> None:
    """Classes and properties are those of Slicer, or it is a problem."""
    facts = binding.facts
    for element in form.iter("widget"):
        kind, name = element.get("class", ""), element.get("name", "")
        if kind not in facts:
            binding.problems.add(f"{name}: Slicer has no widget class {kind}, or the host's facts do not list it.")
            continue
        binding.native_class(kind)
        for part in element.findall("property"):
            member = facts.member(kind, part.get("name", ""))
            if part.get("stdset") != "0" and (member is None or member.kind != "property"):
                binding.problems.add(f"{name}: {kind} has no property {part.get('name')}.")


def _taken_out(binding: "Binding", form: ET.Element) -> tuple[list[tuple[str, ...]], list[tuple[str, str, int]]]:
    """Connections and enum values that Qt's loader cannot make, as they are of the stand-ins' own types."""
    connections: list[tuple[str, ...]] = []
    for parent in form.iter("connections"):
        for each in list(parent):
            texts = {part.tag: part.text or "" for part in each}
            if "vtk" in texts["signal"]:
                connections.append((texts["sender"], texts["signal"], texts["receiver"], texts["slot"]))
                parent.remove(each)
    values: list[tuple[str, str, int]] = []
    for element in form.iter("widget"):
        for part in element.findall("property"):
            text = next((child.text or "" for child in part if child.tag in ("set", "enum")), "")
            if text.startswith(("ctk", "qMRML", "qSlicer")):
                values.append((element.get("name", ""), part.get("name", ""), _number(binding, text)))
                element.remove(part)
    return connections, values


def _number(binding: "Binding", text: str) -> int:
    """The value of a text such as ctkPathLineEdit::Dirs|ctkPathLineEdit::Readable."""
    total = 0
    for part in text.split("|"):
        kind, _, key = part.strip().partition("::")
        total |= int(getattr(binding.wrapper_class(kind), key.rpartition("::")[2]))
    return total


def _named(widget: Any, name: str) -> Any:
    found = widget if widget.objectName() == name else widget.findChild(QtCore.QObject, name)
    assert found is not None, f"The form has no object {name}."
    return found
