"""Qt's properties, which are values in Python."""

import numbers
from typing import Any

from Testing.host.facts import Member
from Testing.host.problems import NotInHost

# What PythonQt converts to a property of these types. It takes some other values too; a module need not rely on that.
TAKEN = {
    "bool": numbers.Integral,
    "int": numbers.Integral,
    "uint": numbers.Integral,
    "double": numbers.Real,
    "qreal": numbers.Real,
    "float": numbers.Real,
    "QString": str,
    "QStringList": (list, tuple),
}
PLAIN = {"bool": bool, "int": int, "uint": int, "double": float, "qreal": float, "float": float}


def read(native: Any, name: str, member: Member) -> Any:
    if native.metaObject().indexOfProperty(name) < 0:
        raise NotInHost(f"The host's {member.owner} does not have the property {name} yet.")
    try:
        return native.property(name)
    except RuntimeError:  # PySide6 converts no flags here
        getter = getattr(native, name, None) or getattr(native, f"is{_capitalized(name)}")
        return getter()


def write(native: Any, shown: str, name: str, member: Member, value: Any) -> None:
    """Raises AttributeError when the property is read-only or of another type, as PythonQt does."""
    if not member.writable:
        raise AttributeError(f"{name} of {shown} is a read-only property.")
    if native.metaObject().indexOfProperty(name) < 0:
        raise NotInHost(f"The host's {member.owner} does not have the property {name} yet.")
    kind = member.detail[0]
    if kind in TAKEN and not (isinstance(value, TAKEN[kind]) or (kind == "QString" and value is None)):
        raise AttributeError(f"{name} of {shown} is a {kind}; it takes no {value!r}.")
    if kind in PLAIN:
        value = PLAIN[kind](value)  # also what numpy calculated
    if not native.setProperty(name, value):
        _set_by_method(native, shown, name, value)


def _set_by_method(native: Any, shown: str, name: str, value: Any) -> None:
    setter = getattr(native, f"set{_capitalized(name)}", None)
    try:
        setter(value)
    except TypeError as error:
        raise AttributeError(f"{name} of {shown} takes no {value!r}.") from error


def _capitalized(name: str) -> str:
    return name[0].upper() + name[1:]
