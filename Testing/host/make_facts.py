"""Writes facts.json: what Slicer offers to Python of the classes that the host stands in for.

``python make_facts.py FOLDER``, where FOLDER holds ``slicer-qt-api.json`` and ``qt515-api.json``: tables that were
read from the headers and sources of Slicer 5.6 to 5.12, CTK and Qt 5.15. A class that a module needs and that is not
listed in facts_classes.txt is refused by the host: add its name there and run this again.
"""

import json
import sys
from pathlib import Path

FACTS = Path(__file__).with_name("facts.json")

CLASSES = Path(__file__).with_name("facts_classes.txt")
# VTK's widget is in no table; what Python sees of it is QWidget's.
OTHER_BASES = {"QVTKWidget": "QWidget", "Superclass": "QWidget"}
LEFT_OUT = ("hdr", "made_by", "gone", "main+", "main-", "newsig")


def main(tables: Path) -> None:
    slicer = json.loads((tables / "slicer-qt-api.json").read_text("utf-8"))
    qt = json.loads((tables / "qt515-api.json").read_text("utf-8"))
    known = qt["classes"] | slicer["classes"]
    names = with_bases(CLASSES.read_text("utf-8").split(), known)
    head = {
        "source": "Made by make_facts.py; do not edit. From the headers of Slicer 5.12.3, its CTK, and Qt 5.15.14.",
        "revisions": slicer["about"]["refs"],
    }
    rows = ",\n".join(f"{json.dumps(name)}: {compact(known[name])}" for name in sorted(names))
    FACTS.write_text(f'{json.dumps(head)[:-1]},\n"classes": {{\n{rows}\n}}}}\n', "utf-8")


def with_bases(names: list[str], known: dict[str, dict]) -> set[str]:
    found: set[str] = set()
    for name in names:
        above: str | None = name
        while above and above not in found:
            if above not in known:
                sys.exit(f"{above} is in no table.")
            found.add(above)
            above = base_of(known[above])
    return found


def base_of(entry: dict) -> str | None:
    base = entry.get("base")
    return OTHER_BASES.get(base, base)


def compact(entry: dict) -> str:
    kept = {key: value for key, value in entry.items() if key not in LEFT_OUT and value not in ({}, [])}
    kept["base"] = base_of(entry)
    return json.dumps(kept, separators=(",", ":"), sort_keys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
