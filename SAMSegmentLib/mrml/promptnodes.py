"""Prompts as markups nodes: shown in the views, dragged and deleted there, and saved with the scene.

A segment has one list of positive and one of negative points, and a region of interest for each box. A control point
says in its description which slice it belongs to, and its number among the points of that slice: ``axial 41 2``.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import vtk

from ..geometry import slice_axis
from ..prompts import Point, PromptSet
from .observers import Observers
from .plaintext import from_attribute, node_name, to_attribute
from .promptshape import PromptShapes, drop_placeless
from .slicetext import slice_and_number, slice_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import slicer

    from ..geometry import IJK, Orientation
    from ..prompts import Box
    from ..segmentstate import SliceKey
    from ..volume import Volume

    Prompts = Mapping[SliceKey, PromptSet]

SEGMENT, KIND, SLICE = "SAMSegment.SegmentID", "SAMSegment.Kind", "SAMSegment.Slice"
SEGMENTATION_ROLE = "SAMSegment.segmentation"
POSITIVE, NEGATIVE, BOX = "positive", "negative", "box"

_COLORS = {POSITIVE: (0.2, 0.9, 0.3), NEGATIVE: (0.95, 0.25, 0.2), BOX: (1.0, 0.85, 0.2)}
_GLYPH_SCALE = 3.0  # percent of the view
_MIDDLE_SCALE = 0.4
_LAST = 1_000_000  # a point that Slicer's own tools have placed comes after those that have a number


class PromptNodes:
    """The markups nodes of one segmentation's prompts.

    :param default_orientation: of a point that was placed by other means than ours.
    :param edited: called when the user has changed a node, with whether a drag is still going on.
    """

    def __init__(
        self,
        volume: Volume,
        volume_node: slicer.vtkMRMLScalarVolumeNode,
        segmentation_node: slicer.vtkMRMLSegmentationNode,
        default_orientation: Callable[[], Orientation],
        edited: Callable[[bool], None],
    ) -> None:
        self._volume = volume
        self._volume_node = volume_node
        self._segmentation_node = segmentation_node
        self._scene = segmentation_node.GetScene()
        self._shapes = PromptShapes(volume, volume_node)
        self._default_orientation = default_orientation
        self._edited = edited
        self._observers = Observers()
        self._is_ours = False
        self._dragged: slicer.vtkMRMLMarkupsNode | None = None
        self._nodes: list[slicer.vtkMRMLMarkupsNode] = []
        for node in _markups_of(segmentation_node):
            self._take_over(node)

    @property
    def is_dragging(self) -> bool:
        """Whether the user holds a prompt."""
        return self._dragged is not None

    def close(self) -> None:
        """Let go of the nodes, which stay in the scene."""
        self._observers.clear()
        self._nodes.clear()
        self._dragged = None

    def forget(self, node: slicer.vtkMRMLNode) -> bool:
        """Let go of a node that was removed from the scene; whether it was one of ours."""
        if node not in self._nodes:
            return False
        self._observers.remove(node)
        self._nodes.remove(node)
        if self._dragged is node:
            self._dragged = None
        return True

    def follow_transform(self) -> None:
        """Put the nodes under the transform that the volume is under now."""
        for node in self._nodes:
            self._keep_with_volume(node)

    # --- session to scene

    def show(self, segment_id: str, prompts: Prompts) -> None:
        """Make a segment's nodes say what its prompts are; what they say already is not touched."""
        if self.is_dragging:
            return
        with self._by_us():
            for kind in (POSITIVE, NEGATIVE):
                points = [
                    (slice_text(key, number), point.ijk)
                    for key, item in prompts.items()
                    for number, point in enumerate(item.points)
                    if point.positive == (kind == POSITIVE)
                ]
                self._show_points(segment_id, kind, points)
            self._show_boxes(segment_id, [(key, box) for key, item in prompts.items() for box in item.boxes])

    def show_names(self, segment_id: str, name: str) -> None:
        """Name the nodes after their segment."""
        with self._by_us():
            for node in self._of(segment_id):
                node.SetName(_node_name(name, node.GetAttribute(KIND)))

    def remove_segment(self, segment_id: str) -> None:
        """Remove the nodes of a segment that is gone."""
        with self._by_us():
            for node in self._of(segment_id):
                self._remove(node)

    def remove_all(self) -> None:
        """Remove the nodes of all segments."""
        with self._by_us():
            for node in list(self._nodes):
                self._remove(node)

    def _show_points(self, segment_id: str, kind: str, points: list[tuple[str, IJK]]) -> None:
        node = next(iter(self._of(segment_id, kind)), None)
        if node is None:
            if not points:
                return
            node = self._add("vtkMRMLMarkupsFiducialNode", segment_id, kind)
        # A point that is being placed follows the defined ones.
        for number in range(node.GetNumberOfDefinedControlPoints() - 1, len(points) - 1, -1):
            node.RemoveNthControlPoint(number)
        for number, (text, ijk) in enumerate(points):
            position = self._shapes.position(ijk, node)
            if number >= node.GetNumberOfControlPoints():
                node.AddControlPoint(vtk.vtkVector3d(*position))
            elif tuple(node.GetNthControlPointPosition(number)) != position:  # not a number is not the same, either
                node.SetNthControlPointPosition(number, *position)
            if node.GetNthControlPointDescription(number) != text:
                node.SetNthControlPointDescription(number, text)

    def _show_boxes(self, segment_id: str, boxes: list[tuple[SliceKey, Box]]) -> None:
        nodes = self._of(segment_id, BOX)
        for node in nodes[len(boxes) :]:
            self._remove(node)
        for number, (key, box) in enumerate(boxes):
            text = slice_text(key, number)
            node = nodes[number] if number < len(nodes) else self._add("vtkMRMLMarkupsROINode", segment_id, BOX)
            node.SetAttribute(SLICE, text)
            self._shapes.place_box(box, node)

    def _add(self, class_name: str, segment_id: str, kind: str) -> slicer.vtkMRMLMarkupsNode:
        segment = self._segmentation_node.GetSegmentation().GetSegment(segment_id)
        node = self._scene.AddNewNodeByClass(class_name, _node_name(segment.GetName(), kind))
        node.SetAttribute(SEGMENT, to_attribute(segment_id))
        node.SetAttribute(KIND, kind)
        node.SetNodeReferenceID(SEGMENTATION_ROLE, self._segmentation_node.GetID())
        node.SetAndObserveTransformNodeID(self._volume_node.GetTransformNodeID())
        node.CreateDefaultDisplayNodes()
        _style(node.GetDisplayNode(), kind)
        self._watch(node)
        return node

    def _remove(self, node: slicer.vtkMRMLMarkupsNode) -> None:
        self.forget(node)
        # The scene does not remove what a node was displayed and stored with.
        for helper in [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]:
            self._scene.RemoveNode(helper)
        if node.GetStorageNode():
            self._scene.RemoveNode(node.GetStorageNode())
        self._scene.RemoveNode(node)

    # --- scene to session

    def segment_ids(self) -> set[str]:
        """The segments that have prompts in the scene."""
        return {from_attribute(node.GetAttribute(SEGMENT) or "") for node in self._nodes}

    def read(self, segment_id: str) -> dict[SliceKey, PromptSet]:
        """What a segment's nodes say its prompts are, without the choice among candidates."""
        with self._by_us():  # a node whose transform is gone says so when it is asked: that is no edit
            return self._read(segment_id)

    def _read(self, segment_id: str) -> dict[SliceKey, PromptSet]:
        points: dict[SliceKey, list[tuple[int, Point]]] = defaultdict(list)
        boxes: dict[SliceKey, list[tuple[int, Box]]] = defaultdict(list)
        for node in self._of(segment_id):
            if node.GetAttribute(KIND) == BOX:
                orientation, number = self._place(node.GetAttribute(SLICE) or "")
                box = self._shapes.box_of(node, orientation)
                boxes[orientation, self._index(box.ijk_min, orientation)].append((number, box))
                continue
            for point, orientation, number in self._points(node):
                points[orientation, self._index(point.ijk, orientation)].append((number, point))
        result = {}
        for key in [*points, *(key for key in boxes if key not in points)]:
            ordered_points = tuple(point for _, point in sorted(points.get(key, []), key=lambda item: item[0]))
            ordered_boxes = tuple(box for _, box in sorted(boxes.get(key, []), key=lambda item: item[0]))
            result[key] = PromptSet(*key, ordered_points, ordered_boxes)
        return result

    def _points(self, node: slicer.vtkMRMLMarkupsNode) -> Iterator[tuple[Point, Orientation, int]]:
        for number in range(node.GetNumberOfControlPoints()):
            if node.GetNthControlPointPositionStatus(number) == node.PositionDefined:
                ijk = self._shapes.voxel(node.GetNthControlPointPosition(number), node)
                orientation, place = self._place(node.GetNthControlPointDescription(number))
                yield Point(ijk, node.GetAttribute(KIND) == POSITIVE), orientation, place

    def _place(self, text: str) -> tuple[Orientation, int]:
        place = slice_and_number(text)
        return (place[0][0], place[1]) if place else (self._default_orientation(), _LAST)

    def _index(self, ijk: IJK, orientation: Orientation) -> int:
        return ijk[slice_axis(self._volume, orientation)]

    # --- events

    def _take_over(self, node: slicer.vtkMRMLMarkupsNode) -> None:
        """Go on with a node of the scene: it stays where it is, and comes under the volume's transform."""
        if not drop_placeless(node):
            self._remove(node)
            return
        if node.GetTransformNodeID() != self._volume_node.GetTransformNodeID():
            self._shapes.move_below_volume(node)
        self._watch(node)

    def _watch(self, node: slicer.vtkMRMLMarkupsNode) -> None:
        self._nodes.append(node)
        for event in (
            node.PointModifiedEvent,
            node.PointPositionDefinedEvent,
            node.PointRemovedEvent,
            vtk.vtkCommand.ModifiedEvent,
        ):
            self._observers.add(node, event, self._on_change)
        self._observers.add(node, node.PointStartInteractionEvent, self._on_start)
        self._observers.add(node, node.PointEndInteractionEvent, self._on_end)

    def _on_start(self, node: slicer.vtkMRMLMarkupsNode, _event: str) -> None:
        self._dragged = node

    def _on_end(self, _node: slicer.vtkMRMLMarkupsNode, _event: str) -> None:
        self._dragged = None
        self._edited(False)

    def _on_change(self, node: slicer.vtkMRMLMarkupsNode, _event: str) -> None:
        if not self._is_ours:
            self._keep_with_volume(node)
            self._edited(self.is_dragging)

    def _keep_with_volume(self, node: slicer.vtkMRMLMarkupsNode) -> None:
        wanted = self._volume_node.GetTransformNodeID()
        if wanted and self._scene.GetNodeByID(wanted) is None:
            return  # it is being removed, and the scene would take it from the node again, and again
        if node.GetTransformNodeID() != wanted:
            with self._by_us():
                node.SetAndObserveTransformNodeID(wanted)

    @contextmanager
    def _by_us(self) -> Iterator[None]:
        outer, self._is_ours = self._is_ours, True
        try:
            yield
        finally:
            self._is_ours = outer

    def _of(self, segment_id: str, kind: str | None = None) -> list[slicer.vtkMRMLMarkupsNode]:
        wanted = to_attribute(segment_id)
        return [
            node
            for node in self._nodes
            if node.GetAttribute(SEGMENT) == wanted and kind in (None, node.GetAttribute(KIND))
        ]


def _markups_of(segmentation_node: slicer.vtkMRMLSegmentationNode) -> list[slicer.vtkMRMLMarkupsNode]:
    scene = segmentation_node.GetScene()
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode")
    nodes = [scene.GetNthNodeByClass(number, "vtkMRMLMarkupsNode") for number in range(count)]
    wanted = segmentation_node.GetID()
    return [node for node in nodes if node.GetNodeReferenceID(SEGMENTATION_ROLE) == wanted and node.GetAttribute(KIND)]


def _style(display: slicer.vtkMRMLMarkupsDisplayNode, kind: str) -> None:
    display.SetSelectedColor(*_COLORS[kind])
    display.SetColor(*_COLORS[kind])
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetVisibility3D(False)
    if kind == BOX:
        display.SetFillVisibility(False)
        display.SetHandlesInteractive(True)
        display.SetRotationHandleVisibility(False)  # a box lies along the volume's axes
        # What marks its middle would cover a point there.
        display.SetTranslationHandleVisibility(False)
        display.SetGlyphScale(_MIDDLE_SCALE)
    else:
        display.SetGlyphScale(_GLYPH_SCALE)


def _node_name(segment_name: str, kind: str) -> str:
    return node_name(f"{segment_name} {kind}" if kind == BOX else f"{segment_name} {kind} points")
