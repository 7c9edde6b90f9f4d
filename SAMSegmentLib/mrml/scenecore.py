"""Keeps a session, the segments and the prompt nodes of a scene the same, whoever changes one of them."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError, SAMSegmentError
from ..geometry import native_orientation
from .editor import Editor
from .labelmaps import Labelmaps
from .names import SegmentNames
from .promptedits import PromptEdits
from .promptnodes import PromptNodes
from .restore import segment_color, segment_state
from .scenestates import SceneStates
from .scenewatch import SceneWatch
from .slicenotes import SliceNotes
from .timeline import Timeline
from .writer import SegmentWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

    import slicer

    from ..prompts import PromptSet
    from ..segmentstate import SegmentState, SliceKey
    from ..volume import Volume
    from ..worker.interface import Engine
    from .scenestates import DroppedSegment
    from .writer import EditorHistory

Result = TypeVar("Result")


class SceneCore:
    """What a :class:`SceneSession` is made of; its arguments are described there."""

    def __init__(
        self,
        volume: Volume,
        engine: Engine,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        *,
        window: str,
        editor_node: slicer.vtkMRMLSegmentEditorNode | None,
        history: EditorHistory | None,
        changed: Callable[[], None],
        tell: Callable[[str], None],
        stepped: Callable[[], None],
    ) -> None:
        self.volume = volume
        self.volume_node = volume_node
        self.segmentation_node = segmentation_node
        self._history = history
        self.tell = tell
        self._changed = changed
        self._stepped = stepped
        self.is_open = True
        self.orientation = native_orientation(volume)
        self.labelmaps = Labelmaps(volume, volume_node, segmentation_node)
        self.editor = Editor(volume_node, segmentation_node, editor_node)
        self.writer = SegmentWriter(volume, self.labelmaps, segmentation_node, self.editor.logic, history)
        self.edits = PromptEdits(self)
        self.nodes = PromptNodes(volume, volume_node, segmentation_node, lambda: self.orientation, self.edits.take)
        self.names = SegmentNames()
        self._notes = SliceNotes(volume, segmentation_node)
        self._gone: dict[str, DroppedSegment] = {}
        self._shown: dict[str, Mapping[SliceKey, PromptSet]] = {}
        self.timeline = Timeline()
        self._session_steps: int | None = None  # of the action that is being done
        self._is_following = False
        states = tuple(self._loaded(segment_id) for segment_id in self.labelmaps.segment_ids)
        self.session = SceneStates(volume, engine, window, states)
        self.session.add_listener(self.sync)
        for segment_id in self.nodes.segment_ids() - set(self.labelmaps.segment_ids):
            self.nodes.remove_segment(segment_id)
        self._watch = SceneWatch(volume, volume_node, segmentation_node, self)

    def close(self) -> None:
        """Let go of the scene; what is in it stays."""
        if self.is_open:
            self.is_open = False
            self._watch.close()
            self._note_propagated()
            self.nodes.close()
            self.editor.close()
            self.labelmaps.close()

    def _note_propagated(self) -> None:
        """Let the next session on this scene know of a propagation that goes on, and will not any more."""
        if self.segmentation_node.GetScene() is not None:
            for segment_id, state in self._states():
                self._notes.write_propagated(segment_id, state)

    def save_state(self) -> None:
        """Let the editor's history, if there is one, keep the segments as they are."""
        if self._history:
            self._history.save_state()

    def segment(self, segment_id: str) -> slicer.vtkSegment:
        """A segment of the scene."""
        return self.segmentation_node.GetSegmentation().GetSegment(segment_id)

    def name(self, segment_id: str) -> str:
        """What the session calls a segment.

        :raises InputError: the session has ended, or there is no such segment.
        """
        self.require_open()
        if segment_id not in self.names:
            raise InputError("Choose a segment, or add one, to give it prompts.")
        return self.names[segment_id]

    def require_open(self) -> None:
        """Refuse work on a scene that is gone.

        :raises InputError: the session has ended.
        """
        if not self.is_open:
            raise InputError("The segmentation of this volume has ended; choose the volume and a segmentation again.")

    @property
    def obstacle(self) -> str | None:
        """Why the session takes no prompts until the user has done something about it."""
        return self._watch.obstacle

    def require_ready(self) -> None:
        """Refuse prompts where a voxel of the volume is not one of the segmentation.

        :raises InputError: the session has ended, or its nodes lie apart.
        """
        self.require_open()
        obstacle = self.obstacle
        if obstacle:
            raise InputError(obstacle)

    # --- actions

    @contextmanager
    def action(self) -> Iterator[None]:
        """What is changed within is one step of undo.

        :raises InputError: the session has ended, or its nodes lie apart.
        """
        self.require_ready()
        self._session_steps = 0
        try:
            yield
        finally:
            taken, self._session_steps = self._session_steps, None
            if taken:
                self.timeline.push(taken)
                self.writer.forget_undone(self.timeline.last_number)
                self._stepped()
                self._changed()

    def change(self, call: Callable[[], Result]) -> Result:
        """Call a method of the session that takes a step, or none, within an action."""
        before = self.session.states
        result = call()
        if self._session_steps is not None and self.session.states is not before:
            self._session_steps += 1
        return result

    def asked(self, future: Future[Result]) -> Future[Result]:
        """Have the user told when what was asked of the engine fails."""
        future.add_done_callback(self._tell_failure)
        return future

    def _tell_failure(self, future: Future) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, SAMSegmentError) and self.is_open:
            self.tell(str(error))

    # --- segments

    def add_segment(self, name: str, color: tuple[float, float, float]) -> str:
        """Add an empty segment; returns its id."""
        self.save_state()
        segment_id = str(self.segmentation_node.GetSegmentation().AddEmptySegment("", name, color))
        self._note_segment(segment_id)
        return segment_id

    def remove_segment(self, segment_id: str) -> None:
        """Remove a segment with its prompts."""
        self.writer.mark(segment_id)
        self.save_state()
        with self.writer.by_us():  # or its voxels, which go first, would be an edit of their own
            self.segmentation_node.GetSegmentation().RemoveSegment(segment_id)
        self.on_segmentation_changed()
        self._note_segment(segment_id)

    def _note_segment(self, segment_id: str) -> None:
        if self.writer.note_segment(self.timeline.last_number, segment_id):
            self.timeline.forget_undone()
            self._changed()

    # --- session to scene

    def sync(self) -> None:
        """Bring the scene up to what the session holds."""
        if not self.is_open or self._is_following:
            return
        self._mend_mask()
        step = self.timeline.last_number
        if self._session_steps is not None or self.nodes.is_dragging:
            step = self.timeline.coming_number
        for segment_id, state in self._states():
            self.writer.write(segment_id, self.edits.masks(segment_id, state.masks), step)
            self._show(segment_id, state)
        self._changed()

    def show_again(self) -> None:
        """Bring the prompt nodes back to what the session holds, where the user has changed them in vain."""
        self._shown.clear()
        for segment_id, state in self._states():
            self._show(segment_id, state)

    def _states(self) -> list[tuple[str, SegmentState]]:
        known = [segment_id for segment_id in self.labelmaps.segment_ids if segment_id in self.names]
        return [(segment_id, self.session.state(self.names[segment_id])) for segment_id in known]

    def _show(self, segment_id: str, state: SegmentState) -> None:
        self._notes.write(segment_id, state)
        if self._shown.get(segment_id) != state.prompts and not self.nodes.is_dragging:
            self._shown[segment_id] = state.prompts
            self.nodes.show(segment_id, state.prompts)

    # --- undo and redo

    @property
    def can_undo(self) -> bool:
        """Whether there is an action, or with an editor's history a change by hand, to take back."""
        return self.is_open and (self.timeline.last is not None or self.writer.can_undo_by_hand)

    @property
    def can_redo(self) -> bool:
        """The opposite of :attr:`can_undo`."""
        return self.is_open and (self.timeline.next is not None or self.writer.can_redo_by_hand)

    def undo(self) -> None:
        """Take back the last action, or what was changed by hand since."""
        if not self.can_undo:
            return
        self.edits.forget()
        step = self.timeline.last
        is_done = self.writer.undo_in_editor(step.number if step else None)
        if step and not is_done:
            with self._following():
                self.writer.take_back(step.number)
                self._back()
        self.sync()

    def redo(self) -> None:
        """Do again what was undone last."""
        if not self.can_redo:
            return
        self.edits.forget()
        step = self.timeline.next
        is_done = self.writer.redo_in_editor(step.number if step else None)
        if step and not is_done:
            with self._following():
                self.writer.put_back(step.number)
                self._forward()
        self.sync()

    def _back(self) -> None:
        for _ in range(self.timeline.undo().session_steps):
            self.session.undo()

    def _forward(self) -> None:
        for _ in range(self.timeline.redo().session_steps):
            self.session.redo()

    @contextmanager
    def _following(self) -> Iterator[None]:
        """What the session holds comes to agree with the scene within; the scene is not to follow meanwhile."""
        self._is_following = True
        try:
            yield
        finally:
            self._is_following = False

    def _follow(self) -> bool:
        """Whether the editor's history has restored segments of another moment; prompts are taken along."""
        undone, redone = self.writer.follow()
        if not undone and not redone:
            return False
        self.edits.forget()
        with self._following():
            while self.timeline.is_done(undone):
                self._back()
            while self.timeline.is_undone(redone):
                self._forward()
        self.show_again()
        return True

    # --- what happens in the scene

    def on_end(self, sentence: str) -> None:
        """The session cannot go on."""
        self.close()
        self.tell(sentence)
        self._changed()

    def on_segmentation_removed(self) -> None:
        """Nobody would ever see to its prompts again."""
        self.nodes.remove_all()

    def on_segmentation_changed(self) -> None:
        """Segments have come, gone or changed."""
        if self.writer.note_change():
            has_followed = self._follow()
            if self._match_segments() or has_followed:
                self._changed()

    def on_voxels_changed(self) -> None:
        """Voxels were written, perhaps by hand."""
        is_by_hand = self.writer.note_hand_edit(self.timeline.last_number)
        if is_by_hand:
            self.timeline.forget_undone()
        self.on_segmentation_changed()
        if is_by_hand:
            self._changed()

    def on_node_removed(self, node: slicer.vtkMRMLNode) -> None:
        """A node was removed: if prompts were in it, they are gone."""
        if self.nodes.forget(node):
            self.edits.take(False)
        elif node is self.editor.node:
            self.on_end("The segment editor's settings were removed from the scene; choose the segmentation again.")

    def on_volume_moved(self) -> None:
        """The prompts go with the volume, whatever the segmentation does."""
        self.nodes.follow_transform()

    def _match_segments(self) -> bool:
        """Whether segments of the scene have come, gone, or changed their name or colour."""
        there = self.labelmaps.segment_ids
        gone = [segment_id for segment_id in self.names if segment_id not in there]
        new = [segment_id for segment_id in there if segment_id not in self.names]
        for segment_id in gone:
            write = self.writer.last_number(segment_id)
            self._gone[segment_id] = self.session.drop(self.names[segment_id], write)
            self.names.forget(segment_id)
            self._shown.pop(segment_id, None)
            self.nodes.remove_segment(segment_id)
            self._notes.remove(segment_id)
        for segment_id in new:
            self._take_in(segment_id)
        changed = [segment_id for segment_id in there if segment_id not in new and self._describe(segment_id)]
        for segment_id in new:
            self._show(segment_id, self.session.state(self.names[segment_id]))
        if gone or new:
            self.editor.select_one_of(there)
            self._mend_mask()
        return bool(gone or new or changed)

    def _mend_mask(self) -> None:
        """Let prompts change voxels again when the segment that the editor limits changes to is gone."""
        if self.editor.drop_lost_mask(self.labelmaps.segment_ids):
            self.tell("The segment that changes were limited to is gone; voxels can be changed everywhere again.")

    def _describe(self, segment_id: str) -> bool:
        segment, old = self.segment(segment_id), self.names[segment_id]
        name, color = self.names.set(segment_id, segment.GetName()), segment_color(segment)
        if name == old and color == self.session.state(old).color:
            return False
        self.session.recolor(old, color)
        self.session.rename_segment(old, name)
        self.nodes.show_names(segment_id, segment.GetName())
        return True

    def _take_in(self, segment_id: str) -> None:
        """Have a segment that has come; one that was removed and has been brought back is what it was."""
        write = self.writer.number(segment_id)
        known = self._gone.pop(segment_id, None)
        if known is None or not known.is_it(write):
            self.session.hold(self._loaded(segment_id))
            return
        name = self.names.set(segment_id, self.segment(segment_id).GetName())
        self.session.hold_again(name, known)
        held = known.states[known.now] if write == known.write else self.session.state(name)
        self.writer.resume(segment_id, held.masks)
        self.editor.select(segment_id)

    def _loaded(self, segment_id: str) -> SegmentState:
        """A segment of the scene."""
        name = self.names.set(segment_id, self.segment(segment_id).GetName())
        prompts = self.nodes.read(segment_id)
        state = segment_state(self.volume, self.labelmaps, segment_id, name=name, prompts=prompts)
        self.writer.adopt(segment_id, state.masks)
        self._shown[segment_id] = MappingProxyType(dict(state.prompts))
        return state
