"""Section 'Engine and settings': the model, where it computes, and what is kept on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.models.catalogue import CATALOGUE

from .settings import EngineSettings, load_settings, save_settings
from .signals import Signal

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from SAMSegmentLib.embeddings import Usage

    from .weights_section import WeightsSection
    from .work import Work

_TYPING_MS = 600

_DEVICES = ("auto", "cpu", "cuda", "mps")  # in the order of the combo box

_HELP = _(
    "Segment Anything and MobileSAM learned from photographs: they are good on structures with clear, closed outlines, "
    "and poor where contrast is low, borders are fuzzy, or shapes are thin, branching or scattered. The built-in model "
    "is small and learned from synthetic slices only. Look at every slice: nothing here is a medical device."
)


class EngineSection:
    """What the user sets for all volumes; ``changed`` is emitted with the settings to use from now on."""

    def __init__(self, ui: Any, work: Work, weights: WeightsSection) -> None:
        self.ui = ui
        self._work = work
        self._weights = weights
        self.changed = Signal()
        self.settings = load_settings()
        # Thousands of files are deleted in seconds.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="samsegment-clear")
        self._clearing: Future[tuple[Usage, list[str]]] | None = None
        self.ui.helpLabel.text = _HELP
        for entry in CATALOGUE:
            self.ui.modelComboBox.addItem(entry.name, entry.name)
        self._show(self.settings)
        # A path is not looked for at each letter.
        self._typing = qt.QTimer()
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.connect("timeout()", self._apply)
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self._apply)
        self.ui.deviceComboBox.connect("currentIndexChanged(int)", self._apply)
        for box in (self.ui.threadsSpinBox, self.ui.memorySpinBox, self.ui.diskSpinBox):
            box.connect("editingFinished()", self._apply)
        for path in (self.ui.weightsPathLineEdit, self.ui.folderPathLineEdit):
            path.connect("currentPathChanged(QString)", lambda _path: self._typing.start())
        self.ui.restartButton.connect("clicked()", self._restart)
        self.ui.clearCacheButton.connect("clicked()", self._clear_cache)

    def tick(self) -> None:
        """See whether the prepared slices are deleted."""
        if self._clearing and self._clearing.done():
            done, self._clearing = self._clearing, None
            self._show_cleared(done)

    def close(self) -> None:
        """What is being typed is not used any more; what is being deleted is deleted to its end."""
        self._typing.stop()
        self._thread.shutdown(wait=False)

    def _show(self, settings: EngineSettings) -> None:
        self.ui.modelComboBox.currentIndex = max(0, self.ui.modelComboBox.findData(settings.model))
        self.ui.deviceComboBox.currentIndex = _DEVICES.index(settings.device) if settings.device in _DEVICES else 0
        self.ui.weightsPathLineEdit.currentPath = settings.weights
        self.ui.folderPathLineEdit.currentPath = settings.folder
        self.ui.threadsSpinBox.value = settings.threads
        self.ui.memorySpinBox.value = settings.memory_mb
        self.ui.diskSpinBox.value = settings.disk_gb
        self._weights.show_model(self.ui.modelComboBox.currentData)

    def _shown(self) -> EngineSettings:
        return EngineSettings(
            model=self.ui.modelComboBox.currentData,
            weights=self._existing(self.ui.weightsPathLineEdit.currentPath, Path.is_file, self.settings.weights),
            device=_DEVICES[self.ui.deviceComboBox.currentIndex],
            threads=self.ui.threadsSpinBox.value,
            memory_mb=self.ui.memorySpinBox.value,
            disk_gb=self.ui.diskSpinBox.value,
            folder=self._existing(self.ui.folderPathLineEdit.currentPath, Path.is_dir, self.settings.folder),
        )

    def _existing(self, typed: str, is_there: Callable[[Path], bool], before: str) -> str:
        """A path counts when it is there; without one, what is usual counts."""
        typed = typed.strip()
        if not typed:
            return ""
        if is_there(Path(typed).expanduser()):
            return str(Path(typed).expanduser())
        self._work.tell(_("{path} is not there; it is used when it is.").format(path=typed))
        return before

    def _apply(self, *_value: Any) -> None:
        shown = self._shown()
        if shown == self.settings:
            return
        if shown.model != self.settings.model and shown.weights == self.settings.weights:
            # Weights of one model are of no use to another.
            shown = replace(shown, weights="")
            self.settings = replace(self.settings, weights="")
            self.ui.weightsPathLineEdit.currentPath = ""
        self.settings = shown
        save_settings(shown)
        self._weights.show_model(shown.model)
        self.changed.emit(shown)

    def _restart(self) -> None:
        self.changed.emit(self.settings)

    def _clear_cache(self) -> None:
        if self._clearing is None:
            self._clearing = self._thread.submit(_delete_prepared_slices)
            self._show_cache(_("Removing prepared slices..."))

    def _show_cleared(self, done: Future[tuple[Usage, list[str]]]) -> None:
        try:
            removed, told = done.result()
        except SAMSegmentError as error:
            self._show_cache(str(error))
            return
        for sentence in told:
            self._work.tell(sentence)
        text = _("{count} prepared slices removed ({size:.0f} MB).")
        self._show_cache(text.format(count=removed.entries, size=removed.bytes / 1e6))

    def _show_cache(self, text: str) -> None:
        self.ui.cacheLabel.text = text
        self._work.note_change()


def _delete_prepared_slices() -> tuple[Usage, list[str]]:
    """What was deleted, and what is to be said of it. Runs in a thread.

    :raises SAMSegmentError: the folder or a file refuses.
    """
    from SAMSegmentLib.embeddings import DiskStore, default_budget, default_folder

    told: list[str] = []
    return DiskStore(default_folder(), default_budget(), told.append).clear(), told
