"""The sections of the panel put together, and their life with the module and the scene."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import qt
import slicer

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.mrml.viewinput import Tool

from .binding import Binding
from .correction_section import CorrectionSection
from .embedding_section import EmbeddingSection
from .engine import Condition, PanelEngine
from .engine_section import EngineSection
from .export_section import ExportSection
from .installation import Installation
from .prompt_list import PromptList
from .prompts_section import PromptsSection
from .propagation_section import PropagationSection
from .review_section import ReviewSection
from .segments_section import SegmentsSection
from .settings import EngineSettings, Environment
from .shortcuts import Shortcuts
from .state_section import StateSection
from .views import SliceViews
from .weights_section import WeightsSection
from .work import Work

if TYPE_CHECKING:
    from pathlib import Path

# A click in a prepared slice is answered in some 30 ms: this adds little to it, and an idle look costs next to nothing.
_TICK_MS = 15

# Slices of a propagation come faster than anybody can read.
_BETWEEN_REFRESHES_S = 0.05

_SECTIONS = (
    "segmentsSection",
    "promptsSection",
    "propagationSection",
    "correctionSection",
    "exportSection",
    "settingsSection",
)


class Panel:
    """Everything between the widgets and the session. Nothing here waits for the engine: a timer looks for answers.

    :param ui: the widgets of SAMSegment.ui by their names.
    :param requirements: the module's requirements.txt.
    """

    def __init__(self, ui: Any, requirements: Path) -> None:
        self.ui = ui
        self.work = Work()
        self.work.engine = PanelEngine(self.work.tell)
        self._environment = Environment()
        self._is_entered = False
        self._refresh_at = 0.0
        self.views = SliceViews(self.work)
        self._state = StateSection(ui, self.work, Installation(requirements))
        self._correction = CorrectionSection(ui, self.work, self.views)
        self._binding = Binding(self.work, self._correction.history)
        self._prompts = PromptsSection(ui, self.work, self.views)
        self._propagation = PropagationSection(ui, self.work, self.views)
        self._review = ReviewSection(ui, self.work, self.views, self._propagation)
        self._export = ExportSection(ui, self.work)
        self._weights = WeightsSection(ui, self.work)
        self._engine_settings = EngineSection(ui, self.work, self._weights)
        self._sections = (
            self._state,
            SegmentsSection(ui, self.work),
            self._prompts,
            PromptList(ui, self.work, self.views),
            EmbeddingSection(ui, self.work),
            self._propagation,
            self._review,
            self._correction,
            self._export,
            self._weights,
        )
        self._shortcuts = Shortcuts(
            {
                "Shift+I": self._prompts.toggle_include,
                "Shift+E": self._prompts.toggle_exclude,
                "Shift+B": self._prompts.toggle_box,
                "Shift+H": self._prompts.toggle_hover,
                "Shift+C": self._prompts.clear_slice,
                "Shift+P": self._propagation.propagate,
                "Shift+N": self._review.next_doubtful,
                "Shift+L": self._review.toggle_accepted,
            }
        )
        self._environment.apply(self._engine_settings.settings)
        self._state.needs(self._engine_settings.settings)
        self._engine_settings.changed.connect(self._restart_engine)
        self._state.installed.connect(self._start_engine)
        self._weights.changed.connect(self._start_engine)
        self.work.bound.connect(self._begin)
        for selector in (ui.volumeSelector, ui.segmentationSelector):
            selector.connect("nodeActivated(vtkMRMLNode*)", lambda _node: self._binding.open_again())
        self.work.tell("")
        self.work.note_change()
        for section in _SECTIONS:
            # A section that opens shows what was hidden in it, too.
            getattr(ui, section).connect("contentsCollapsed(bool)", lambda _collapsed: self.work.note_change())
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", self.tick)
        self._timer.start()

    # --- life

    def enter(self) -> None:
        """The module is shown."""
        self._is_entered = self._binding.makes_segmentations = True
        self._correction.attach()
        self._binding.open_again()
        self.views.attach()
        manager = slicer.app.layoutManager()
        if manager:
            manager.connect("layoutChanged(int)", self._follow_layout)
        self._shortcuts.install()
        if slicer.util.mainWindow():
            self.ui.segmentEditorWidget.installKeyboardShortcuts()
        self._begin()

    def exit(self) -> None:
        """Another module is shown: the mouse and the keys are its own. What was asked of the engine goes on."""
        self._is_entered = self._binding.makes_segmentations = False
        self.views.tool = Tool.NONE
        self._correction.leave()
        self.ui.segmentEditorWidget.uninstallKeyboardShortcuts()
        self._shortcuts.remove()
        manager = slicer.app.layoutManager()
        if manager:
            manager.disconnect("layoutChanged(int)", self._follow_layout)
        self.views.detach()

    def use_parameters(self, parameters: Any) -> None:
        """Another scene's parameter node from now on, None while a scene closes."""
        self.work.parameters = parameters
        if parameters is None:
            self._binding.release()
            self._correction.detach()
        else:
            self._correction.attach()
            self.follow_parameters()

    def follow_parameters(self) -> None:
        """A parameter was changed, by the user or by a program."""
        self._binding.update()
        self.work.note_change()

    def close(self) -> None:
        """The module goes: end the worker process and all threads."""
        if self._is_entered:
            self.exit()
        self._timer.stop()
        self._binding.close()
        self._export.close()
        self._weights.close()
        self._engine_settings.close()
        self.work.engine.close()
        self._correction.detach()
        self._environment.restore()

    def tick(self) -> None:
        """Take what the engine has answered, and show what has changed."""
        self.work.engine.process_events()
        self._binding.tick()
        self.views.tick()
        self._state.tick()
        self._export.tick()
        self._weights.tick()
        self._engine_settings.tick()
        now = time.monotonic()
        if self.work.is_changed and now >= self._refresh_at:
            self.work.is_changed = False
            for section in self._sections:
                section.refresh()
            self._refresh_at = now + _BETWEEN_REFRESHES_S

    # --- inside

    def _follow_layout(self, _layout: int) -> None:
        self.views.attach()

    def _begin(self) -> None:
        """A volume was opened: the next click should be a prompt."""
        if self.work.scene_session is None:
            return
        if self.work.engine.state.condition is Condition.OFF:
            self._start_engine()
        if self._is_entered and self.views.tool is Tool.NONE:
            self.views.tool = Tool.POSITIVE

    def _restart_engine(self, settings: EngineSettings) -> None:
        self._environment.apply(settings)
        self.work.engine.stop()
        self._start_engine()

    def _start_engine(self) -> None:
        settings = self._engine_settings.settings
        self._state.show_anew()
        is_running = self.work.engine.state.condition not in (Condition.OFF, Condition.FAILED)
        if is_running or self._state.needs(settings) or self.work.scene_session is None:
            return
        try:
            self.work.engine.start(settings)
        except SAMSegmentError as error:
            self.work.tell(str(error))
            return
        self.work.attempt(self.work.scene_session.ask_again)
