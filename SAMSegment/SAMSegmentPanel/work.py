"""What the sections of the panel share: the engine, the session on the chosen nodes, and how to say something."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from SAMSegmentLib.errors import SAMSegmentError

from .signals import Signal

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from SAMSegmentLib.mrml.scenesession import SceneSession
    from SAMSegmentLib.segmentstate import SegmentState, SliceKey

    from .engine import PanelEngine


class Work:
    """The work on one volume, if any.

    ``changed`` says that the sections should show themselves anew; they do so once for all changes of a moment.
    ``bound`` is emitted when another session, or none, is worked with. ``told`` carries sentences for the user.
    """

    def __init__(self) -> None:
        self.parameters: Any = None  # the module's parameter node wrapper; None while a scene closes
        self.engine: PanelEngine | None = None
        self.scene_session: SceneSession | None = None
        self.viewed: SliceKey | None = None  # the slice that the view shows which was used last
        self.is_installed = False  # whether all Python packages are here
        self.is_changed = False
        self.bound = Signal()
        self.told = Signal()

    def note_change(self) -> None:
        """Something is to be shown anew."""
        self.is_changed = True

    def tell(self, text: str) -> None:
        """Say one sentence to the user."""
        self.told.emit(text)

    def bind(self, scene_session: SceneSession | None) -> None:
        """Work with another session from now on; the one before is closed."""
        before, self.scene_session = self.scene_session, scene_session
        self.viewed = None
        if before:
            before.close()
        self.bound.emit()
        self.note_change()

    @property
    def segment_id(self) -> str:
        """The selected segment, "" when there is none."""
        return self.scene_session.selected_segment_id or "" if self.scene_session else ""

    @property
    def segment(self) -> SegmentState | None:
        """Prompts and masks of the selected segment."""
        if not self.scene_session or self.segment_id not in self.scene_session.segment_ids:
            return None
        return self.scene_session.session.state(self.scene_session.name_of(self.segment_id))

    def attempt(self, action: Callable[..., Any], *values: Any, **options: Any) -> Any:
        """Call ``action``; what a user can be told instead of its result is told. Futures are watched likewise.

        :returns: its result, None when it failed.
        """
        try:
            result = action(*values, **options)
        except SAMSegmentError as error:
            self.tell(str(error))
            return None
        finally:
            self.note_change()
        if hasattr(result, "add_done_callback"):
            self.watch(result)
        return result

    def watch(self, future: Future) -> None:
        """Say why a future failed, if it does."""
        future.add_done_callback(self._tell_failure)

    def _tell_failure(self, future: Future) -> None:
        try:
            future.result()
        except CancelledError:
            pass
        except SAMSegmentError as error:
            self.tell(str(error))
        self.note_change()
