"""Scene sessions for tests: a ball in a volume node, a model that finds it, and Slicer's own undo history."""

from __future__ import annotations

import numpy as np

from SAMSegmentLib.geometry import Orientation
from SAMSegmentLib.mrml.picking import Pick
from SAMSegmentLib.mrml.scenesession import SceneSession
from SAMSegmentLib.mrml.volumes import volume_from_node
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import ball, volume_of
from Testing.sessions import WINDOW
from Testing.slicer.mrml_scene import MRMLScene, numpy_support, segment_mask, slicer, vtk

AXIAL = Orientation.AXIAL
BALL = ball((12, 16, 20), (9, 8, 6), 4.5)


class Loop:
    """A scene with a ball, a segmentation with segments "ball" and "other", and a session on them.

    :param with_history: undo through a segment editor's history, as in Slicer, else through the session's records.
    """

    def __init__(
        self, world: MRMLScene, *, affine=None, with_history: bool = False, engine=None, nodes=None, **members
    ) -> None:
        self.world = world
        self.told: list[str] = []
        self.changes = 0
        if nodes is None:
            volume_node = world.add_volume(volume_of(BALL.astype(np.uint8) * 255, affine), "ball")
            nodes = volume_node, world.add_segmentation(volume_node, "ball", "other")
        self.volume_node, self.node = nodes
        self.editor = EditorStandIn(self) if with_history else None
        volume = volume_from_node(self.volume_node)
        self.engine = engine or InProcessEngine(ThresholdModel(), volume, WINDOW)
        self.scene_session = SceneSession(
            volume,
            self.engine,
            self.volume_node,
            self.node,
            editor_node=self.editor.node if self.editor else None,
            history=self.editor,
            tell=self.told.append,
            changed=self._count,
            **members,
        )
        self.scene_session.selected_segment_id = "ball"

    def _count(self) -> None:
        self.changes += 1

    def mask(self, segment_id: str = "ball") -> np.ndarray:
        """What the scene holds of a segment."""
        return segment_mask(self.node, segment_id, self.volume_node)

    def masks(self) -> dict[str, np.ndarray]:
        return {name: self.mask(name) for name in self.node.GetSegmentation().GetSegmentIDs()}

    def click(self, ijk=(9, 8, 6), orientation=AXIAL, **members):
        return self.scene_session.add_point(picked(ijk, orientation), **members)

    def paint(self, segment_id: str, box, *, erase: bool = False) -> None:
        """What Slicer's paint effect does at the end of a stroke; box is i0, i1, j0, j1, k0, k1."""
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        image = oriented_box(self.volume_node, box, 0 if erase else 1)
        if self.editor:
            self.editor.save_state()
        mode = logic.MODE_MERGE_MIN if erase else logic.MODE_MERGE_MAX
        logic.SetBinaryLabelmapToSegment(image, self.node, segment_id, mode, box)


class EditorStandIn:
    """What Slicer's segment editor widget is to the session: a node, and a history that paint strokes are in, too."""

    def __init__(self, loop: Loop) -> None:
        scene = loop.world.scene
        self.node = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        self.node.SetAndObserveSegmentationNode(loop.node)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(scene)
        self.logic.SetSegmentEditorNode(self.node)

    def save_state(self) -> None:
        self.logic.SaveStateForUndo()

    def undo(self) -> None:
        if self.logic.CanUndo():
            self.logic.Undo()

    def redo(self) -> None:
        if self.logic.CanRedo():
            self.logic.Redo()


def picked(ijk, orientation=AXIAL) -> Pick:
    """A pick in a volume whose i, j and k run along R, A and S."""
    axis = {Orientation.SAGITTAL: 0, Orientation.CORONAL: 1, Orientation.AXIAL: 2}[orientation]
    return Pick(ijk, orientation, ijk[axis], is_aligned=True)


def oriented_box(volume_node, box, value: int):
    """A box of voxels of one value, in the space of a segmentation that is where the volume is."""
    image = slicer.vtkOrientedImageData()
    image.SetExtent(box)
    count = (box[1] - box[0] + 1) * (box[3] - box[2] + 1) * (box[5] - box[4] + 1)
    image.GetPointData().SetScalars(numpy_support.numpy_to_vtk(np.full(count, value, np.uint8), deep=True))
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(matrix)
    return image
