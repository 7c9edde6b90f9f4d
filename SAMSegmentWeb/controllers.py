"""All controls of the page, made in the order in which they need one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from .background import Background
from .display_control import DisplayControl
from .editing_control import EditingControl
from .history_control import HistoryControl
from .messages import Messages
from .model_control import ModelControl
from .opening_control import OpeningControl
from .prompt_control import PromptControl
from .propagation_control import PropagationControl
from .recovery_control import RecoveryControl
from .replay import slice_to_show
from .review_control import ReviewControl
from .saving_control import SavingControl
from .segment_control import SegmentControl
from .state import EngineState
from .uploads import Uploads
from .work import Work

if TYPE_CHECKING:
    from pathlib import Path

    from trame_server import Server
    from trame_slicer.core import SlicerApp


class Controllers:
    """What the page's buttons reach.

    :param folder: private to this viewer; files from and for the browser lie in it.
    """

    def __init__(self, server: Server, slicer: SlicerApp, folder: Path) -> None:
        state = server.state
        engine_state = TypedState(state, EngineState).data

        def show_status(text: str) -> None:
            engine_state.status = text

        self.background = Background()
        self.work = Work(slicer, Messages(state), show_status)
        self.uploads = Uploads(folder)
        self.display = DisplayControl(server, self.work)
        self.editing = EditingControl(server, self.work)
        self.segments = SegmentControl(state, self.work)
        self.prompts = PromptControl(state, self.work)
        self.review = ReviewControl(state, self.work, self.prompts.views)
        self.propagation = PropagationControl(
            state,
            self.work,
            self.prompts.views,
            started=self.review.start_anew,
            ended=self.display.show_surface_if_quick,
        )
        self.model = ModelControl(state, self.work, self.prompts.views, self.display)
        self.history = HistoryControl(state, self.work)
        self.saving = SavingControl(state, self.work, folder)
        self.recovery = RecoveryControl(state, self.work)
        self.opening = OpeningControl(
            state, self.work, self.uploads, self._opened, self.saving.save, replayed=self._show_replayed
        )

    def look(self) -> None:
        """Finish what the engine has answered and bring the page up to date; takes milliseconds."""
        self.work.poll()
        self.prompts.views.look()
        self.display.look()

    async def restore(self) -> None:
        """Do again what an earlier session left behind, and show it."""
        await self.recovery.restore()
        self._show_replayed()

    def _show_replayed(self) -> None:
        """Scroll to what the last of the segments that were done again was made from, and show its surface."""
        if self.work.selected is None:
            return
        session, segment_id = self.work.selected
        segment = session.session.state(session.name_of(segment_id))
        key = slice_to_show(segment)
        if key is not None:
            self.prompts.views.show(key)
        if any(mask.is_propagated for mask in segment.masks.values()):
            self.display.show_surface_if_quick()

    def _opened(self) -> None:
        self.prompts.views.show_volume()
        self.display.show_volume()
        self.propagation.show_volume()
        self.model.show_volume()
        self.review.start_anew()
        self.saving.show_volume()
        self.editing.show_volume()
        self.recovery.show_volume()
        # The first thing that a user does is to click on what is to be segmented.
        self.prompts.choose_tool("inside")
