"""Which model runs where, on which grey values, and what it has looked at ahead."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import native_orientation, slice_count
from SAMSegmentLib.intensity import PRESETS
from SAMSegmentLib.models.catalogue import catalogue_entry
from SAMSegmentLib.models.load import model_states
from SAMSegmentLib.models.weights import locate_weights

from .device_check import check_device
from .messages import told
from .state import EngineState

if TYPE_CHECKING:
    from concurrent.futures import Future

    from trame_server.state import State

    from SAMSegmentLib.worker.client import WorkerSettings
    from SAMSegmentLib.worker.interface import EmbeddingProgress

    from .display_control import DisplayControl
    from .views import Views
    from .work import Work

_WINDOWS = ("auto", "full", "percentile", *PRESETS)
_WINDOW_TITLES = {
    "auto": "Automatic",
    "full": "All values",
    "percentile": "Without the extremes",
}


class ModelControl:
    """The engine's settings. What cannot be used is refused in a sentence, and the page shows the old choice again."""

    def __init__(self, state: State, work: Work, views: Views, display: DisplayControl) -> None:
        self.messages = work.messages
        self._work = work
        self._views = views
        self._display = display
        self._state = state
        self._typed = TypedState(state, EngineState)
        self._data = self._typed.data
        self._embedding: Future[None] | None = None
        self._is_checking = False
        self._data.models = [
            {
                "title": entry.name if path else f"{entry.name} (not downloaded)",
                "value": entry.name,
                "subtitle": entry.description,
            }
            for entry, path in model_states()
        ]
        self._data.windows = [{"title": _WINDOW_TITLES.get(name, f"CT {name}"), "value": name} for name in _WINDOWS]
        work.add_listener(self._follow_window)

    @told
    def choose_model(self, name: str) -> None:
        """Go on with another model; prompts are kept and answered anew."""
        entry = catalogue_entry(name)
        self._state.dirty(self._typed.name.model)
        locate_weights(entry)
        self._use_settings(replace(self._work.settings, model=name))
        self._data.model = name

    async def choose_device(self, device: str) -> None:
        """Have the model run elsewhere; a device that is not there is refused, and the model goes on where it is."""
        if self._is_checking:
            with self._state:
                self._state.dirty(self._typed.name.device)  # the list shows what was chosen, which is not to be
            return
        self._is_checking = True
        with self._state:
            self._data.status = "Looking for the device ..."
        try:
            await asyncio.to_thread(check_device, device)
            refusal = ""
        except SAMSegmentError as error:
            refusal = str(error)
        finally:
            self._is_checking = False
        with self._state:
            self._data.status = ""
            self._state.dirty(self._typed.name.device)
            if refusal:
                self.messages.fail(refusal)
            else:
                self._use_device(device)

    @told
    def choose_window(self, window: str) -> None:
        """Show other grey values to the model, and to the user."""
        self._state.dirty(self._typed.name.window)
        self._work.use_window(window)
        self._follow_window()

    @told
    def embed_all(self) -> None:
        """Encode all slices of the active view's orientation while nothing else is to be done."""
        opened = self._work.opened
        if opened is None or self._embedding is not None:
            return
        key = self._views.active_slice
        orientation = key[0] if key else native_orientation(opened.volume)
        last = slice_count(opened.volume, orientation) - 1
        self._embedding = self._work.engine.embed_all(orientation, 0, last, self._note_progress)
        self._data.is_embedding, self._data.embedded_percent, self._data.embedded = True, 0, "Starting ..."
        self._embedding.add_done_callback(self._embedded)

    def stop_embedding(self) -> None:
        """Encode no more than what is looked at; what is done stays."""
        if self._embedding is not None:
            self._embedding.cancel()

    def toggle_pause(self) -> None:
        """Encode nothing that nobody waits for, or go on."""
        self._data.is_paused = not self._data.is_paused
        if self._data.is_paused:
            self._work.engine.pause()
        else:
            self._work.engine.resume()

    def show_volume(self) -> None:
        """Say nothing of the slices of the volume before."""
        self._data.embedded = ""

    # --- inside

    def _follow_window(self) -> None:
        """Prompts that are opened bring their window along, and a new volume begins with its own."""
        if self._data.window != self._work.window:
            self._data.window = self._work.window
            self._display.show_window(self._work.window)

    @told
    def _use_device(self, device: str) -> None:
        self._use_settings(replace(self._work.settings, device=device))
        self._data.device = device

    def _use_settings(self, settings: WorkerSettings) -> None:
        self._work.use_settings(settings)
        if self._data.is_paused:
            self._work.engine.pause()

    def _note_progress(self, progress: EmbeddingProgress) -> None:
        left = progress.seconds_left
        self._data.embedded_percent = round(100 * progress.done / progress.total)
        rest = f", about {round(left)} s left" if left else ""
        self._data.embedded = f"{progress.done} of {progress.total} slices{rest}"

    def _embedded(self, future: Future[None]) -> None:
        self._embedding = None
        self._data.is_embedding = False
        if future.cancelled():
            self._data.embedded = ""
        elif (error := future.exception()) is not None:
            self._data.embedded = ""
            self.messages.fail(str(error))
