"""What went wrong without an exception reaching the test: Slicer prints such things, and a test must fail on them."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

# What Qt says of the off-screen platform and of fonts that the machine does not have.
HARMLESS = ("This plugin does not support", "QFontDatabase:", "Populating font family aliases", "propagateSizeHints")


class NotInHost(NotImplementedError):
    """Slicer has it, this stand-in does not: a test that needs it has to add it here first."""


class Problems(list[str]):
    """One text each: unknown signals, exceptions in slots, timers and observers, dialogs that nobody answered."""

    def add(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")
        self.append(text)

    def add_exception(self, where: str, error: BaseException) -> None:
        self.add(f"In {where}: " + "".join(traceback.format_exception(error)))

    @contextmanager
    def expected(self, part: str) -> Iterator[None]:
        """Takes the problems back whose text has ``part``. Raises AssertionError when there is none."""
        before = len(self)
        yield
        news = self[before:]
        assert any(part in text for text in news), f"No problem with {part!r} came up, but: {news}"
        self[before:] = [text for text in news if part not in text]

    @contextmanager
    def watching_unraised(self) -> Iterator[None]:
        """VTK's observers print their exceptions with ``sys.excepthook``; they become problems."""
        previous = sys.excepthook

        def hook(_kind, error, _trace) -> None:
            self.add_exception("an observer or event handler", error)

        sys.excepthook = hook
        try:
            yield
        finally:
            sys.excepthook = previous

    @contextmanager
    def watching_qt(self) -> Iterator[None]:
        """Qt prints its warnings: unknown slots, layouts that are set twice, objects of other threads."""
        from PySide6.QtCore import QtMsgType, qInstallMessageHandler

        def hear(kind, _context, text: str) -> None:
            if kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg) and not text.startswith(HARMLESS):
                self.add(f"Qt: {text}")

        previous = qInstallMessageHandler(hear)
        try:
            yield
        finally:
            qInstallMessageHandler(previous)
