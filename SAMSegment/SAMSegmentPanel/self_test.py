"""The module's self test: the whole use, in Slicer (Reload and Test, ctest) and on the stand-in host alike."""
# ruff: noqa: PT009, PLW0108 - Slicer's tests are unittest's; what is waited for is asked for again and again

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
import vtk

from .installation import Installation

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_SIDE, _RADII = 48, (9, 12, 15)  # of the volume and of the ball in it, in voxels along k, j and i
_CENTRE = _SIDE // 2
# Importing libraries and loading the model takes seconds, on a busy machine many.
_PATIENCE_S = 120.0


class SelfTest:
    """Steps and checks on a bright ball in a dark volume, with the built-in model in a real worker process."""

    def setUp(self) -> None:
        """An empty scene in the opened module."""
        slicer.mrmlScene.Clear()
        self._widget = slicer.util.getModuleWidget("SAMSegment")
        if slicer.util.mainWindow():
            # Clicks are made in axial and sagittal views.
            slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
            slicer.util.selectModule("SAMSegment")
        else:
            self._widget.enter()

    def tearDown(self) -> None:
        """Leave nothing behind."""
        slicer.mrmlScene.Clear()
        if not slicer.util.mainWindow():
            self._widget.exit()

    def test_panel(self) -> None:
        """The panel opens a volume, and says what the engine is at or why there is none."""
        node = slicer.util.addVolumeFromArray(60.0 + 120.0 * _ball(), name="Ball")
        self._ui.volumeSelector.setCurrentNode(node)
        self._wait(lambda: self._session is not None, "a session on the volume")
        self._wait(lambda: self._ui.engineStateLabel.text, "the engine's state")
        obstacle = self._obstacle()
        if obstacle:
            self.assertEqual(self._ui.engineStateLabel.text, obstacle)

    def test_whole_use(self) -> None:
        """One step after the other, since each needs what the one before it made."""
        if self._obstacle():
            self.skipTest(self._obstacle())
        if slicer.app.layoutManager() is None:
            self.skipTest("clicks need slice views, which this application was started without")
        self._load_and_click()
        self._box_and_undo()
        self._switch_orientation()
        self._correct_by_hand()
        self._propagate_and_cancel()
        self._save_and_restore()
        self._close()

    # --- steps

    def _load_and_click(self) -> None:
        """A volume is chosen, one click is made: the ball is there, in this slice only."""
        ball = _ball()
        node = slicer.util.addVolumeFromArray(60.0 + 120.0 * ball, name="Ball")
        self._ui.volumeSelector.setCurrentNode(node)
        self._wait(lambda: self._session is not None, "a session on the volume")
        self.assertEqual(len(self._session.segment_ids), 1)
        self._wait(lambda: self._ui.includeButton.checked, "the first click to be a prompt")
        self._click("Red", (_CENTRE, _CENTRE, _CENTRE))
        self._wait(lambda: self._mask().any(), "the mask of a click")
        mask = self._mask()
        self.assertEqual(set(mask.nonzero()[0]), {_CENTRE})
        self.assertGreater(_dice(mask[_CENTRE], ball[_CENTRE]), 0.85)

    def _box_and_undo(self) -> None:
        """A box in another slice; undo takes it back voxel by voxel, redo brings it again."""
        before, index = self._mask(), _CENTRE + 4
        self._press("boxButton")
        self._drag("Red", (_CENTRE - 16, _CENTRE - 13, index), (_CENTRE + 16, _CENTRE + 13, index))
        self._wait(lambda: self._mask()[index].any(), "the mask of a box")
        after = self._mask()
        self._press("undoButton")
        self._wait(lambda: len(self._session.prompts()) == 1, "the box to be taken back")
        self.assertTrue((self._mask() == before).all(), "undo is exact")
        self._press("redoButton")
        self._wait(lambda: (self._mask() == after).all(), "the box to come again")

    def _switch_orientation(self) -> None:
        """A click in a sagittal view makes a sagittal mask; clearing the slice takes it away again."""
        before = self._mask()
        self._press("includeButton")
        self._click("Yellow", (_CENTRE, _CENTRE + 5, _CENTRE - 3))
        self._wait(lambda: len(self._session.prompts()) == 3, "the sagittal prompt")
        self.assertEqual(self._session.prompts()[-1].key[0].value, "sagittal")
        self._wait(lambda: (self._mask() != before).any(), "the sagittal mask")
        self._press("clearSliceButton")
        self._wait(lambda: (self._mask() == before).all(), "the sagittal mask to go")

    def _correct_by_hand(self) -> None:
        """Voxels painted by hand are there after the next click, and after the slice is accepted."""
        self._paint((2, 2, _CENTRE))
        self.assertTrue(self._mask()[_CENTRE, 2, 2])
        self._click("Red", (_CENTRE + 3, _CENTRE, _CENTRE + 4))
        self._wait(lambda: len(self._session.prompts()) == 3, "the click after painting")
        self.assertTrue(self._mask()[_CENTRE, 2, 2], "hand corrections stay")
        self._wait(lambda: self._widget.panel.work.engine.state.condition.value == "ready", "the answer")
        self._click_nothing("Red", _CENTRE)
        self._press("acceptCorrectionButton")
        self._wait(lambda: self._ui.acceptSliceButton.checked, "the slice to be accepted")
        self.assertTrue(self._mask()[_CENTRE, 2, 2])

    def _propagate_and_cancel(self) -> None:
        """Through the volume; undone; begun again and cancelled: what was made is kept."""
        before = self._mask()
        self._ui.orientationComboBox.currentIndex = 0
        self._press("propagateButton")
        self._wait(lambda: "Done" in self._ui.propagationProgressBar.format, "propagation to end")
        self.assertGreater(_dice(self._mask(), _ball()), 0.8)
        self._press("undoButton")
        self._wait(lambda: (self._mask() == before).all(), "propagation to be taken back")
        self._press("propagateButton")
        self._press("cancelPropagationButton")
        self._wait(lambda: "Cancelled" in self._ui.propagationProgressBar.format, "propagation to be cancelled")

    def _save_and_restore(self) -> None:
        """A saved scene comes back with prompts and masks, and takes a further click."""
        prompts, mask = len(self._session.prompts()), self._mask()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "work.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            self._wait(lambda: self._session is None, "the session to end with its scene")
            slicer.util.loadScene(path)
            self._wait(lambda: self._session is not None, "a session on the restored scene")
        self.assertEqual(len(self._session.prompts()), prompts)
        self.assertTrue((self._mask() == mask).all(), "masks are restored exactly")
        self._click("Red", (_CENTRE, _CENTRE, _CENTRE - 5))
        self._wait(lambda: self._mask()[_CENTRE - 5].any(), "the mask of a further click")

    def _close(self) -> None:
        """The scene is closed in the middle of a request."""
        self._click("Red", (_CENTRE, _CENTRE, _CENTRE - 6))
        slicer.mrmlScene.Clear()
        self._wait(lambda: self._session is None, "the session to end with its scene")
        self._wait(lambda: not self._ui.includeButton.enabled, "the panel to be empty")

    # --- what a user does

    def _press(self, name: str) -> None:
        """Press a button as soon as it can be pressed."""
        button = getattr(self._ui, name)
        self._wait(lambda: button.enabled, f"{name} to be enabled")
        button.click()

    def _click(self, view: str, ijk: tuple[int, int, int]) -> None:
        interactor, place = self._place(view, ijk)
        _send(interactor, place, "MouseMoveEvent", "LeftButtonPressEvent", "LeftButtonReleaseEvent")

    def _drag(self, view: str, first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
        interactor, begin = self._place(view, first)
        end = self._place(view, second)[1]
        _send(interactor, begin, "MouseMoveEvent", "LeftButtonPressEvent")
        _send(interactor, end, "MouseMoveEvent", "LeftButtonReleaseEvent")

    def _click_nothing(self, view: str, index: int) -> None:
        """Look at a slice: the mouse enters its view, no button is pressed."""
        interactor, place = self._place(view, (_CENTRE, _CENTRE, index))
        _send(interactor, place, "EnterEvent")
        self._wait(lambda: (self._widget.panel.work.viewed or ("", -1))[1] == index, "the slice to be looked at")

    def _place(self, view: str, ijk: tuple[int, int, int]) -> tuple[Any, tuple[int, int]]:
        """A view that shows a voxel's slice, and where the voxel is in it."""
        widget = slicer.app.layoutManager().sliceWidget(view)
        node, matrix = widget.mrmlSliceNode(), vtk.vtkMatrix4x4()
        self._session.volume_node.GetIJKToRASMatrix(matrix)
        ras = matrix.MultiplyPoint((*ijk, 1.0))[:3]
        node.JumpSliceByOffsetting(*ras)
        matrix.DeepCopy(node.GetXYToRAS())
        matrix.Invert()
        x, y = matrix.MultiplyPoint((*ras, 1.0))[:2]
        return widget.sliceView().interactor(), (round(x), round(y))

    def _paint(self, ijk: tuple[int, int, int]) -> None:
        """What the Paint effect does for one voxel."""
        i, j, k = ijk
        stroke = slicer.vtkOrientedImageData()
        stroke.SetExtent(i, i, j, j, k, k)
        stroke.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        stroke.GetPointData().GetScalars().Fill(1)
        matrix = vtk.vtkMatrix4x4()
        self._session.volume_node.GetIJKToRASMatrix(matrix)
        stroke.SetImageToWorldMatrix(matrix)
        self._ui.segmentEditorWidget.saveStateForUndo()
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        node, segment = self._session.segmentation_node, self._session.selected_segment_id
        logic.SetBinaryLabelmapToSegment(stroke, node, segment, logic.MODE_MERGE_MAX)

    # --- what is there

    def _obstacle(self) -> str:
        """Why there can be no engine on this computer, "" when there can."""
        return Installation(Path(self._widget.resourcePath("requirements.txt"))).obstacle()

    @property
    def _ui(self) -> Any:
        return self._widget.ui

    @property
    def _session(self) -> Any:
        return self._widget.panel.work.scene_session

    def _mask(self) -> NDArray[np.bool_]:
        """The segment as the segmentation node holds it, [k, j, i]."""
        (segment,) = self._session.segments()
        return segment.mask

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), until, f"waited for {what}; {self._ui.messageLabel.text}")
            slicer.app.processEvents()
            time.sleep(0.005)


def _ball() -> NDArray[np.bool_]:
    import numpy as np

    distances = [(np.arange(_SIDE) - _CENTRE) / radius for radius in _RADII]
    k, j, i = np.meshgrid(*distances, indexing="ij")
    ball: NDArray[np.bool_] = k**2 + j**2 + i**2 <= 1
    return ball


def _dice(mask: NDArray, truth: NDArray) -> float:
    return float(2 * (mask & truth).sum() / max(1, mask.sum() + truth.sum()))


def _send(interactor: Any, place: tuple[int, int], *events: str) -> None:
    for event in events:
        interactor.SetEventInformation(*place, 0, 0, "\0", 0, "")
        interactor.InvokeEvent(event)
