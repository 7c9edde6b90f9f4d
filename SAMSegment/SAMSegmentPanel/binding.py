"""From the nodes that the user chose to a session on them."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.intensity import resolve_window
from SAMSegmentLib.mrml.plaintext import node_name
from SAMSegmentLib.mrml.scenesession import SceneSession
from SAMSegmentLib.mrml.volumes import volume_from_node

if TYPE_CHECKING:
    from concurrent.futures import Future

    from SAMSegmentLib.volume import Volume, Window

    from .correction_section import EditorHistory
    from .work import Work

_EDITOR_TAG = "SAMSegment"
_WORKED_ON = "SAMSegment.WorkedOn"


class Binding:
    """Opens a session when volume, segmentation or window have changed; :meth:`tick` does what takes time by and by.

    A volume without a segmentation gets one only while ``makes_segmentations``: a segmentation that the user deletes in
    another module must stay deleted.
    """

    def __init__(self, work: Work, history: EditorHistory) -> None:
        self._work = work
        self._history = history
        self.makes_segmentations = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="samsegment-window")
        self._volume_node: object | None = None  # that was chosen last
        self._wanted: tuple[object, object, str] | None = None
        self._opening: tuple[Volume, Future[Window]] | None = None

    def update(self) -> None:
        """Follow the parameter node. A volume that is chosen comes with its segmentation, a new one if it has none."""
        if slicer.mrmlScene.IsBatchProcessing():
            return  # a scene is being loaded: the segmentation may come after the volume
        parameters = self._work.parameters
        before, volume_node = self._volume_node, parameters.volume if parameters else None
        if volume_node is None:
            self._volume_node = None
            self.release()
            return
        is_another = volume_node is not before and _belongs_elsewhere(parameters.segmentation, volume_node)
        if parameters.segmentation is None or is_another:
            if not self.makes_segmentations:
                self.release()
                return
            self._volume_node = volume_node
            # Another call follows: setting it changes the parameter node.
            parameters.segmentation = _segmentation_of(volume_node)
            return
        self._volume_node = volume_node
        wanted = (volume_node, parameters.segmentation, parameters.window)
        if wanted != self._wanted:
            self._open(*wanted)

    def open_again(self) -> None:
        """The user has chosen the same nodes once more, or has come back: what ended, or was refused, may go now."""
        self._release_ended()
        if self._work.scene_session is None and self._opening is None:
            self._wanted = None
            self.update()

    def release(self) -> None:
        """Work on nothing."""
        self._wanted = self._opening = None
        if self._work.scene_session:
            self._work.bind(None)

    def tick(self) -> None:
        """Go on with the opening of a volume; closes what closed itself."""
        if self._opening and self._opening[1].done():
            volume, window = self._opening
            self._opening = None
            self._work.attempt(self._finish, volume, window)
        self._release_ended()

    def close(self) -> None:
        """Work on nothing any more."""
        self.release()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _release_ended(self) -> None:
        session = self._work.scene_session
        if session and not session.is_open:
            self._wanted = None
            self._work.bind(None)

    def _open(self, volume_node: object, segmentation_node: object, window: str) -> None:
        self.release()
        self._work.tell("")  # why the work before has ended, and what to do about it, is over
        self._wanted = volume_node, segmentation_node, window
        volume = self._work.attempt(volume_from_node, volume_node)
        if volume is not None:
            _make_ready(segmentation_node, volume_node)
            self._opening = volume, self._thread.submit(_prepared_window, volume, window)

    def _finish(self, volume: Volume, resolved: Future[Window]) -> None:
        volume_node, segmentation_node, window = self._wanted
        try:
            shown = resolved.result()
        except SAMSegmentError:
            self._work.parameters.window = "auto"
            raise
        self._work.engine.open_volume(volume, shown)
        session = SceneSession(
            volume,
            self._work.engine,
            volume_node,
            segmentation_node,
            window=window,
            editor_node=segment_editor_node(),
            history=self._history,
            changed=self._work.note_change,
            tell=self._work.tell,
        )
        if not session.segment_ids:
            session.selected_segment_id = session.add_segment()
        elif session.selected_segment_id not in session.segment_ids:
            session.selected_segment_id = session.segment_ids[0]
        _note_volume(segmentation_node, volume_node)
        self._work.bind(session)


def _prepared_window(volume: Volume, window: str) -> Window:
    """The grey values that are shown. Runs in a thread: the percentiles of a large volume take a second.

    :raises InputError: there is no such window.
    """
    # What the engine is made of takes 40 ms to import for the first time, in which nothing would be drawn.
    importlib.import_module("SAMSegmentLib.worker.client")
    return resolve_window(volume, window)


def segment_editor_node() -> slicer.vtkMRMLSegmentEditorNode:
    """The node by which this module and its embedded Segment Editor know the selected segment and the masking."""
    node = slicer.mrmlScene.GetSingletonNode(_EDITOR_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(_EDITOR_TAG)
        node = slicer.mrmlScene.AddNode(node)
    return node


def _segmentation_of(volume_node: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLSegmentationNode:
    """The segmentation that was made for a volume, a new one when there is none."""
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if _made_for(node) is volume_node:
            return node
    name = node_name(_("{volume} segmentation").format(volume=volume_node.GetName()))
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)


def _made_for(segmentation_node: slicer.vtkMRMLSegmentationNode) -> object | None:
    """The volume whose grid a segmentation was given."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    return segmentation_node.GetNodeReference(role)


def _note_volume(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> None:
    """A segmentation is the volume's from now on, whoever made it, also when the scene is loaded again."""
    segmentation_node.SetAttribute(_WORKED_ON, "1")
    if _made_for(segmentation_node) is None:
        role = segmentation_node.GetReferenceImageGeometryReferenceRole()
        segmentation_node.SetNodeReferenceID(role, volume_node.GetID())


def _belongs_elsewhere(segmentation_node: slicer.vtkMRMLSegmentationNode | None, volume_node: object) -> bool:
    """Whether a segmentation is another volume's, or what was made here on one that is gone.

    One that is empty, or comes from elsewhere, may be this volume's: the session sees whether it fits.
    """
    if segmentation_node is None:
        return False
    made_for = _made_for(segmentation_node)
    if made_for is None:
        has_segments = bool(segmentation_node.GetSegmentation().GetNumberOfSegments())
        return has_segments and segmentation_node.GetAttribute(_WORKED_ON) is not None
    return made_for is not volume_node


def _make_ready(segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """A new segmentation, whoever made it, lies on the volume's grid and can be seen."""
    if segmentation_node.GetSegmentation().GetNumberOfSegments():
        return
    if segmentation_node.GetDisplayNode() is None:
        segmentation_node.CreateDefaultDisplayNodes()
    # The grid is taken as it lies in the space of the segmentation, which its transform decides.
    segmentation_node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
