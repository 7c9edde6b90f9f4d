"""Opening a file: read beside the page, with its progress shown, and refused in one sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import axis_codes
from SAMSegmentLib.io.choices import FrameChoiceNeededError, SeriesChoiceNeededError

from .opening import Source, read_source, source_of_uploads, with_frame, with_series
from .replay import replay_file
from .segmentation_file import add_segments
from .series_text import series_details, series_title
from .state import OpeningState, PageState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trame_server.state import State

    from SAMSegmentLib.io.choices import SeriesSummary
    from SAMSegmentLib.volume import Volume

    from .uploads import Uploads
    from .work import Work

_SAVED_KIND = "seg.nrrd"  # what is drawn by hand is in it, too
_BUSY = "Another file is being read; open this one when that is done."
_CUT_SHORT = "Not all prompts were done again, since model, device or grey values were changed; open them once more."
_NO_MEMORY = "There is not enough memory for this volume; close other programs, or crop it."


class OpeningControl:
    """Opens what was uploaded, or named when the viewer was started.

    :param opened: called when a volume is open.
    :param save: writes a file of a kind, and says so or why not.
    :param replayed: called when prompts have been done again.
    """

    def __init__(
        self,
        state: State,
        work: Work,
        uploads: Uploads,
        opened: Callable[[], None],
        save: Callable[[str], Awaitable[None]],
        *,
        replayed: Callable[[], None] = lambda: None,
    ) -> None:
        self.messages = work.messages
        self._state = state
        self._work = work
        self._uploads = uploads
        self._opened = opened
        self._replayed = replayed
        self._save = save
        self._data = TypedState(state, OpeningState).data
        self._page = TypedState(state, PageState).data
        self._chosen: Source | None = None
        self._waiting: tuple[Source, Volume] | None = None
        self._is_reading = False

    def page_connected(self) -> None:
        """A page has come, or come back: one that was reloaded while it sent files will not send the rest."""
        with self._state:
            self._data.is_busy = self._is_reading

    async def open_uploads(self, batch: str, error: str) -> None:
        """Open what the page has sent.

        :param error: why it could not send all of it, "" when it has.
        """
        source = self._uploaded(batch, error)
        if source is None:
            return
        name = source.path.name.lower()
        if name.endswith(".json"):
            await self._replay(source)
            self._uploads.forget(batch)
        elif name.endswith(".seg.nrrd"):
            await self._add_segments(source)
            self._uploads.forget(batch)
        elif not await self.open(source):
            self._uploads.forget(batch)

    async def open_segmentation(self, batch: str, error: str) -> None:
        """Put the segments of the file that the page has sent beside the volume; see :meth:`open_uploads`."""
        source = self._uploaded(batch, error)
        if source is not None:
            await self._add_segments(source)
            self._uploads.forget(batch)

    async def choose_series(self, selector: str) -> None:
        """Open one series of the folder."""
        if self._chosen is not None:
            await self.open(with_series(self._chosen, selector))

    async def choose_frame(self) -> None:
        """Open one frame of the image."""
        if self._chosen is not None:
            await self.open(with_frame(self._chosen, int(self._data.frame)))

    def choose_nothing(self) -> None:
        """Stay with what is open."""
        self._chosen = None
        self._data.is_choice_shown = False
        self.keep_open()

    def keep_open(self) -> None:
        """Stay with the volume that is open, rather than the one that was read."""
        self._take_waiting()
        if self._work.opened is not None:
            self._uploads.keep_only(self._work.opened.source.path)

    def open_waiting(self) -> None:
        """Show the volume that was read; what was not saved is lost."""
        waiting = self._take_waiting()
        if waiting is not None:
            self._try_to_show(*waiting)

    async def save_and_open(self) -> None:
        """Save the segments, then show the volume that was read; when they cannot be saved, it waits on."""
        await self._save(_SAVED_KIND)
        if not self._work.is_unsaved:
            self.open_waiting()

    async def open(self, source: Source) -> bool:
        """Read a volume and show it; otherwise the page says why not, or asks: which, or whether work may be lost.

        :returns: whether it is open, or waits for a choice.
        """
        if self._is_reading:
            self.messages.fail(_BUSY)
            return False
        self._begin(source)
        try:
            return await self._read(source)
        finally:
            self._is_reading = False
            self._end()

    # --- inside

    def _uploaded(self, batch: str, error: str) -> Source | None:
        """What a batch of files is; otherwise the page says why it is nothing."""
        folder = self._uploads.batch_folder(batch)
        try:
            if folder is not None and not error:
                return source_of_uploads(folder)
        except SAMSegmentError as problem:
            error = str(problem)
        self._uploads.forget(batch)
        self._end(error or "No file came; open it again.")
        return None

    async def _add_segments(self, source: Source) -> None:
        if self._is_reading:
            self.messages.fail(_BUSY)
            return
        self._begin(source)
        sentence = ""
        try:
            count = await add_segments(self._work, source.path)
        except SAMSegmentError as error:
            sentence = str(error)
        except MemoryError:
            sentence = _NO_MEMORY
        finally:
            self._is_reading = False
        self._end(sentence)
        if not sentence:
            with self._state:
                self.messages.tell(f"{count} segment{'s' if count != 1 else ''} of {source.path.name} added.")

    async def _read(self, source: Source) -> bool:
        progress = _Progress()
        reading = asyncio.create_task(asyncio.to_thread(read_source, source, progress.note))
        while not reading.done():
            await asyncio.wait([reading], timeout=0.1)
            with self._state:
                self._data.percent = progress.percent
        try:
            volume = reading.result()
        except SeriesChoiceNeededError as choice:
            self._ask_series(source, choice.series)
        except FrameChoiceNeededError as choice:
            self._ask_frame(source, choice.frame_count)
        except SAMSegmentError as error:
            self._end(str(error))
            return False
        except MemoryError:
            self._end(_NO_MEMORY)
            return False
        else:
            return self._show_or_ask(source, volume)
        return True

    async def _replay(self, source: Source) -> None:
        self._end()  # the views stay to be seen meanwhile
        opened = self._work.opened
        try:
            difference = await replay_file(self._work, source.path)
        except SAMSegmentError as error:
            self._end(str(error))
            return
        if difference is None:
            if self._work.opened is opened:
                with self._state:
                    self.messages.warn(_CUT_SHORT)
            return  # what was opened or chosen instead is to be seen
        with self._state:
            self._replayed()
            self.messages.tell(f"The prompts of {source.path.name} are done again. {difference}".strip())

    def _begin(self, source: Source) -> None:
        self._is_reading = True
        with self._state:
            self._take_waiting()
            self._page.is_message_shown = False
            self._data.is_choice_shown = False
            self._data.is_busy, self._data.percent = True, 0
            self._data.text = f"Reading {source.path.name} ..."

    def _end(self, sentence: str = "") -> None:
        with self._state:
            self._page.is_open = self._work.opened is not None
            # Something else may end while a file is being read, such as an upload that is refused.
            self._data.is_busy = self._is_reading
            if not self._is_reading:
                self._data.text = ""
            if sentence:
                self.messages.fail(sentence)

    def _show(self, source: Source, volume: Volume) -> None:
        with self._state:
            self._work.open(source, volume)
            self._page.volume_name = volume.name or source.path.name
            self._page.volume_summary = _summary(volume)
            self._opened()
            self._uploads.keep_only(source.path)
            self._page.volume_notes = " ".join(volume.notes)
            if volume.notes:
                self.messages.warn(self._page.volume_notes)
        self._end()

    def _show_or_ask(self, source: Source, volume: Volume) -> bool:
        if not self._work.is_unsaved:
            return self._try_to_show(source, volume)
        self._waiting = source, volume
        with self._state:
            self._data.loss = f"What was segmented in {self._page.volume_name} is not saved."
            self._data.is_loss_asked = True
        return True

    def _take_waiting(self) -> tuple[Source, Volume] | None:
        waiting, self._waiting = self._waiting, None
        self._data.is_loss_asked = False
        return waiting

    def _try_to_show(self, source: Source, volume: Volume) -> bool:
        try:
            self._show(source, volume)
        except SAMSegmentError as error:
            self._end(str(error))
        except MemoryError:
            self._end(_NO_MEMORY)
        else:
            return True
        return False

    def _ask_series(self, source: Source, series: tuple[SeriesSummary, ...]) -> None:
        self._chosen = source
        with self._state:
            self._data.series = [
                {"selector": item.selector, "title": series_title(item), "subtitle": series_details(item)}
                for item in series
            ]
            self._data.is_choice_shown = True
        self._end()

    def _ask_frame(self, source: Source, count: int) -> None:
        self._chosen = source
        with self._state:
            self._data.series = []
            self._data.frame_count, self._data.frame = count, 0
            self._data.is_choice_shown = True
        self._end()


class _Progress:
    """How far the thread that reads has come, for the page's own thread to look at."""

    def __init__(self) -> None:
        self.percent = 0

    def note(self, done: int, total: int) -> None:
        self.percent = round(100 * done / total) if total else 0


def _summary(volume: Volume) -> str:
    size = " x ".join(str(count) for count in volume.shape_ijk)
    spacing = " x ".join(f"{length:.3g}" for length in volume.spacing)
    return f"{size} voxels of {spacing} mm, {axis_codes(volume.ijk_to_ras)}"
