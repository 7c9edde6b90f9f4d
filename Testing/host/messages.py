"""What a module says through Slicer's message boxes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """``kind`` is info, warning, error or dialog."""

    kind: str
    text: str


def recording(messages: list[Message], display: Callable) -> Callable:
    """``slicer.util._messageDisplay``, which all of Slicer's display functions call, with a record."""

    def recorded(level: int, text: str, *arguments: Any, **options: Any) -> Any:
        messages.append(Message(logging.getLevelName(level).lower(), text))
        return display(level, text, *arguments, **options)

    return recorded
