"""Dialogs without a person: they are answered from a list, and an unexpected one is a problem."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6 import QtWidgets

from Testing.host.messages import Message

if TYPE_CHECKING:
    from Testing.host.host import Host

YES, NO = (
    ("Ok", "Yes", "YesToAll", "Retry", "Save", "Open", "Apply"),
    ("Cancel", "No", "NoToAll", "Close", "Ignore", "Abort"),
)


class Dialogs:
    """Takes the place of everything in Qt that would wait for a person."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    def answer(self, what: str) -> Any:
        """The next answer of ``host.answers``; None, and a problem, when there is none."""
        if self._host.answers:
            return self._host.answers.pop(0)
        self._host.problems.add(f"Nobody answered: {what}")
        return None

    def install(self, replace: Callable[[Any, str, Any], None]) -> None:
        """``replace(owner, name, value)`` sets attributes and remembers what was there."""
        dialogs = self

        def execute(dialog: QtWidgets.QDialog, *_: Any) -> int:
            return dialogs.executed(dialog)

        def execute_menu(menu: QtWidgets.QMenu, *_: Any) -> Any:
            return dialogs.executed_menu(menu)

        for name in ("exec", "exec_"):
            replace(QtWidgets.QDialog, name, execute)
            replace(QtWidgets.QMenu, name, execute_menu)
        for name in ("question", "information", "warning", "critical"):
            replace(QtWidgets.QMessageBox, name, staticmethod(self._message(name)))
        for name, shape in _QUESTIONS:
            owner, attribute = name.split(".")
            replace(getattr(QtWidgets, owner), attribute, staticmethod(self._asked(name, shape)))

    def statics(self) -> dict[tuple[str, str], Callable]:
        """The same for Python code: PythonQt gives a file dialog's path alone."""
        binding = self._host.binding
        found: dict[tuple[str, str], Callable] = {}
        for name, shape in _QUESTIONS:
            owner, attribute = name.split(".")
            asked = self._asked(name, shape)

            def called(*arguments: Any, asked: Callable = asked, owner: str = owner) -> Any:
                answer = asked(*arguments)
                return binding.wrap(answer[0] if isinstance(answer, tuple) else answer)

            found[owner, attribute] = called
        for name in ("question", "information", "warning", "critical"):
            message = self._message(name)
            found["QMessageBox", name] = lambda *arguments, message=message: binding.wrap(message(*arguments))
        return found

    def executed(self, dialog: QtWidgets.QDialog) -> int:
        text = dialog.text() if isinstance(dialog, QtWidgets.QMessageBox) else dialog.windowTitle()
        self._host.messages.append(Message("dialog", text))
        answer = self.answer(f"{type(dialog).__name__} {text!r}")
        if isinstance(dialog, QtWidgets.QMessageBox):
            return _button(dialog.standardButtons(), answer)
        dialog.done(int(bool(answer)))
        return int(bool(answer))

    def executed_menu(self, menu: QtWidgets.QMenu) -> Any:
        answer = self.answer(f"the menu of {[action.text() for action in menu.actions()]}")
        chosen = next((action for action in menu.actions() if action.text() == answer), None)
        if chosen is not None:
            chosen.trigger()
        return chosen

    def _message(self, kind: str) -> Callable:
        def ask(_parent: Any = None, title: str = "", text: str = "", buttons: Any = None, *_: Any) -> Any:
            self._host.messages.append(Message(kind, text))
            asked = buttons or QtWidgets.QMessageBox.StandardButton.Ok
            answer = self.answer(f"{title}: {text}") if kind == "question" or self._host.answers else True
            return QtWidgets.QMessageBox.StandardButton(_button(asked, answer))

        return ask

    def _asked(self, name: str, shape: Callable[[Any], Any]) -> Callable:
        def ask(*arguments: Any) -> Any:
            texts = [each for each in arguments if isinstance(each, str)]
            return shape(self.answer(f"{name} {texts}"))

        return ask


_QUESTIONS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("QFileDialog.getOpenFileName", lambda answer: (answer or "", "")),
    ("QFileDialog.getSaveFileName", lambda answer: (answer or "", "")),
    ("QFileDialog.getOpenFileNames", lambda answer: (answer or [], "")),
    ("QFileDialog.getExistingDirectory", lambda answer: answer or ""),
    ("QInputDialog.getText", lambda answer: (answer or "", answer is not None)),
    ("QInputDialog.getItem", lambda answer: (answer or "", answer is not None)),
    ("QInputDialog.getInt", lambda answer: (answer or 0, answer is not None)),
    ("QInputDialog.getDouble", lambda answer: (answer or 0.0, answer is not None)),
    ("QColorDialog.getColor", lambda answer: answer),
)


def _button(offered: Any, answer: Any) -> int:
    """The number of the button that says yes, or no; a number stands for itself."""
    if isinstance(answer, int) and not isinstance(answer, bool):
        return int(answer)
    kinds = QtWidgets.QMessageBox.StandardButton
    for name in YES if answer else NO:
        if offered & getattr(kinds, name):
            return getattr(kinds, name).value
    return kinds.Ok.value if answer else kinds.Cancel.value
