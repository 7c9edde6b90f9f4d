"""The grey values that the model sees, and the preparation of slices ahead of clicks."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import native_orientation, slice_range
from SAMSegmentLib.intensity import AUTO, FULL, PERCENTILE, PRESETS

if TYPE_CHECKING:
    from concurrent.futures import Future

    from SAMSegmentLib.geometry import Orientation
    from SAMSegmentLib.worker.interface import EmbeddingProgress

    from .work import Work

_DISPLAYED = "displayed"


class EmbeddingSection:
    """Window, and the bar of prepared slices: once a slice is prepared (encoded), clicks in it take milliseconds."""

    def __init__(self, ui: Any, work: Work) -> None:
        self.ui = ui
        self._work = work
        self._preparing: Future | None = None
        self._reporting: object | None = None  # stands for the preparation that the bar shows
        for text, window in self._windows():
            self.ui.windowComboBox.addItem(text, window)
        self.ui.windowComboBox.connect("activated(int)", self._choose_window)
        self.ui.prepareButton.connect("clicked()", self._prepare)
        self.ui.pauseButton.connect("clicked(bool)", self._pause)
        work.bound.connect(self._start_anew)

    def refresh(self) -> None:
        """Show the window and whether slices can be prepared."""
        has_volume = self._work.scene_session is not None
        self.ui.windowComboBox.enabled = has_volume
        self.ui.prepareButton.enabled = has_volume
        self.ui.pauseButton.enabled = has_volume
        self.ui.prepareButton.text = _("Stop preparing") if self._preparing else _("Prepare whole volume")
        window = self._work.parameters.window if self._work.parameters else AUTO
        number = self.ui.windowComboBox.findData(window)
        # LEVEL,WIDTH is what the views showed when it was chosen.
        self.ui.windowComboBox.currentIndex = number if number >= 0 else self.ui.windowComboBox.findData(_DISPLAYED)

    @staticmethod
    def _windows() -> list[tuple[str, str]]:
        windows = [
            (_("Automatic"), AUTO),
            (_("As displayed now"), _DISPLAYED),
            (_("All values"), FULL),
            (_("Without outliers"), PERCENTILE),
        ]
        for name, window in PRESETS.items():
            text = _("CT {name} (level {level:.0f}, width {width:.0f})")
            windows.append((text.format(name=_(name), level=window.level, width=window.width), name))
        return windows

    def _choose_window(self, number: int) -> None:
        window = self.ui.windowComboBox.itemData(number)
        if window == _DISPLAYED:
            display = self._work.scene_session.volume_node.GetScalarVolumeDisplayNode()
            window = f"{display.GetLevel():g},{display.GetWindow():g}" if display else AUTO
        self._work.parameters.window = window

    def _prepare(self) -> None:
        if self._preparing:
            self._preparing.cancel()
            return
        session = self._work.scene_session
        orientation = self._work.viewed[0] if self._work.viewed else native_orientation(session.volume)
        first, last = slice_range(session.volume, orientation, None, None)
        self._reporting = reporting = object()
        future = self._work.engine.embed_all(
            orientation, first, last, lambda progress: self._show_progress(reporting, orientation, progress)
        )
        self._preparing = future
        future.add_done_callback(lambda done: self._end(orientation, done))
        self._work.note_change()

    def _show_progress(self, reporting: object, orientation: Orientation, progress: EmbeddingProgress) -> None:
        if reporting is not self._reporting:
            return  # of a preparation that was stopped, or of another volume
        self.ui.embeddingProgressBar.maximum = progress.total
        self.ui.embeddingProgressBar.value = progress.done
        text = _("{done} of {total} {orientation} slices prepared").format(
            done=progress.done, total=progress.total, orientation=_(orientation.value)
        )
        left = progress.seconds_left
        if left is not None and progress.done < progress.total:
            text += _(", {seconds:.0f} s left").format(seconds=left)
        self.ui.embeddingProgressBar.format = text

    def _end(self, orientation: Orientation, done: Future) -> None:
        if done is not self._preparing:
            return
        self._preparing = self._reporting = None
        try:
            done.result()
        except CancelledError:
            self.ui.embeddingProgressBar.format = _("Stopped; {text}").format(text=self.ui.embeddingProgressBar.format)
        except SAMSegmentError as error:
            self._work.tell(str(error))
        else:
            self.ui.embeddingProgressBar.format = _("All {orientation} slices prepared").format(
                orientation=_(orientation.value)
            )
        self._work.note_change()

    def _pause(self, is_paused: bool) -> None:
        self._work.engine.set_paused(is_paused)
        self.ui.pauseButton.text = _("Go on") if is_paused else _("Pause")

    def _start_anew(self) -> None:
        if self._preparing:
            preparing, self._preparing, self._reporting = self._preparing, None, None
            preparing.cancel()
        self.ui.embeddingProgressBar.maximum = 1
        self.ui.embeddingProgressBar.value = 0
        self.ui.embeddingProgressBar.format = _("Slices are prepared as you look at them")
