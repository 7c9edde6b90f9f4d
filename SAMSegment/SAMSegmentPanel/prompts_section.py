"""Section 'Prompts': the tools, the model's candidates, and undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from SAMSegmentLib.models.catalogue import prompt_kinds
from SAMSegmentLib.mrml.viewinput import Tool

if TYPE_CHECKING:
    from .views import SliceViews
    from .work import Work

_POINT_TOOLS = (Tool.POSITIVE, Tool.NEGATIVE)


class PromptsSection:
    """What is done with the slice in view."""

    def __init__(self, ui: Any, work: Work, views: SliceViews) -> None:
        self.ui = ui
        self._work = work
        self._views = views
        self._tools = {
            Tool.POSITIVE: self.ui.includeButton,
            Tool.NEGATIVE: self.ui.excludeButton,
            Tool.BOX: self.ui.boxButton,
        }
        self._tool_hints = {
            Tool.NONE: _("Choose a tool. The left mouse button is Slicer's as long as none is on."),
            Tool.POSITIVE: _("Click inside of the structure in a slice view; Shift+click excludes."),
            Tool.NEGATIVE: _("Click what does not belong to the segment; Shift+click includes."),
            Tool.BOX: _("Drag a box around the structure in a slice view."),
        }
        self._candidates = (self.ui.candidate1Button, self.ui.candidate2Button, self.ui.candidate3Button)
        self.ui.includeButton.connect("clicked()", self.toggle_include)
        self.ui.excludeButton.connect("clicked()", self.toggle_exclude)
        self.ui.boxButton.connect("clicked()", self.toggle_box)
        self.ui.candidate1Button.connect("clicked()", lambda: self._choose(0))
        self.ui.candidate2Button.connect("clicked()", lambda: self._choose(1))
        self.ui.candidate3Button.connect("clicked()", lambda: self._choose(2))
        self.ui.alignViewsButton.connect("clicked()", self._views.align)
        self.ui.undoButton.connect("clicked()", self.undo)
        self.ui.redoButton.connect("clicked()", self.redo)
        self.ui.clearSliceButton.connect("clicked()", self.clear_slice)

    # --- what buttons and shortcuts do

    def toggle_include(self) -> None:
        """Clicks include, or the mouse is Slicer's again."""
        self._toggle(Tool.POSITIVE)

    def toggle_exclude(self) -> None:
        """Clicks exclude, or the mouse is Slicer's again."""
        self._toggle(Tool.NEGATIVE)

    def toggle_box(self) -> None:
        """Dragging makes a box, or the mouse is Slicer's again."""
        self._toggle(Tool.BOX)

    def toggle_hover(self) -> None:
        """Follow the mouse with a preview, or do not."""
        self.ui.hoverCheckBox.checked = not self.ui.hoverCheckBox.checked

    def undo(self) -> None:
        """Take back the last step."""
        if self._work.scene_session:
            self._work.attempt(self._work.scene_session.undo)

    def redo(self) -> None:
        """Do the step again that was undone last."""
        if self._work.scene_session:
            self._work.attempt(self._work.scene_session.redo)

    def clear_slice(self) -> None:
        """Remove the prompts of the slice in view."""
        if self._work.segment and self._work.viewed:
            self._work.attempt(self._work.scene_session.clear_slice, self._work.segment_id, self._work.viewed)

    # --- what is shown

    def refresh(self) -> None:
        """Show what can be done now."""
        session = self._work.scene_session
        for tool, button in self._tools.items():
            button.checked = session is not None and self._views.tool is tool
            button.enabled = session is not None
        self.ui.hoverCheckBox.enabled = session is not None
        self.ui.undoButton.enabled = bool(session and session.can_undo)
        self.ui.redoButton.enabled = bool(session and session.can_redo)
        self.ui.alignViewsButton.visible = session is not None and not self._views.are_aligned
        self.ui.promptHintLabel.text = self._hint()
        self._show_candidates()

    def _toggle(self, tool: Tool) -> None:
        self._views.tool = Tool.NONE if self._views.tool is tool else tool

    def _hint(self) -> str:
        if self._work.scene_session is None:
            return _("Choose a volume to begin.")
        if not self._work.segment:
            return _("Add a segment to begin.")
        if self._views.tool in _POINT_TOOLS and "point" not in prompt_kinds(self._work.engine.model_name):
            return _("This model was trained for boxes only; draw one around the structure.")
        return self._tool_hints[self._views.tool]

    def _show_candidates(self) -> None:
        segment, key = self._work.segment, self._work.viewed
        prompts = segment.prompts.get(key) if segment else None
        mask = segment.masks.get(key) if segment else None
        scores = self._work.engine.candidate_scores(prompts) if prompts else None
        is_answered = bool(prompts and mask and mask.prompts is not None)
        for number, button in enumerate(self._candidates):
            is_chosen = is_answered and mask.candidate == number
            # Those of a scene that was loaded are not known before the model is asked again.
            score = scores[number] if scores is not None else mask.predicted_iou if is_chosen else None
            button.text = str(number + 1) if score is None else f"{number + 1}: {max(0.0, min(score, 1.0)):.0%}"
            button.checked = is_chosen
            button.enabled = is_answered and not mask.is_accepted
        self.ui.clearSliceButton.enabled = prompts is not None

    def _choose(self, number: int) -> None:
        self._work.attempt(self._work.scene_session.choose_candidate, self._work.segment_id, self._work.viewed, number)
