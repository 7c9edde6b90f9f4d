"""What tools, candidates and the list of prompts do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import slice_count
from SAMSegmentLib.mrml.viewinput import Tool
from SAMSegmentLib.prompts import CANDIDATE_COUNT

from .messages import told
from .sam_effect import SamEffect
from .state import PromptState, ViewState
from .views import Views

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trame_server.state import State

    from SAMSegmentLib.mrml.picking import Pick
    from SAMSegmentLib.mrml.scenesession import SceneSession
    from SAMSegmentLib.mrml.viewinput import SliceViewInput
    from SAMSegmentLib.segmentstate import SegmentState, SliceKey, SliceMask
    from SAMSegmentLib.worker.interface import SliceAnswer

    from .work import Work

_TOOLS = {"inside": Tool.POSITIVE, "outside": Tool.NEGATIVE, "box": Tool.BOX, "none": Tool.NONE}
_LOOKS = {
    "positive": ("mdi-plus-circle", "success", "Inside"),
    "negative": ("mdi-minus-circle", "error", "Outside"),
    "box": ("mdi-vector-square", "warning", "Box"),
}


class PromptControl:
    """The tool that clicks are taken for, and the prompts of the slice that is worked in."""

    def __init__(self, state: State, work: Work) -> None:
        self.messages = work.messages
        self._work = work
        typed = TypedState(state, PromptState)
        self._data = typed.data
        self.views = Views(work, TypedState(state, ViewState).data, self._hovered)
        self._effect = SamEffect.of(work.slicer.segmentation_editor, self.views.use_tool)
        work.slicer.segmentation_editor.active_effect_name_changed.connect(self._effect_changed)
        for name in (typed.name.is_hovering, typed.name.is_over_view):
            typed.bind_changes({name: lambda _is_on: self.views.show_no_preview()})
        work.add_listener(self._refresh)

    def choose_tool(self, tool: str) -> None:
        """Take clicks in slice views as inside, outside, box; or none."""
        self._effect.tool = _TOOLS[tool]
        editor = self._work.slicer.segmentation_editor
        if tool == "none":
            editor.deactivate_effect()
        else:
            editor.set_active_effect_type(SamEffect)
        self._data.tool = tool

    @told
    def clear_slice(self) -> None:
        """Remove all prompts of the slice, and the mask that they made."""
        session, segment_id, key = self._place()
        session.clear_slice(segment_id, key)

    @told
    def toggle_accepted(self) -> None:
        """Lock the slice's mask, or let go of it."""
        session, segment_id, key = self._place()
        if self._data.is_accepted:
            session.release_slice(segment_id, key)
        else:
            session.accept_slice(segment_id, key)

    @told
    def choose_candidate(self, number: int) -> None:
        """Take another of the model's suggestions for the slice."""
        session, segment_id, key = self._place()
        session.choose_candidate(segment_id, key, number)

    @told
    def remove_prompt(self, kind: str, number: int) -> None:
        """Remove a prompt of the slice, counted among points or boxes."""
        session, segment_id, key = self._place()
        remove = session.remove_box if kind == "box" else session.remove_point
        remove(segment_id, key, number)

    # --- inside

    def _place(self) -> tuple[SceneSession, str, SliceKey]:
        """The scene session, the segment and the slice that are worked on."""
        selected, key = self._work.selected, self.views.active_slice
        if selected is None or key is None:
            raise InputError("Choose a segment, and point at a slice of the volume.")
        return *selected, key

    def _effect_changed(self, _name: str) -> None:
        # A hand tool was chosen: clicks are its own now.
        if not self._effect.is_active:
            self._data.tool = "none"

    def _hovered(self, view_input: SliceViewInput, pick: Pick | None) -> None:
        selected = self._work.selected
        is_point = self._data.tool in ("inside", "outside")
        self.views.show_no_preview(but_in=view_input)
        if not (self._data.is_hovering and is_point and selected and pick):
            view_input.show_preview(None)
            return
        try:
            future = selected[0].preview(pick, positive=self._data.tool == "inside")
        except InputError:
            view_input.show_preview(None)  # an accepted slice, for one: a click will say so
            return
        future.add_done_callback(lambda done: self._show_preview(view_input, done))

    def _show_preview(self, view_input: SliceViewInput, future: Future[SliceAnswer]) -> None:
        is_wanted = self._data.is_hovering and self._data.is_over_view
        if is_wanted and not future.cancelled() and future.exception() is None:
            view_input.show_preview(future.result())

    def _refresh(self) -> None:
        selected, key = self._work.selected, self.views.active_slice
        if selected is None or key is None:
            self._data.slice = "The view shows no slice of the volume." if selected else ""
            self._data.origin = ""
            self._data.prompts, self._data.candidates = [], []
            self._data.can_accept = self._data.is_accepted = self._data.is_waiting = False
            return
        session, segment_id = selected
        orientation, index = key
        last = slice_count(session.volume, orientation) - 1
        self._data.slice = f"{orientation.value.capitalize()} slice {index} of 0 to {last}"
        self._data.prompts = [
            _described(entry.kind, entry.number, entry.ijk)
            for entry in session.prompts()
            if entry.segment_id == segment_id and entry.key == key
        ]
        self._show_mask(session.session.state(session.name_of(segment_id)), key)

    def _show_mask(self, state: SegmentState, key: SliceKey) -> None:
        mask = state.masks.get(key)
        self._data.origin = origin_of(mask)
        self._data.is_accepted = bool(mask and mask.is_accepted)
        # Also without a mask of the session: what was drawn by hand, or came from a file, can be accepted as it is.
        self._data.can_accept = True
        self._data.is_waiting = any(prompts.key == key for prompts in state.unanswered())
        if mask is None or mask.prompts is None or mask.is_accepted:
            self._data.candidates = []
            return
        self._data.candidates = [
            {"number": number, "title": _candidate_title(number, mask.candidate, mask.predicted_iou)}
            | {"is_chosen": number == mask.candidate}
            for number in range(CANDIDATE_COUNT)
        ]


def origin_of(mask: SliceMask | None) -> str:
    """Where the mask of a slice without prompts comes from, and what a click there would do."""
    if mask is None:
        return "No prompts in this slice yet."
    if mask.is_accepted:
        return "Accepted: it stays as it is."
    sure = "" if mask.confidence is None else f", {round(100 * mask.confidence)} % sure"
    when = " before a change" if mask.is_outdated else ""
    return f"Propagated{when}{sure}. A click corrects it."


def _candidate_title(number: int, chosen: int, predicted_iou: float | None) -> str:
    if number != chosen or predicted_iou is None:
        return str(number + 1)
    return f"{number + 1}: {round(100 * predicted_iou)} %"


def _described(kind: str, number: int, ijk: tuple[int, int, int]) -> dict[str, object]:
    icon, color, title = _LOOKS[kind]
    place = ", ".join(str(part) for part in ijk)
    return {"kind": kind, "number": number, "icon": icon, "color": color, "text": f"{title} at {place}"}
