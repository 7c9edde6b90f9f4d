"""Text in a form that scene files keep: MRML writes attributes, and file names made of nodes' names, as they are.

A colon or semicolon in an attribute then ends it, and an ampersand makes the whole scene unreadable.
"""

from __future__ import annotations

from urllib.parse import quote, unquote


def to_attribute(text: str) -> str:
    """Any text as letters, digits, ``_``, ``.``, ``-`` and ``~``."""
    return quote(text, safe="").replace("~", "%7E").replace("%", "~")


def from_attribute(text: str) -> str:
    """The inverse of :func:`to_attribute`."""
    return unquote(text.replace("~", "%"))


def node_name(text: str) -> str:
    """What a node may be called after a user's text: its letters and digits."""
    plain = "".join(letter if letter.isalnum() or letter in "_-" else " " for letter in text)
    return " ".join(plain.split())
