"""What is open in the viewer: a volume in the scene, the engine on it, and the scene session between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from SAMSegmentLib.autosave import Autosave
from SAMSegmentLib.errors import InputError
from SAMSegmentLib.intensity import check_window, resolve_window
from SAMSegmentLib.mrml.scenesession import SceneSession
from SAMSegmentLib.mrml.volumes import add_volume_node
from SAMSegmentLib.worker.client import WorkerEngine, WorkerSettings

from .undo import EditorUndoStack, SceneStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
    from trame_slicer.core import SlicerApp

    from SAMSegmentLib.volume import Volume

    from .messages import Messages
    from .opening import Source


_KEPT = "Its prompts are kept and offered when this image is opened next; what was drawn by hand is not kept."
_LOST = "It was drawn by hand, without prompts, so nothing of it is kept."
_INVERTED_GREY = "vtkMRMLColorTableNodeInvertedGrey"


@dataclass(frozen=True)
class Opened:
    """A volume and its nodes."""

    source: Source
    volume: Volume
    volume_node: vtkMRMLScalarVolumeNode
    segmentation_node: vtkMRMLSegmentationNode


class Work:
    """The one volume that is open, and everything that works on it.

    Changes of the scene session come many at a time; listeners are called once for all of them, in :meth:`poll`.

    :param show_status: as :class:`WorkerEngine` takes it.
    """

    def __init__(self, slicer: SlicerApp, messages: Messages, show_status: Callable[[str], None]) -> None:
        self.slicer = slicer
        self.messages = messages
        self.settings = WorkerSettings()
        self.window = "auto"
        self.opened: Opened | None = None
        self._session: SceneSession | None = None
        self._autosave: Autosave | None = None
        self._show_status = show_status
        self._listeners: list[Callable[[], None]] = []
        self._is_changed = False
        self._changes = self._saved_changes = 0
        slicer.segmentation_editor.set_undo_stack(EditorUndoStack())
        self.engine = self._new_engine(self.settings)
        self.engine.start()

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after changes of segments, prompts, masks, slices in view, or of the volume."""
        self._listeners.append(listener)

    def note_change(self) -> None:
        """Have the listeners called at the next look."""
        self._is_changed = True

    def poll(self) -> None:
        """Finish what the engine has answered, and tell the listeners; takes milliseconds."""
        self.engine.process_events()
        if self._is_changed:
            self._is_changed = False
            for listener in self._listeners:
                listener()

    @property
    def scene_session(self) -> SceneSession | None:
        """The scene session on the volume that is open; None also when it has closed itself."""
        return self._session if self._session is not None and self._session.is_open else None

    @property
    def selected(self) -> tuple[SceneSession, str] | None:
        """The scene session and the segment that is worked on; None when there is none."""
        session = self.scene_session
        segment_id = session.selected_segment_id if session else None
        if session is None or not segment_id or segment_id not in session.segment_ids:
            return None
        return session, segment_id

    @property
    def changes(self) -> int:
        """How often segments, prompts or masks have changed; see :meth:`note_saved`."""
        return self._changes

    def note_saved(self, changes: int) -> None:
        """What had changed until then is in a file, with every voxel.

        :param changes: :attr:`changes` when the file was begun.
        """
        self._saved_changes = max(changes, self._saved_changes)  # an earlier one may take longer

    @property
    def is_unsaved(self) -> bool:
        """Whether something would be lost with the volume that is open; looks at its voxels."""
        session = self.scene_session
        if session is None or self._changes == self._saved_changes:
            return False
        return not all(is_segment_empty(session, segment_id) for segment_id in session.segment_ids)

    @property
    def undo_stack(self) -> EditorUndoStack:
        """That of trame-slicer's editor, with the scene session's steps on it."""
        stack: EditorUndoStack = self.slicer.segmentation_editor.undo_stack
        return stack

    def forget_steps(self) -> None:
        """Undo nothing of what was done until now: it was done to what is not there any more."""
        self.undo_stack.clear()
        self.note_change()

    # --- volume

    def open(self, source: Source, volume: Volume) -> None:
        """Show a volume in place of the one that is open, with an empty segmentation.

        :raises InputError: its window or geometry cannot be used; what was open is closed then.
        """
        self.close_volume()
        self.window = "auto"  # one that was chosen for another image may show nothing of this one
        volume_node = add_volume_node(self.slicer.scene, volume)
        show_window(volume_node, volume, self.window)
        editor = self.slicer.segmentation_editor
        segmentation_node = editor.create_empty_segmentation_node()
        editor.set_active_segmentation(segmentation_node, volume_node)
        self.slicer.display_manager.show_volume_in_slice_background(volume_node)
        self.slicer.display_manager.reset_views()
        self.opened = Opened(source, volume, volume_node, segmentation_node)
        try:
            self._bind()
        except InputError:
            self.close_volume()
            raise
        if self.scene_session is not None:
            self.scene_session.add_segment()

    def close_volume(self) -> None:
        """Leave the scene empty."""
        self._unbind()
        self.opened = None
        self.slicer.scene.Clear()
        self.note_change()

    def close(self, *, keep_autosave: bool = False) -> str:
        """End the worker process; the viewer ends. Prompts of work that is not saved are kept, to be offered again.

        :param keep_autosave: they are kept whether it is saved or not, since it does not end in good order.
        :returns: what becomes of work that is not saved, in a sentence; "" when it is, and with ``keep_autosave``.
        """
        has_prompts, left = False, ""
        if not keep_autosave and self.is_unsaved and self.scene_session is not None and self.opened is not None:
            has_prompts = any(state.prompts or state.masks for state in self.scene_session.session.states)
            name = self.opened.volume.name or self.opened.source.path.name
            left = f"What was segmented in {name} is not saved. " + (_KEPT if has_prompts else _LOST)
        self._unbind(keep_autosave=keep_autosave or has_prompts)
        self.engine.close()
        return left

    # --- engine

    def use_settings(self, settings: WorkerSettings) -> None:
        """Go on with another model or device; prompts and masks stay, but not what could be undone.

        :raises InputError: there is no such model; the old one stays.
        """
        engine = self._new_engine(settings)
        self._unbind()
        self.engine.close()
        self.engine, self.settings = engine, settings
        self.engine.start()
        self._bind()

    def use_window(self, window: str) -> None:
        """Show the volume to the model in another window; prompts and masks stay, but not what could be undone.

        :raises InputError: there is no such window; the old one stays.
        """
        check_window(window)
        self._unbind()
        self.window = window
        self._bind()

    # --- inside

    def _new_engine(self, settings: WorkerSettings) -> WorkerEngine:
        return WorkerEngine(settings, tell=self.messages.tell, show_status=self._show_status)

    def _bind(self) -> None:
        if self.opened is None:
            return
        volume = self.opened.volume
        self.engine.open_volume(volume, resolve_window(volume, self.window))
        self._session = SceneSession(
            volume,
            self.engine,
            self.opened.volume_node,
            self.opened.segmentation_node,
            window=self.window,
            editor_node=self.slicer.segmentation_editor.editor_node,
            changed=self._note_session_change,
            tell=self.messages.fail,
            stepped=self._note_step,
        )
        self._autosave = Autosave(self._session.session)
        self.note_change()

    def _note_session_change(self) -> None:
        self._changes += 1
        self.note_change()

    def _note_step(self) -> None:
        if self.scene_session is not None:
            self.undo_stack.push(SceneStep(self.scene_session))

    def _unbind(self, *, keep_autosave: bool = False) -> None:
        # Steps by hand, too: they would put back voxels that the next session's prompts know nothing of.
        self.forget_steps()
        if self._autosave is not None:
            self._autosave.close(keep=keep_autosave)
            self._autosave = None
        if self._session is not None:
            self._session.close()
            self._session = None


def is_segment_empty(session: SceneSession, segment_id: str) -> bool:
    """Whether a segment has neither prompts nor voxels."""
    if any(entry.segment_id == segment_id for entry in session.prompts()):
        return False
    return not session.voxels(segment_id, range(session.volume.shape_ijk[2])).any()


def show_window(node: vtkMRMLScalarVolumeNode, volume: Volume, window: str) -> None:
    """Display a volume in the window that a user named, low values white where its file says so.

    :raises InputError: there is no such window.
    """
    chosen = resolve_window(volume, window)
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(chosen.width, chosen.level)
    if volume.inverted:
        display.SetAndObserveColorNodeID(_INVERTED_GREY)
