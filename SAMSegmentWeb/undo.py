"""One timeline: prompts and hand corrections on the undo stack of trame-slicer's editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer import vtkOrientedImageData, vtkSegmentationConverter
from trame_slicer.segmentation.segmentation_undo_command import SegmentationLabelMapUndoCommand
from undo_stack import UndoCommand, UndoStack

if TYPE_CHECKING:
    from slicer import vtkSegmentation
    from trame_slicer.segmentation import Segmentation

    from SAMSegmentLib.mrml.scenesession import SceneSession

# A hand tool's step holds two copies of the segmentation: 20 of them for 512x512x300 voxels are 3 GB at the worst.
_STEPS = 20


class EditorUndoStack(UndoStack):
    """The stack of trame-slicer's editor, on which its hand tools' steps put back voxels and nothing else.

    The tools' own steps replace all segments by copies. To the scene session, what goes takes its prompts along.
    """

    def __init__(self) -> None:
        super().__init__(undo_limit=_STEPS)

    def push(self, command: UndoCommand) -> None:
        """Take a step that has been done."""
        if isinstance(command, SegmentationLabelMapUndoCommand):
            command = HandStep(command)
        super().push(command)


class SceneStep(UndoCommand):
    """One action of the scene session, which has been done already.

    Steps are taken back in the order of the stack, so the scene session always finds the segmentation as it left it.
    """

    def __init__(self, session: SceneSession) -> None:
        super().__init__()
        self._session = session

    def undo(self) -> None:
        """Take the session's last step back."""
        self._session.undo()

    def redo(self) -> None:
        """Do it again."""
        self._session.redo()

    def is_obsolete(self) -> bool:
        """A session that was closed undoes nothing any more: the stack drops its steps."""
        return not self._session.is_open


class HandStep(UndoCommand):
    """What a hand tool did to the voxels of the segments.

    :param command: the tool's own step, which has copies of the segmentation before and after.
    """

    def __init__(self, command: SegmentationLabelMapUndoCommand) -> None:
        super().__init__()
        self._segmentation: Segmentation = command._segmentation
        self._before, self._after = command._segmentation_stack._segmentation_states

    def undo(self) -> None:
        """Put back the voxels as they were before."""
        self._put_back(self._before)

    def redo(self) -> None:
        """Put back the voxels as the tool left them."""
        self._put_back(self._after)

    def _put_back(self, saved: vtkSegmentation) -> None:
        put_back_labelmaps(self._segmentation.segmentation, saved)
        self._segmentation.trigger_modified()


def put_back_labelmaps(segmentation: vtkSegmentation, saved: vtkSegmentation) -> None:
    """Give the segments the labelmaps of those of the same id in a saved segmentation.

    Segments that share a labelmap there share one here, too. Other segments, names and tags are left as they are.
    """
    representation = vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    copies: dict[str, vtkOrientedImageData] = {}
    for segment_id in segmentation.GetSegmentIDs():
        source = saved.GetSegment(segment_id)
        image = source.GetRepresentation(representation) if source else None
        if image is None:
            continue
        layer = image.GetAddressAsString("")
        if layer not in copies:
            # The saved one stays as it is, whatever is painted from now on.
            copies[layer] = vtkOrientedImageData()
            copies[layer].DeepCopy(image)
        segment = segmentation.GetSegment(segment_id)
        segment.SetLabelValue(source.GetLabelValue())
        segment.AddRepresentation(representation, copies[layer])
