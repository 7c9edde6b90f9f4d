"""The list of the selected segment's prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from .views import no_view_sentence

if TYPE_CHECKING:
    from SAMSegmentLib.mrml.scenesession import PromptEntry

    from .views import SliceViews
    from .work import Work


class PromptList:
    """Shows prompts, goes to their slices and deletes them."""

    def __init__(self, ui: Any, work: Work, views: SliceViews) -> None:
        self.ui = ui
        self._work = work
        self._views = views
        self._entries: list[PromptEntry] = []
        self._kinds = {"positive": _("Include"), "negative": _("Exclude"), "box": _("Box")}
        self.ui.promptTable.verticalHeader().hide()
        self.ui.promptTable.horizontalHeader().setStretchLastSection(True)
        self.ui.promptTable.connect("itemSelectionChanged()", self._enable)
        self.ui.promptTable.connect("cellClicked(int,int)", lambda _row, _column: self._go_to())
        self.ui.goToPromptButton.connect("clicked()", self._go_to)
        self.ui.deletePromptButton.connect("clicked()", self._delete)

    def refresh(self) -> None:
        """Show the selected segment's prompts as they are now."""
        session = self._work.scene_session
        every = session.prompts() if session else []
        entries = [entry for entry in every if entry.segment_id == self._work.segment_id]
        if entries != self._entries:
            self._fill(entries)
        self._enable()

    def _fill(self, entries: list[PromptEntry]) -> None:
        row = min(self.ui.promptTable.currentRow(), len(entries) - 1)
        self._entries = entries
        self.ui.promptTable.setRowCount(len(entries))
        for number, entry in enumerate(entries):
            orientation, index = entry.key
            texts = (
                self._kinds[entry.kind],
                _("{orientation} {index}").format(orientation=_(orientation.value.capitalize()), index=index),
                _voxel_text(entry),
            )
            for column, text in enumerate(texts):
                self.ui.promptTable.setItem(number, column, qt.QTableWidgetItem(text))
        if row < 0:
            self.ui.promptTable.clearSelection()
        else:
            self.ui.promptTable.selectRow(row)

    def _selected(self) -> PromptEntry | None:
        row = self.ui.promptTable.currentRow()
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def _enable(self) -> None:
        is_selected = self._selected() is not None
        self.ui.goToPromptButton.enabled = is_selected
        self.ui.deletePromptButton.enabled = is_selected

    def _go_to(self) -> None:
        entry = self._selected()
        if entry and not self._views.show(entry.key):
            self._work.tell(no_view_sentence(entry.key))

    def _delete(self) -> None:
        entry, session = self._selected(), self._work.scene_session
        if entry and session:
            remove = session.remove_box if entry.kind == "box" else session.remove_point
            self._work.attempt(remove, entry.segment_id, entry.key, entry.number)


def _voxel_text(entry: PromptEntry) -> str:
    """A point's voxel; a box's first and last along each axis."""
    if entry.box is None:
        return ", ".join(str(value) for value in entry.ijk)
    ranges = zip(entry.box.ijk_min, entry.box.ijk_max, strict=True)
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in ranges)
