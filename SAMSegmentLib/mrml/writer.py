"""Slice masks into segments of a segmentation node, and out again: what is written, step by step."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import slicer

from .difference import differences
from .editable import editable_voxels
from .record import Change, recorded, turn
from .tags import number_of, set_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..segmentstate import SliceKey, SliceMask
    from ..volume import Volume
    from .difference import Difference
    from .labelmaps import Labelmaps

    Masks = Mapping[SliceKey, SliceMask]

_NOTHING: Masks = MappingProxyType({})


class EditorHistory(Protocol):
    """The undo history of the segment editor that hand corrections are made with."""

    def save_state(self) -> None:
        """Keep the segmentation as it is, before it is changed."""

    def undo(self) -> None:
        """Restore the state before the present one; nothing happens where there is none."""

    def redo(self) -> None:
        """Restore the state after the present one; nothing happens where there is none."""


@dataclass
class _Entry:
    """What a step has written of one segment, up to the next change by somebody else; or that somebody's change.

    :param step: that has written it; of a change by hand the last step before it.
    :param is_in_editor: whether the editor's history can take it back, or has.
    """

    number: int
    step: int
    segment_id: str
    before: Masks
    after: Masks
    is_in_editor: bool
    is_by_hand: bool = False
    changes: list[Change] = field(default_factory=list)


class SegmentWriter:
    """Writes how slice masks change, never slices that stay: what others draw there is theirs.

    Every write belongs to a step, an action of the user. Its number is a tag of the segment that is written, so that
    the step can be told when the editor's history restores a segment of an earlier or later moment.

    :param editor: whose mask and overwrite mode are respected.
    :param history: of the editor that others change the segmentation with; None: nobody else undoes anything.
    """

    def __init__(
        self,
        volume: Volume,
        labelmaps: Labelmaps,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        editor: slicer.vtkSlicerSegmentEditorLogic,
        history: EditorHistory | None,
    ) -> None:
        self._volume = volume
        self._labelmaps = labelmaps
        self._node = segmentation_node
        self._editor = editor
        self._history = history
        self._written: dict[str, Masks] = {}
        self._entries: list[_Entry] = []
        self._undone: list[_Entry] = []
        self._tags = {name: number_of(self._segment(name)) for name in labelmaps.segment_ids}
        self._first = self._last_number = max(self._tags.values(), default=0)
        self._foreign_changes = 0
        self._seen_changes = 0
        self._is_writing = False
        self._is_restoring = False
        self._is_restored = False  # by the editor's history, and not written since

    # --- writing

    def adopt(self, segment_id: str, masks: Masks) -> None:
        """Take masks as being in a segment that is new here: they were read from it.

        What was written of another one that had the same id, and is gone, is forgotten.
        """
        for entry in (*self._entries, *self._undone):
            for change in entry.changes:
                change.bits.pop(segment_id, None)
        self._written[segment_id] = masks
        self._tags[segment_id] = number_of(self._segment(segment_id))

    def resume(self, segment_id: str, masks: Masks) -> None:
        """Go on with a segment that was removed, and has been brought back with these masks in it."""
        self._written[segment_id] = masks
        self._tags[segment_id] = number_of(self._segment(segment_id))

    def number(self, segment_id: str) -> int | None:
        """The number of a segment that has come; None when it was not given here."""
        number = number_of(self._segment(segment_id))
        return number if number > self._first else None

    def last_number(self, segment_id: str) -> int:
        """The number of a segment that is gone."""
        return self._tags.get(segment_id, 0)

    def mark(self, segment_id: str) -> None:
        """Have a segment recognised if it is removed and brought back, though nothing was written in it here."""
        if self.last_number(segment_id) <= self._first:
            self._last_number += 1
            with self.by_us():
                self._set_tag(segment_id, self._last_number)

    def write(self, segment_id: str, masks: Masks, step: int) -> bool:
        """Make a segment's slices what its masks are now.

        :param step: the action that is behind it; the first write of a step is a new state of the editor's history.
        :returns: whether a voxel was to change.
        """
        before = self._written.get(segment_id, _NOTHING)
        if masks is before:
            return False
        changes = differences(self._volume, before, masks)
        self._written[segment_id] = masks
        if not changes:
            return False
        self._undone.clear()
        with self.by_us():
            entry = self._entry_for(segment_id, step, before)
            entry.after = masks
            for change in changes:
                apply = partial(self._apply, segment_id, change)
                entry.changes.append(recorded(self._labelmaps, change.extent, apply))
        return True

    def note_change(self) -> bool:
        """Take notice of a change of the segmentation; whether somebody else has made it."""
        if self._is_writing:
            return False
        self._foreign_changes += 1
        return True

    def note_hand_edit(self, step: int) -> bool:
        """Take notice of voxels that somebody else has written, for the editor's history to take back in their turn.

        :param step: the last action before it.
        :returns: whether it was so; what was undone before cannot be redone then.
        """
        segment_id = self._any_segment()
        if self._is_writing or self._is_restoring or self._history is None or segment_id is None:
            return False
        self._undone.clear()
        self._last_number += 1
        before = self._written.get(segment_id, _NOTHING)
        self._entries.append(_Entry(self._last_number, step, segment_id, before, before, True, is_by_hand=True))
        with self.by_us():
            self._set_tag(segment_id, self._last_number)
        return True

    def note_segment(self, step: int, segment_id: str) -> bool:
        """Take notice of a segment that was added or removed after the editor's history had kept its state.

        A segment that is there before and after it is given its number: without one it cannot be recognised.

        :param step: the last action before it.
        :returns: whether it can be taken back in its turn; what was undone before cannot be redone then.
        """
        other = next((name for name in self._labelmaps.segment_ids if name != segment_id), None)
        if self._history is None or other is None:
            return False
        self._undone.clear()
        self._last_number += 1
        before = self._written.get(other, _NOTHING)
        self._entries.append(_Entry(self._last_number, step, other, before, before, True, is_by_hand=True))
        with self.by_us():
            self._set_tag(other, self._last_number)
            self._set_tag(segment_id, self._last_number)
        return True

    def _entry_for(self, segment_id: str, step: int, before: Masks) -> _Entry:
        last = self._entries[-1] if self._entries else None
        is_alone = self._seen_changes == self._foreign_changes
        if last and not last.is_by_hand and is_alone and (last.step, last.segment_id) == (step, segment_id):
            return last
        if self._history and not self.has_written(step):
            self._history.save_state()
            self._is_restored = False
        elif self._is_restored:
            self._leave_editor()
        self._last_number += 1
        is_in_editor = self._history is not None and not self._is_restored
        entry = _Entry(self._last_number, step, segment_id, before, before, is_in_editor)
        self._entries.append(entry)
        self._seen_changes = self._foreign_changes
        self._set_tag(segment_id, entry.number)
        return entry

    def _apply(self, segment_id: str, change: Difference) -> None:
        removed = change.removed
        # An editor that was turned to another segmentation has no say in this one.
        is_ours = self._editor.GetSegmentationNode() is self._node
        if removed.any() and is_ours:
            allowed = editable_voxels(self._editor, change.extent)
            removed = removed if allowed is None else removed & allowed
        if removed.any():
            self._labelmaps.remove(segment_id, change.extent, removed)
        if change.added.any():
            image = self._labelmaps.image(change.extent, change.added)
            mode = slicer.vtkSlicerSegmentEditorLogic.ModificationModeAdd
            self._editor.ModifySegmentByLabelmap(self._node, segment_id, image, mode, False, not is_ours)

    @contextmanager
    def by_us(self) -> Iterator[None]:
        """What changes the segmentation within is no foreign change."""
        outer, self._is_writing = self._is_writing, True
        try:
            yield
        finally:
            self._is_writing = outer

    # --- undo and redo

    def has_written(self, step: int) -> bool:
        """Whether a step has changed voxels, and is not undone."""
        return any(entry.step == step and not entry.is_by_hand for entry in self._entries)

    @property
    def can_undo_by_hand(self) -> bool:
        """Whether the editor's history has changes by hand to take back."""
        return any(entry.is_by_hand and entry.is_in_editor for entry in self._entries)

    @property
    def can_redo_by_hand(self) -> bool:
        """Whether the editor's history has taken back changes by hand."""
        return any(entry.is_by_hand and entry.is_in_editor for entry in self._undone)

    def undo_in_editor(self, step: int | None) -> bool:
        """Let the editor's history take back the last change, which is the step's, or one by hand that came later.

        :param step: the last action; None: there is none.
        :returns: False where it has none: the step must be taken back from the records.
        """
        if self._history is None:
            return False
        last = self._entries[-1] if self._entries else None
        if last and last.is_by_hand and last.is_in_editor and last.step >= (step or 0):
            if self._moves(self._history.undo):
                return True
            _drop_by_hand(self._entries)
        if not any(entry.is_in_editor for entry in self._entries if entry.step == step and not entry.is_by_hand):
            return False
        return self._moves(self._history.undo)

    def redo_in_editor(self, step: int | None) -> bool:
        """The opposite of :meth:`undo_in_editor`, with the action that was undone last."""
        if self._history is None:
            return False
        following = self._undone[-1] if self._undone else None
        if following and following.is_by_hand and (step is None or following.step < step):
            if self._moves(self._history.redo):
                return True
            _drop_by_hand(self._undone)
        if not any(entry.is_in_editor for entry in self._undone if entry.step == step and not entry.is_by_hand):
            return False
        return self._moves(self._history.redo)

    def _moves(self, restore: Callable[[], None]) -> bool:
        before, self._is_restoring = self._foreign_changes, True
        try:
            restore()
        finally:
            self._is_restoring = False
        return self._foreign_changes != before

    def take_back(self, step: int) -> None:
        """Undo all writes of a step from the records, and later ones of other steps, which those write again."""
        if not self.has_written(step):
            return
        while self.has_written(step):
            entry = self._entries.pop()
            if entry.is_by_hand:
                continue  # there is no record of it, and it stays
            self._turn(entry, entry.before, back=True)
            if entry.step == step:
                self._undone.append(entry)
        self._leave_editor()

    def put_back(self, step: int) -> None:
        """Redo all writes of the step that was undone last, from the records."""
        found = False
        while self._undone and self._undone[-1].step == step and not self._undone[-1].is_by_hand:
            found = True
            entry = self._undone.pop()
            self._entries.append(entry)
            self._turn(entry, entry.after, back=False)
        if found:
            self._leave_editor()

    def _turn(self, entry: _Entry, masks: Masks, *, back: bool) -> None:
        with self.by_us():
            turn(self._labelmaps, entry.changes, back=back)
            self._written[entry.segment_id] = masks
            self._set_tag(entry.segment_id, self._number_before(entry.segment_id))

    def _leave_editor(self) -> None:
        # The editor's history takes a change without a state of its own for one that came after all that it has.
        for entry in (*self._entries, *self._undone):
            entry.is_in_editor = False
        self._undone = [entry for entry in self._undone if not entry.is_by_hand]

    def follow(self) -> tuple[set[int], set[int]]:
        """Find out what the editor's history has restored.

        :returns: the steps that are undone altogether, and those that are done again.
        """
        actual = {name: number_of(self._segment(name)) for name in self._labelmaps.segment_ids}
        if all(number == self._tags.get(name, 0) for name, number in actual.items()):
            return set(), set()
        number = max(actual.values(), default=0)
        undone, redone = set(), set()
        while self._entries and self._entries[-1].number > number:
            entry = self._entries.pop()
            self._undone.append(entry)
            if not entry.is_by_hand:
                self._written[entry.segment_id] = entry.before
                undone.add(entry.step)
        while self._undone and self._undone[-1].number <= number:
            entry = self._undone.pop()
            self._entries.append(entry)
            if not entry.is_by_hand:
                self._written[entry.segment_id] = entry.after
                redone.add(entry.step)
        self._tags.update(actual)
        self._is_restored = True
        return {step for step in undone if not self.has_written(step)}, redone

    def forget_undone(self, step: int) -> None:
        """What was undone cannot be redone any more, by the editor's history neither.

        :param step: the action that was done instead.
        """
        can_redo_in_editor = any(entry.is_in_editor for entry in self._undone)
        self._undone.clear()
        segment_id = self._any_segment()
        if can_redo_in_editor and segment_id is not None and not self.has_written(step):
            # An action that changes no voxel, or not yet, has no state in the editor's history, which ends there now.
            with self.by_us():
                self._entry_for(segment_id, step, self._written.get(segment_id, _NOTHING))

    def _any_segment(self) -> str | None:
        segment_ids = self._labelmaps.segment_ids
        selected = self._editor.GetSegmentEditorNode().GetSelectedSegmentID()
        return selected if selected in segment_ids else next(iter(segment_ids), None)

    def _number_before(self, segment_id: str) -> int:
        return max((entry.number for entry in self._entries if entry.segment_id == segment_id), default=self._first)

    def _set_tag(self, segment_id: str, number: int) -> None:
        segment = self._segment(segment_id)
        if segment:
            set_number(segment, number)
            self._tags[segment_id] = number

    def _segment(self, segment_id: str) -> slicer.vtkSegment | None:
        return self._node.GetSegmentation().GetSegment(segment_id)


def _drop_by_hand(entries: list[_Entry]) -> None:
    """Forget the newest changes by hand, which were made without a state of the editor's history."""
    while entries and entries[-1].is_by_hand:
        entries.pop()
