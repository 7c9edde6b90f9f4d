"""What the list of segments does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from .messages import told
from .segment_names import free_name, next_name
from .state import PromptState
from .work import is_segment_empty

if TYPE_CHECKING:
    from slicer import vtkSegment
    from trame_server.state import State

    from SAMSegmentLib.mrml.scenesession import SceneSession

    from .work import Work


class SegmentControl:
    """Segments of the open volume: which there are, and which one is worked on."""

    def __init__(self, state: State, work: Work) -> None:
        self.messages = work.messages
        self._work = work
        self._data = TypedState(state, PromptState).data
        self._renames = 0
        self._asked_id = ""
        work.add_listener(self._refresh)

    @told
    def add(self) -> None:
        """Add an empty segment and work on it."""
        if self._work.scene_session:
            name = next_name(self._names())
            self._work.scene_session.selected_segment_id = self._work.scene_session.add_segment(name)

    @told
    def remove(self, segment_id: str) -> None:
        """Remove a segment; asks first when something is lost with it."""
        session = self._work.scene_session
        if session is None or segment_id not in session.segment_ids:
            return
        stack = self._work.undo_stack
        if is_segment_empty(session, segment_id) and not stack.can_undo() and not stack.can_redo():
            self._remove(session, segment_id)
            return
        self._asked_id = segment_id
        self._data.removal = f"Remove {session.name_of(segment_id)!r}?"
        self._data.is_removal_asked = True

    @told
    def remove_asked(self) -> None:
        """Remove the segment that was asked about."""
        session = self._work.scene_session
        self._data.is_removal_asked = False
        if session is not None and self._asked_id in session.segment_ids:
            self._remove(session, self._asked_id)

    @told
    def select(self, segment_id: str) -> None:
        """Work on a segment."""
        if self._work.scene_session:
            self._work.scene_session.selected_segment_id = segment_id
            self._work.note_change()

    def rename(self, segment_id: str, name: str) -> None:
        """Give a segment another name; an empty one is no name, and one that is taken is numbered."""
        segment, name = self._segment(segment_id), name.strip()
        if segment and name:
            free = free_name(name, self._names(but=segment_id))
            segment.SetName(free)
            if free != name:
                self.messages.tell(f"There is a segment named {name!r} already, so this one is called {free!r}.")
        self._renames += 1
        self._work.note_change()

    def recolor(self, segment_id: str, color: str) -> None:
        """Give a segment another colour.

        :param color: as a colour input gives it, ``#rrggbb``.
        """
        segment = self._segment(segment_id)
        digits = color.lstrip("#")
        if segment and len(digits) == 6:
            segment.SetColor(*(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)))
        self._work.note_change()

    def toggle_visibility(self, segment_id: str) -> None:
        """Show or hide a segment."""
        opened = self._work.opened
        if opened is not None:
            display = opened.segmentation_node.GetDisplayNode()
            display.SetSegmentVisibility(segment_id, not display.GetSegmentVisibility(segment_id))
            self._work.note_change()

    def _refresh(self) -> None:
        session, selected = self._work.scene_session, self._work.selected
        self._data.segments = [self._described(segment_id) for segment_id in (session.segment_ids if session else ())]
        self._data.segment_id = selected[1] if selected else ""
        editor = self._work.slicer.segmentation_editor
        if selected and editor.active_segment_id != selected[1]:
            editor.set_active_segment_id(selected[1])  # the hand tools work on the same one

    def _remove(self, session: SceneSession, segment_id: str) -> None:
        """Remove a segment with its prompts and with the steps that made it, and work on the first of the others."""
        session.remove_segment(segment_id)
        self._work.forget_steps()
        if self._work.selected is None and session.segment_ids:
            session.selected_segment_id = session.segment_ids[0]

    def _described(self, segment_id: str) -> dict[str, object]:
        segment = self._segment(segment_id)
        color = segment.GetColor() if segment else (1.0, 1.0, 1.0)
        return {
            "id": segment_id,
            # What is typed goes when the name becomes another one.
            "renames": self._renames,
            "name": segment.GetName() if segment else segment_id,
            "color": "#" + "".join(f"{round(part * 255):02x}" for part in color),
            "is_visible": self._is_visible(segment_id),
        }

    def _is_visible(self, segment_id: str) -> bool:
        # Not asked of trame-slicer's editor: each time, it wraps the node in an object that observes it for good, and
        # the image stays in memory with it.
        opened = self._work.opened
        return opened is not None and bool(opened.segmentation_node.GetDisplayNode().GetSegmentVisibility(segment_id))

    def _names(self, but: str = "") -> set[str]:
        """The names of all segments, or of the others."""
        session = self._work.scene_session
        ids = session.segment_ids if session else ()
        segments = [self._segment(segment_id) for segment_id in ids if segment_id != but]
        return {segment.GetName() for segment in segments if segment}

    def _segment(self, segment_id: str) -> vtkSegment | None:
        opened = self._work.opened
        return opened.segmentation_node.GetSegmentation().GetSegment(segment_id) if opened else None
