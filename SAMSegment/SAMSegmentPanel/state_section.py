"""The lines at the top: what the engine is at, what it needs, and what was said last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from SAMSegmentLib.models.catalogue import catalogue_entry
from SAMSegmentLib.models.weights import find_weights

from .engine import Condition
from .installation import InstallationError
from .signals import Signal

if TYPE_CHECKING:
    from .engine import EngineState
    from .installation import Installation
    from .settings import EngineSettings
    from .work import Work

_SENTENCE_SHOWN_S = 20.0
# A click in a slice that is prepared is answered before anybody could read that it is worked on.
_WORK_SHOWN_AFTER_S = 0.4


class StateSection:
    """Shows the state, and installs what is missing when asked; ``installed`` is emitted when all is here."""

    def __init__(self, ui: Any, work: Work, installation: Installation) -> None:
        self.ui = ui
        self._work = work
        self._installation = installation
        self.installed = Signal()
        self._look()
        self._told_at = self._idle_at = time.monotonic()
        self._shown: tuple[EngineState, bool] | None = None
        self._settings: EngineSettings | None = None
        self.ui.installButton.connect("clicked()", self._install)
        work.told.connect(self._show_sentence)

    def needs(self, settings: EngineSettings) -> str:
        """What the engine lacks to be started with these settings, "" when it can be started."""
        self._settings = settings
        if self._obstacle:
            return self._obstacle
        if self._missing:
            return _("{count} Python packages are missing; press Install to see which.").format(
                count=len(self._missing)
            )
        if not settings.weights and find_weights(catalogue_entry(settings.model)) is None:
            return _(
                "The weights of {model} are not on this computer; download them under 'Engine and settings'."
            ).format(model=settings.model)
        return ""

    def refresh(self) -> None:
        """Show whether something is to be installed."""
        self.ui.installButton.visible = bool(self._missing) and not self._obstacle

    def tick(self) -> None:
        """Show the engine's state; let sentences go after a while."""
        now, state = time.monotonic(), self._work.engine.state
        if state.condition is not Condition.WORKING:
            self._idle_at = now
        is_long = now - self._idle_at > _WORK_SHOWN_AFTER_S
        if (state, is_long) != self._shown:
            self._shown = state, is_long
            self.ui.engineStateLabel.text = self._text(state, is_long)
        if self.ui.messageLabel.text and now - self._told_at > _SENTENCE_SHOWN_S:
            self._show_sentence("")

    def show_anew(self) -> None:
        """The settings have changed."""
        self._shown = None

    def _look(self) -> None:
        self._missing = self._installation.missing()
        self._obstacle = self._installation.obstacle()
        self._work.is_installed = not self._missing

    def _text(self, state: EngineState, is_long: bool) -> str:
        if state.condition is Condition.OFF:
            lacking = self.needs(self._settings) if self._settings else ""
            return lacking or _("The engine starts with the first volume.")
        if state.condition is Condition.FAILED:
            return _("The engine failed: {why}").format(why=state.text)
        if state.condition is Condition.STARTING:
            return _("The engine is getting ready: {what}...").format(what=_(state.text))
        if state.condition is Condition.WORKING and is_long:
            return _("Working...")
        return _("Ready: model {model}").format(model=self._work.engine.model_name)

    def _show_sentence(self, text: str) -> None:
        self._told_at = time.monotonic()
        self.ui.messageLabel.text = text
        self.ui.messageLabel.visible = bool(text)

    def _install(self) -> None:
        if not slicer.util.confirmOkCancelDisplay(self._installation.description(), windowTitle="SAMSegment"):
            return
        try:
            self._installation.install()
        except InstallationError as error:
            self._work.tell(str(error))
        self._look()
        self.show_anew()
        self._work.note_change()
        if not self._missing:
            self.installed.emit()
