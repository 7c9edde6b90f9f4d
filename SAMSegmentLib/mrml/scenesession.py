"""One user's work in a MRML scene: what views and panels call when the user clicks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..geometry import slice_axis, slice_plane
from ..prompts import Box, to_slice_prompts
from ..segments import Segment
from ..segments import segment_color as palette_color
from .composition import composed_slice
from .promptentries import PromptEntry, entries_of
from .restore import segment_color, slice_voxels
from .scenecore import SceneCore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    import slicer
    from numpy.typing import NDArray

    from ..carried import Propagation
    from ..propagation import PropagatedSlice
    from ..savedmask import SavedMask
    from ..segmentstate import SliceKey
    from ..session import SegmentationSession
    from ..sessionfile import SavedSegment
    from ..volume import Volume
    from ..worker.interface import Engine, SliceAnswer
    from .labelmaps import Extent
    from .picking import Pick
    from .writer import EditorHistory

Result = TypeVar("Result")


class SceneSession:
    """Segments of a volume node, made by prompts, in a segmentation node.

    Masks are written into the segmentation as their answers come: only voxels that change, as the segment editor's
    masking and overwriting allow. What other tools draw stays, unless the same slice's mask changes there. Prompts are
    markups nodes, which the user may move or delete in the views. Everything is saved with the scene, and a session
    that begins on such a scene goes on with it.

    It closes itself, with a sentence, when the volume, the segmentation or the scene goes, or the volume changes.

    :param volume: the volume node's, see :func:`.volumes.volume_from_node`, or as a reader made it.
    :param engine: with this volume open; the caller closes it.
    :param window: how the engine shows the volume to the model, as the user wrote it.
    :param editor_node: of the segment editor that is beside the session; None: the session has its own.
    :param history: undo of that editor, which is then used; None: the session undoes what it wrote itself.
    :param changed: called after each change of prompts, masks or segments, and when the session has closed itself.
    :param tell: is given sentences for the user that no call of theirs raised.
    :param stepped: called once for each action that :meth:`undo` can take back.
    :raises InputError: the segmentation has other voxels than the volume, or a transform above them is not linear.
    """

    def __init__(
        self,
        volume: Volume,
        engine: Engine,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        *,
        window: str = "auto",
        editor_node: slicer.vtkMRMLSegmentEditorNode | None = None,
        history: EditorHistory | None = None,
        changed: Callable[[], None] = lambda: None,
        tell: Callable[[str], None] = lambda _text: None,
        stepped: Callable[[], None] = lambda: None,
    ) -> None:
        self._core = SceneCore(
            volume,
            engine,
            volume_node,
            segmentation_node,
            window=window,
            editor_node=editor_node,
            history=history,
            changed=changed,
            tell=tell,
            stepped=stepped,
        )

    def close(self) -> None:
        """Let go of the scene; prompts and segments stay in it. Nothing happens the second time."""
        self._core.close()

    @property
    def is_open(self) -> bool:
        """Whether the session can go on; when it cannot, all methods that change something raise InputError."""
        return self._core.is_open

    @property
    def obstacle(self) -> str | None:
        """Why prompts are refused at the moment, in a sentence; None: they are not.

        Volume and segmentation may be put under transforms one after the other: while they lie apart the session waits.
        """
        return self._core.obstacle if self.is_open else None

    @property
    def session(self) -> SegmentationSession:
        """For scores and states; it is changed through the methods here only."""
        return self._core.session

    @property
    def volume(self) -> Volume:
        """The volume that is segmented."""
        return self._core.volume

    @property
    def volume_node(self) -> slicer.vtkMRMLScalarVolumeNode:
        """The node of the volume."""
        return self._core.volume_node

    @property
    def segmentation_node(self) -> slicer.vtkMRMLSegmentationNode:
        """The node that the segments are in."""
        return self._core.segmentation_node

    @property
    def editor_node(self) -> slicer.vtkMRMLSegmentEditorNode:
        """Masking, overwriting and selection."""
        return self._core.editor.node

    # --- segments

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """Ids of the segments, in the scene's order."""
        return self._core.labelmaps.segment_ids

    def name_of(self, segment_id: str) -> str:
        """What :attr:`session` calls a segment.

        :raises InputError: there is no such segment.
        """
        return self._core.name(segment_id)

    def add_segment(self, name: str = "") -> str:
        """Add an empty segment, select it, and return its id; without a name it is numbered."""
        self._core.require_open()
        red, green, blue = palette_color(len(self.segment_ids))
        segment_id = self._core.add_segment(name.strip(), (red / 255, green / 255, blue / 255))
        self.selected_segment_id = segment_id
        return segment_id

    def add_saved(self, saved: SavedSegment) -> str:
        """Add a segment of a prompts file, ask for its slices' masks, and return its id.

        Its propagations are the caller's to start when the masks have come, and its outdated slices to put in after
        them, see :meth:`put_outdated`.

        :raises InputError: it does not fit the volume; nothing of it is kept.
        """
        self._core.require_ready()
        for prompts in saved.prompts:
            to_slice_prompts(prompts, slice_plane(self.volume, *prompts.key))
        for mask in (*saved.accepted, *saved.outdated):
            mask.check(self.volume, saved.name)
        segment_id = self.add_segment(saved.name)
        name, session = self.name_of(segment_id), self._core.session
        with self._core.action():
            for prompts in saved.prompts:
                self._core.asked(self._core.change(partial(session.set_prompts, name, prompts)))
            for mask in saved.accepted:
                self._core.change(partial(session.set_mask, name, *mask.key, mask.unpack()))
        if saved.color:
            self.segmentation_node.GetSegmentation().GetSegment(segment_id).SetColor(*(n / 255 for n in saved.color))
        return segment_id

    def remove_segment(self, segment_id: str) -> None:
        """Remove a segment with its prompts; without an editor's history it does not come back.

        :raises InputError: there is no such segment.
        """
        self._core.name(segment_id)
        self._core.remove_segment(segment_id)

    @property
    def selected_segment_id(self) -> str | None:
        """The segment that is selected in the editor; prompts that name no segment are for it."""
        selected = self.editor_node.GetSelectedSegmentID()
        return selected if selected in self.segment_ids else None

    @selected_segment_id.setter
    def selected_segment_id(self, segment_id: str) -> None:
        self.editor_node.SetSelectedSegmentID(segment_id)

    def segments(self) -> list[Segment]:
        """All segments as they stand in the scene, with what was drawn by hand, on the volume's grid."""
        i, j, k = self.volume.shape_ijk
        extent: Extent = (0, i - 1, 0, j - 1, 0, k - 1)
        found = []
        for segment_id in self.segment_ids:
            segment = self.segmentation_node.GetSegmentation().GetSegment(segment_id)
            mask = self._core.labelmaps.read(segment_id, extent)
            found.append(Segment(segment.GetName(), segment_color(segment), mask))
        return found

    def voxels(self, segment_id: str, slices: range) -> NDArray[np.bool_]:
        """A segment as it stands in the scene, bool [k, j, i], in adjoining slices k of the volume."""
        i, j, _ = self.volume.shape_ijk
        return self._core.labelmaps.read(segment_id, (0, i - 1, 0, j - 1, slices[0], slices[-1]))

    # --- prompts: all raise InputError if the segment is missing, the slice accepted, or the session waits or has ended

    def add_point(self, pick: Pick, *, positive: bool = True, segment_id: str | None = None) -> Future[SliceAnswer]:
        """Add a click."""
        name = self._name(segment_id)
        self._core.orientation = pick.orientation
        session = self._core.session
        return self._ask(partial(session.add_point, name, pick.ijk, pick.orientation, positive=positive))

    def add_box(self, first: Pick, second: Pick, *, segment_id: str | None = None) -> Future[SliceAnswer]:
        """Add a box between two corners, in the slice of the first."""
        name = self._name(segment_id)
        self._core.orientation = first.orientation
        return self._ask(partial(self._core.session.add_box, name, self._box(first, second), first.orientation))

    def remove_point(self, segment_id: str, key: SliceKey, number: int) -> Future[SliceAnswer] | None:
        """Remove a click, counted from 0 among the points of its slice; None when it was the slice's last prompt."""
        return self._ask_or_clear(partial(self._core.session.remove_point, self._name(segment_id), key, number))

    def remove_box(self, segment_id: str, key: SliceKey, number: int) -> Future[SliceAnswer] | None:
        """Remove a box, counted from 0 among the boxes of its slice; None when it was the slice's last prompt."""
        return self._ask_or_clear(partial(self._core.session.remove_box, self._name(segment_id), key, number))

    def clear_slice(self, segment_id: str, key: SliceKey) -> None:
        """Remove all prompts of a slice, and the mask that they made."""
        self._do(partial(self._core.session.clear_slice, self._name(segment_id), key))

    def choose_candidate(self, segment_id: str, key: SliceKey, candidate: int) -> Future[SliceAnswer]:
        """Take another of the model's answers."""
        return self._ask(partial(self._core.session.choose_candidate, self._name(segment_id), key, candidate))

    def preview(self, pick: Pick, *, positive: bool = True, segment_id: str | None = None) -> Future[SliceAnswer]:
        """What a click would give; nothing changes, and a preview that has not come is cancelled."""
        session, name = self._core.session, self._name(segment_id)
        return session.preview(session.with_click(name, pick.ijk, pick.orientation, positive=positive))

    def prompts(self) -> list[PromptEntry]:
        """All prompts, segment by segment and slice by slice."""
        states = [(name, self.session.state(self.name_of(name))) for name in self.segment_ids if self.is_open]
        return [entry for segment_id, state in states for entry in entries_of(segment_id, state)]

    # --- slices and the volume; these raise InputError, too

    def accept_slice(self, segment_id: str, key: SliceKey) -> None:
        """Lock a slice as it is in the scene: what was drawn by hand is part of it."""
        core, name = self._core, self._name(segment_id)
        shown = slice_voxels(core.volume, core.labelmaps, segment_id, key)
        made = composed_slice(core.volume, core.session.state(name).masks, slice_plane(core.volume, *key))
        if shown.any() and not np.array_equal(shown, made):
            self._do(partial(core.session.set_mask, name, *key, shown))
        else:
            self._do(partial(core.session.accept_slice, name, key))

    def release_slice(self, segment_id: str, key: SliceKey) -> None:
        """Unlock an accepted slice."""
        self._do(partial(self._core.session.release_slice, self._name(segment_id), key))

    def propagate(
        self,
        segment_id: str,
        propagation: Propagation,
        on_slice: Callable[[PropagatedSlice], None] | None = None,
    ) -> Future[None]:
        """Carry a segment through the volume; cancel the future to stop and keep what there is."""
        return self._ask(partial(self._core.session.propagate, self._name(segment_id), propagation, on_slice))

    def put_outdated(self, segment_id: str, masks: Sequence[SavedMask]) -> None:
        """Have slices back that propagation made earlier, where the segment has none, until it is propagated again."""
        self._do(partial(self._core.session.put_outdated, self._name(segment_id), masks))

    def ask_again(self) -> None:
        """Ask for what was not answered: the engine failed, and its cause was mended."""
        self._core.require_open()
        for future in self._core.session.ask_again():
            self._core.asked(future)

    # --- undo

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back, or with an editor's history a change by hand."""
        return self._core.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is something undone, and nothing was done since."""
        return self._core.can_redo

    def undo(self) -> None:
        """Take back the last action: prompts and voxels are what they were, other segments' voxels, too.

        With an editor's history, what was changed by hand after the action is taken back first, one change a time.
        """
        self._core.undo()

    def redo(self) -> None:
        """Do again what was undone last."""
        self._core.redo()

    # --- inside

    def _name(self, segment_id: str | None) -> str:
        self._core.require_ready()
        return self._core.name(segment_id or self.selected_segment_id or "")

    def _do(self, call: Callable[[], None]) -> None:
        with self._core.action():
            self._core.change(call)

    def _ask(self, call: Callable[[], Future[Result]]) -> Future[Result]:
        with self._core.action():
            return self._core.asked(self._core.change(call))

    def _ask_or_clear(self, call: Callable[[], Future[Result] | None]) -> Future[Result] | None:
        with self._core.action():
            future = self._core.change(call)
            return self._core.asked(future) if future else None

    def _box(self, first: Pick, second: Pick) -> Box:
        corner = list(second.ijk)
        corner[slice_axis(self.volume, first.orientation)] = first.index
        return Box(first.ijk, (corner[0], corner[1], corner[2]))
