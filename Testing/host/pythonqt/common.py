"""What PythonQt adds to every QObject."""

from typing import TYPE_CHECKING, Any

from Testing.host.problems import NotInHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from Testing.host.pythonqt.binding import Binding
    from Testing.host.pythonqt.objects import PythonQtObject


def read(binding: "Binding", wrapper: "PythonQtObject", attribute: str) -> Any:
    native = wrapper._native
    if attribute == "name":
        return native.objectName()
    methods: dict[str, Callable] = {
        "children": lambda: binding.wrap(native.children()),
        "className": lambda: wrapper._name,
        "connect": lambda signature, called: binding.connections.connect(wrapper, signature, called),
        "delete": lambda: _delete(native),
        "disconnect": lambda signature, called=None: binding.connections.disconnect(wrapper, signature, called),
        "findChild": lambda kind, name="": next(iter(_found(binding, native, kind, name)), None),
        "findChildren": lambda kind, name="": _found(binding, native, kind, name),
        "inherits": lambda name: binding.facts.inherits(wrapper._name, name) or native.inherits(name),
        "parent": lambda: binding.wrap(native.parent()),
        "property": lambda name: binding.wrap(native.property(name)),
        "setParent": lambda parent: native.setParent(binding.unwrap(parent)),
        "setProperty": lambda name, value: native.setProperty(name, binding.unwrap(value)),
        "tr": lambda text: text,
    }
    if attribute not in methods:
        raise NotInHost(f"The host's objects do not have {attribute} yet.")
    return methods[attribute]


def _found(binding: "Binding", native: Any, kind: Any, name: str) -> list:
    """Children at any depth; ``kind`` is a class or the name of one."""
    from PySide6.QtCore import QObject

    wanted = kind if isinstance(kind, str) else kind._name
    children = [each for each in native.findChildren(QObject) if not name or each.objectName() == name]
    return [binding.wrap(each) for each in children if binding.facts.inherits(binding.name_of(each) or "", wanted)]


def _delete(native: Any) -> None:
    import shiboken6

    shiboken6.delete(native)
