"""The weights of the chosen model: what they are, their download and their removal."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.models.catalogue import catalogue_entry
from SAMSegmentLib.models.weights import find_weights

from .signals import Signal

if TYPE_CHECKING:
    from pathlib import Path

    from SAMSegmentLib.models.catalogue import CatalogueEntry

    from .work import Work

_PERCENT = 100


class _StoppedError(Exception):
    """The user stopped the download."""


class WeightsSection:
    """Downloads run in a thread of their own; ``changed`` is emitted when weights have come or gone."""

    def __init__(self, ui: Any, work: Work) -> None:
        self.ui = ui
        self._work = work
        self.changed = Signal()
        self._entry = catalogue_entry("builtin")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="samsegment-download")
        self._download: Future | None = None
        self._percent = 0  # written by the thread
        self._is_stopped = False  # read by the thread
        self.ui.downloadButton.connect("clicked()", self._download_or_stop)
        self.ui.removeWeightsButton.connect("clicked()", self._remove)

    def show_model(self, name: str) -> None:
        """Speak of this model from now on."""
        self._entry = catalogue_entry(name)
        self._work.note_change()

    def refresh(self) -> None:
        """Show what is here and what can be fetched."""
        # The search itself needs a package.
        entry, path = self._entry, find_weights(self._entry) if self._work.is_installed else None
        self.ui.modelInfoLabel.text = _info(entry, path)
        size = f"{entry.size / 1e6:.0f} MB"
        self.ui.downloadButton.text = (
            _("Stop download") if self._download else _("Download weights ({size})").format(size=size)
        )
        self.ui.downloadButton.enabled = self._work.is_installed and (self._download is not None or path is None)
        self.ui.downloadButton.visible = entry.url is not None
        self.ui.removeWeightsButton.visible = entry.url is not None
        self.ui.removeWeightsButton.enabled = path is not None and self._download is None
        self.ui.clearCacheButton.enabled = self._work.is_installed
        self.ui.cacheLabel.visible = bool(self.ui.cacheLabel.text)
        self.ui.downloadProgressBar.visible = self._download is not None

    def tick(self) -> None:
        """Show how far a download is, and see whether it has ended."""
        if self._download is None:
            return
        self.ui.downloadProgressBar.value = self._percent
        if self._download.done():
            done, self._download = self._download, None
            self._tell_end(done)
            self.changed.emit()
            self._work.note_change()

    def close(self) -> None:
        """Stop a download; it goes on from there the next time."""
        self._is_stopped = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _download_or_stop(self) -> None:
        if self._download:
            self._is_stopped = True
            return
        self._percent, self._is_stopped = 0, False
        self.ui.downloadProgressBar.value = 0
        self._download = self._thread.submit(self._fetch, self._entry)
        self._work.note_change()

    def _fetch(self, entry: CatalogueEntry) -> None:
        from SAMSegmentLib.models.download import download_weights

        download_weights(entry, self._note_progress)

    def _note_progress(self, here: int, whole: int) -> None:
        if self._is_stopped:
            raise _StoppedError
        self._percent = _PERCENT * here // max(1, whole)

    def _tell_end(self, done: Future) -> None:
        try:
            done.result()
        except _StoppedError:
            self._work.tell(_("The download was stopped; it goes on from there the next time."))
        except SAMSegmentError as error:
            self._work.tell(str(error))
        else:
            self._work.tell(_("The weights of {name} are here.").format(name=self._entry.name))

    def _remove(self) -> None:
        from SAMSegmentLib.models.download import remove_weights

        self._work.attempt(remove_weights, self._entry)
        self.changed.emit()


def _info(entry: CatalogueEntry, path: Path | None) -> str:
    text = _("{description} Licence of the weights: {licence}.").format(
        description=_(entry.description), licence=entry.licence
    )
    return text if path is None or entry.url is None else text + " " + _("They are here: {path}.").format(path=path)
