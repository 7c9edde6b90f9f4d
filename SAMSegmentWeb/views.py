"""The slice views as places to click in, and what the user looks at in them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vtkmodules.vtkCommonCore import vtkCommand

from SAMSegmentLib.geometry import native_orientation
from SAMSegmentLib.mrml.picking import show_slice, viewed_slice
from SAMSegmentLib.mrml.viewinput import SliceViewInput, Tool

from .crosshair import Crosshair
from .prompt_views import show_prompts
from .still_views import keep_views_still
from .under_mouse import UnderMouse
from .view_fit import fit_image
from .view_labels import view_labels
from .view_planes import turn_to_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from slicer import vtkMRMLSliceNode
    from trame_slicer.views import SliceView

    from SAMSegmentLib.mrml.picking import Pick
    from SAMSegmentLib.segmentstate import SliceKey

    from .state import ViewState
    from .work import Opened, Work


# Before the views' input, which keeps its clicks from others.
_PRIORITY = 3.0

_PRESSES = (vtkCommand.LeftButtonPressEvent, vtkCommand.MiddleButtonPressEvent, vtkCommand.RightButtonPressEvent)


class Views:
    """All slice views. The active one was pressed or scrolled last; prompts and range in the panel are of its slice.

    The mouse merely above a view does not make it active: on its way to the panel it crosses other views. Nor does
    Slicer's crosshair, which moves the other views while Shift is held.

    :param labels: of the page, which are kept up to date; keys that scroll come with them.
    :param on_hover: called with the view's input and the voxel under the mouse, None outside of the volume.
    """

    def __init__(self, work: Work, labels: ViewState, on_hover: Callable[[SliceViewInput, Pick | None], None]) -> None:
        self._work = work
        self._labels = labels
        self._on_hover = on_hover
        self._views: list[SliceView] = work.slicer.view_manager.get_slice_views()
        self._orientations = [self._slice_node(number).GetOrientation() for number in range(len(self._views))]
        self._inputs = [self._new_input(number) for number in range(len(self._views))]
        self._active = 0
        self._viewed: dict[int, SliceKey] = {}
        self._looked_at: dict[int, int] = {}
        self._sizes: dict[int, tuple[int, ...]] = {}
        self._touched: set[int] = set()
        self._stepped = labels.steps
        self._under_mouse = UnderMouse(labels)
        self._crosshair = Crosshair(work.slicer.scene)
        for view in work.slicer.view_manager.get_threed_views():
            view.interactor().AddObserver(vtkCommand.MouseMoveEvent, lambda *_: self._under_mouse.mouse_moved(None))
        work.add_listener(self._keep_prompts_in_place)

    def use_tool(self, tool: Tool) -> None:
        """Take clicks in all views as this tool's."""
        for view_input in self._inputs:
            view_input.tool = tool

    def show_no_preview(self, but_in: SliceViewInput | None = None) -> None:
        """Take what was shown under the mouse out of all views, or of all but one."""
        for view_input in self._inputs:
            if view_input is not but_in:
                view_input.show_preview(None)
        if but_in is None:
            self._crosshair.hide()

    @property
    def active_slice(self) -> SliceKey | None:
        """The volume's slice that the active view shows; None outside of the volume."""
        return self._viewed.get(self._active)

    def show(self, key: SliceKey) -> None:
        """Scroll to a slice: in the active view if it shows such slices, else in the first that does."""
        opened = self._work.opened
        if opened is None:
            return
        fitting = [number for number, shown in self._viewed.items() if shown[0] is key[0]]
        if fitting:
            number = self._active if self._active in fitting else fitting[0]
            show_slice(opened.volume, opened.volume_node, self._slice_node(number), key)
            self._active = number

    def show_volume(self) -> None:
        """Turn the views to the volume that was opened, and begin in the view of the planes that it was scanned in."""
        opened = self._work.opened
        if opened is not None:
            for number, orientation in enumerate(self._orientations):
                turn_to_volume(self._slice_node(number), opened.volume, opened.volume_node, orientation)
        self._active = self._native_view()
        self._sizes.clear()  # have it fitted to the views
        self._touched.clear()
        self._looked_at.clear()
        self._viewed.clear()

    def _keep_prompts_in_place(self) -> None:
        scene, selected = self._work.slicer.scene, self._work.selected
        viewed = {self._views[number].get_view_node_id(): key for number, key in self._viewed.items()}
        show_prompts(scene, viewed, selected[1] if selected else None)
        keep_views_still(scene, self._views)

    def _native_view(self) -> int:
        opened = self._work.opened
        if opened is None:
            return 0
        native = native_orientation(opened.volume)
        for number in range(len(self._views)):
            pick = viewed_slice(opened.volume, opened.volume_node, self._slice_node(number))
            if pick is not None and pick.orientation is native:
                return number
        return 0

    def look(self) -> None:
        """Find out which slices are shown now, and have those encoded first that have just come into view."""
        opened = self._work.opened
        steps, self._stepped = self._labels.steps - self._stepped, self._labels.steps
        self._under_mouse.look(opened)
        if opened is None:
            self._viewed = {}
            self._looked_at.clear()
            return
        if steps:
            self._scroll(steps)
        was_crosshair = self._crosshair.look()
        scrolled = [number for number in range(len(self._views)) if self._look_at(number, opened)]
        # All of them are moved by something else, such as another layout.
        if len(scrolled) == 1 and not was_crosshair:
            self._activate(scrolled[0])

    def _look_at(self, number: int, opened: Opened) -> bool:
        """Bring one view up to date; returns whether it shows another slice than before."""
        # This is asked a hundred times a second: a view that nothing has moved shows what it showed.
        modified = self._slice_node(number).GetMTime()
        if modified == self._looked_at.get(number):
            return False
        self._looked_at[number] = modified
        self._fit_to_size(number)
        self._under_mouse.view_moved(self._views[number])
        pick = viewed_slice(opened.volume, opened.volume_node, self._slice_node(number))
        key = pick.key if pick else None
        before = self._viewed.get(number)
        self._show_labels(number, key)
        self._note_viewed(number, key)
        return before is not None and key is not None and key != before

    def _scroll(self, steps: int) -> None:
        """Move the active view by slices, towards R, A or S; not beyond the volume."""
        view = self._views[self._active]
        first, last = view.get_slice_range()
        view.set_slice_value(min(max(view.get_slice_value() + steps * view.get_slice_step(), first), last))

    def _fit_to_size(self, number: int) -> None:
        """Show the whole slice again in a view that has another size now, unless the user has zoomed or moved it."""
        size = tuple(self._slice_node(number).GetDimensions())
        if size == self._sizes.get(number):
            return
        self._sizes[number] = size
        if number not in self._touched:
            fit_image(self._views[number])

    def _show_labels(self, number: int, key: SliceKey | None) -> None:
        view = self._views[number].get_singleton_tag()
        labels = view_labels(self._slice_node(number), key)
        if labels != self._labels.labels.get(view):
            self._labels.labels = {**self._labels.labels, view: labels}

    def _note_viewed(self, number: int, key: SliceKey | None) -> None:
        if key == self._viewed.get(number):
            return
        if key is None:
            del self._viewed[number]
        else:
            self._viewed[number] = key
            self._work.engine.focus(*key)
        self._work.note_change()

    def _new_input(self, number: int) -> SliceViewInput:
        view_input = SliceViewInput(
            self._views[number].interactor(),
            self._slice_node(number),
            lambda: self._work.scene_session,
            tell=self._work.messages.fail,
        )
        view_input.on_hover = partial(self._hovered, number)
        interactor = self._views[number].interactor()
        interactor.AddObserver(vtkCommand.MouseMoveEvent, lambda *_: self._mouse_moved(number), _PRIORITY)
        for event in _PRESSES:
            interactor.AddObserver(event, lambda *_: self._activate(number), _PRIORITY)
        interactor.AddObserver(_PRESSES[0], lambda *_: self._show_clicked(number), _PRIORITY)
        for event in (vtkCommand.RightButtonPressEvent, vtkCommand.MiddleButtonPressEvent):
            interactor.AddObserver(event, lambda *_: self._touched.add(number), _PRIORITY)
        # The page's interactors draw nothing themselves: what asks them to is drawn with the next frame.
        interactor.AddObserver(vtkCommand.RenderEvent, self._views[number].schedule_render)
        return view_input

    def _mouse_moved(self, number: int) -> None:
        self._under_mouse.mouse_moved(self._views[number])
        self._crosshair.mouse_moved(self._views[number].interactor())

    def _activate(self, number: int) -> None:
        if number != self._active:
            self._active = number
            self._work.note_change()

    def _show_clicked(self, number: int) -> None:
        """Show the segment that a prompt is about to be added to: nobody would see what became of it."""
        selected, editor = self._work.selected, self._work.slicer.segmentation_editor
        if self._inputs[number].tool is Tool.NONE or selected is None:
            return
        if not editor.get_segment_visibility(selected[1]):
            editor.set_segment_visibility(selected[1], True)
            self._work.note_change()

    def _hovered(self, number: int, pick: Pick | None) -> None:
        self._on_hover(self._inputs[number], pick)

    def _slice_node(self, number: int) -> vtkMRMLSliceNode:
        return self._work.slicer.scene.GetNodeByID(self._views[number].get_view_node_id())
