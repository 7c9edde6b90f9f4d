"""What Slicer offers to Python of Qt, CTK and its own widgets, as facts.json says."""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# PythonQt offers these on every QObject, besides what its class has.
ON_EVERY_OBJECT = frozenset(
    {
        "children",
        "className",
        "connect",
        "delete",
        "disconnect",
        "findChild",
        "findChildren",
        "help",
        "inherits",
        "metaObject",
        "name",
        "parent",
        "property",
        "setParent",
        "setProperty",
        "tr",
    }
)
FACTS = Path(__file__).with_name("facts.json")
CALLED = ("deco", "meth", "slot", "inv")
SHORT_TYPES = {
    "unsigned": "uint",
    "unsigned int": "uint",
    "unsigned long": "ulong",
    "unsigned short": "ushort",
    "unsigned char": "uchar",
}


@dataclass(frozen=True)
class Member:
    """One name of a class: ``kind`` is property, method, signal, static, enum, enum type or common.

    ``detail`` holds a property's type, access and signal; a method's or signal's signatures; an enum value's type.
    """

    kind: str
    owner: str
    detail: tuple[str, ...] = ()

    @property
    def writable(self) -> bool:
        return self.kind == "property" and "w" in self.detail[1]


class Facts:
    """The table of classes. Raises FileNotFoundError when make_facts.py has not been run."""

    def __init__(self, path: Path = FACTS) -> None:
        self._classes = json.loads(path.read_text("utf-8"))["classes"]
        self.member = functools.cache(self._member)

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def entry(self, name: str) -> dict:
        return self._classes[name]

    def names(self, namespace: str) -> list[str]:
        """Classes that Python code reaches as ``namespace.NAME``; namespace is qt, ctk or slicer."""
        return [name for name, entry in self._classes.items() if namespace_of(name, entry) == namespace]

    def chain(self, name: str) -> Iterator[tuple[str, dict]]:
        """The class and its bases, nearest first."""
        above: str | None = name
        while above in self._classes:
            entry = self._classes[above]
            yield above, entry
            above = entry.get("base")

    def is_object(self, name: str) -> bool:
        return any(each == "QObject" for each, _ in self.chain(name))

    def inherits(self, name: str, base: str) -> bool:
        return any(each == base for each, _ in self.chain(name))

    def signals(self, name: str) -> set[str]:
        """All signatures, in Qt's normalised form."""
        return {text for _, entry in self.chain(name) for texts in entry.get("sig", {}).values() for text in texts}

    def _member(self, name: str, attribute: str) -> Member | None:
        """What ``attribute`` of an object of class ``name`` is: in PythonQt, properties hide methods of their name."""
        chain = list(self.chain(name))
        for owner, entry in chain:
            # PythonQt leaves this property out, so that the static method of the same name can be reached.
            if attribute in entry.get("prop", {}) and (owner, attribute) != ("QTimer", "singleShot"):
                return Member("property", owner, (*entry["prop"][attribute], "")[:3])
        for find in (_method, _enum):
            found = next(filter(None, (find(owner, entry, attribute) for owner, entry in chain)), None)
            if found:
                return found
        if attribute in ON_EVERY_OBJECT and self.is_object(name):
            return Member("common", "QObject")
        if attribute.endswith("_") and not attribute.endswith("__"):
            return self._member(name, attribute.removesuffix("_"))
        return None

    def why_not(self, name: str, attribute: str) -> str:
        """A sentence for an attribute that ``member`` does not find."""
        for owner, entry in self.chain(name):
            if attribute in entry.get("hidden", ()):
                return f"{owner}::{attribute} exists in C++, but Python does not reach it."
        return f"{name} has no attribute {attribute!r}."


def _method(owner: str, entry: dict, attribute: str) -> Member | None:
    for kind in CALLED:
        if attribute in entry.get(kind, {}):
            return Member("method", owner, tuple(entry[kind][attribute]))
    if attribute in entry.get("sig", {}):
        return Member("signal", owner, tuple(entry["sig"][attribute]))
    if attribute in entry.get("static", {}):
        return Member("static", owner, tuple(entry["static"][attribute]))
    if f"static {attribute}" in entry.get("deco", {}):
        return Member("static", owner, tuple(entry["deco"][f"static {attribute}"]))
    return None


def _enum(owner: str, entry: dict, attribute: str) -> Member | None:
    for enum, keys in entry.get("enum", {}).items():
        if attribute == enum:
            return Member("enum type", owner, (enum,))
        if attribute in keys:
            return Member("enum", owner, (enum,))
    return None


def namespace_of(name: str, entry: dict) -> str | None:
    """qt, ctk or slicer; None for classes whose objects only other calls return."""
    return entry.get("ns") if name[0] in "qc" else "qt"


def normalized(signature: str) -> str:
    """A signal's signature as Qt writes it (QMetaObject::normalizedSignature): no spaces, no constant references."""
    match = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", signature, re.DOTALL)
    if match is None:
        return signature
    arguments = [_normalized_type(text) for text in arguments_of(signature)]
    return f"{match[1]}({','.join(arguments)})"


def arguments_of(signature: str) -> list[str]:
    """The types between the brackets; commas inside of templates do not separate."""
    inside = signature[signature.index("(") + 1 : signature.rindex(")")].strip()
    return [part for part in re.split(r",(?![^<]*>)", inside) if part.strip()]


def _normalized_type(text: str) -> str:
    text = re.sub(r"\b(class|struct|enum)\s+", "", " ".join(text.split()))
    text = re.sub(r"\s*([*&<>,:])\s*", r"\1", text)
    if "*" not in text:
        constant = re.fullmatch(r"const (.*?)&?|(.*?) const&?", text)
        text = next((part for part in constant.groups() if part), text) if constant else text
    return SHORT_TYPES.get(text, text)
