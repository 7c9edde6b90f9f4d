"""The slice views: prompts that are given in them, and which slices they show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.i18n import tr as _

from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.mrml.picking import show_slice, viewed_slice
from SAMSegmentLib.mrml.viewinput import SliceViewInput, Tool

if TYPE_CHECKING:
    from concurrent.futures import Future

    from SAMSegmentLib.mrml.picking import Pick
    from SAMSegmentLib.segmentstate import SliceKey

    from .work import Work

_POINT_TOOLS = (Tool.POSITIVE, Tool.NEGATIVE)


@dataclass
class _View:
    name: str
    slice_node: Any
    interactor: Any
    input: SliceViewInput
    observations: list[tuple[Any, int]] = field(default_factory=list)
    shown: Pick | None = None

    @property
    def is_visible(self) -> bool:
        """Whether the layout has a place for it: Slicer keeps the views of all layouts that there were."""
        return bool(self.slice_node.IsMappedInLayout())

    def close(self) -> None:
        self.input.close()
        for observed, tag in self.observations:
            observed.RemoveObserver(tag)


class SliceViews:
    """All slice views, of which those that the layout shows are used. Without a main window there are none."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._views: dict[str, _View] = {}
        self._current = ""
        self._tool = Tool.NONE
        self._is_moved = False
        self._hovered: Future | None = None
        self._placing: tuple[Any, int] | None = None
        work.bound.connect(self._note_move)

    # --- which views

    def attach(self) -> None:
        """Listen to the views that there are now; again after each change of the layout, which may bring new ones."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        for name in manager.sliceViewNames():
            widget = manager.sliceWidget(name)
            interactor = widget.sliceView().interactor()
            known = self._views.get(name)
            if known and known.interactor is interactor:
                continue
            if known:
                known.close()
            self._views[name] = self._listen(name, widget.mrmlSliceNode(), interactor)
        if self._placing is None:
            node = slicer.app.applicationLogic().GetInteractionNode()
            self._placing = node, node.AddObserver(node.InteractionModeChangedEvent, self._give_way)
        self._note_move()

    def detach(self) -> None:
        """Leave the views alone."""
        if self._placing:
            self._placing[0].RemoveObserver(self._placing[1])
            self._placing = None
        for view in self._views.values():
            view.close()
        self._views.clear()

    @property
    def tool(self) -> Tool:
        """What the left mouse button does in the views."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self._tool = tool
        for view in self._views.values():
            view.input.tool = tool
        if tool is not Tool.NONE and self._placing:
            self._placing[0].SwitchToViewTransformMode()
        if tool not in _POINT_TOOLS:
            self._end_hover()
        self._work.note_change()

    # --- which slices

    @property
    def shown(self) -> list[Pick]:
        """The slices that the views show."""
        return [view.shown for view in self._views.values() if view.shown]

    @property
    def are_aligned(self) -> bool:
        """Whether all views lie in the volume's own planes."""
        return all(pick.is_aligned for pick in self.shown)

    def align(self) -> None:
        """Turn all views to the volume's own planes."""
        session = self._work.scene_session
        if session:
            for view in self._views.values():
                if view.is_visible:
                    view.slice_node.RotateToVolumePlane(session.volume_node)

    def show(self, key: SliceKey) -> bool:
        """Show a slice in a view of its orientation, in the one used last if it fits.

        :returns: False when no view has that orientation.
        """
        self.tick()
        session = self._work.scene_session
        fitting = [view for view in self._views.values() if view.shown and view.shown.orientation is key[0]]
        if not session or not fitting:
            return False
        view = next((view for view in fitting if view.name == self._current), fitting[0])
        show_slice(session.volume, session.volume_node, view.slice_node, key)
        self._current = view.name
        self._note_move()
        self.tick()
        return True

    def tick(self) -> None:
        """After slices were moved: tell the engine, and note which slice is worked on."""
        if not self._is_moved or self._work.scene_session is None:
            return
        self._is_moved = False
        for view in self._views.values():
            before, view.shown = view.shown, self._shown_in(view)
            if view.shown and (before is None or before.key != view.shown.key):
                self._work.engine.focus(*view.shown.key)
        current = self._views.get(self._current)
        self._work.viewed = (
            current.shown.key if current and current.shown else next((pick.key for pick in self.shown), None)
        )
        self._work.note_change()

    # --- inside

    def _give_way(self, node: Any, _event: Any) -> None:
        """Somebody places markups: the mouse is theirs."""
        if node.GetCurrentInteractionMode() == node.Place and self._tool is not Tool.NONE:
            self.tool = Tool.NONE

    def _listen(self, name: str, slice_node: Any, interactor: Any) -> _View:
        view_input = SliceViewInput(interactor, slice_node, lambda: self._work.scene_session, tell=self._work.tell)
        view_input.tool = self._tool
        view = _View(name, slice_node, interactor, view_input)
        view_input.on_hover = lambda pick: self._hover(view, pick)
        for observed, event, callback in (
            (slice_node, vtk.vtkCommand.ModifiedEvent, self._note_move),
            (interactor, vtk.vtkCommand.EnterEvent, lambda *_event: self._use(name)),
            # Before the prompt is given (priority 2): the panel shows the slice that it is given in.
            (interactor, vtk.vtkCommand.LeftButtonPressEvent, lambda *_event: self._use(name)),
        ):
            view.observations.append((observed, observed.AddObserver(event, callback, 3.0)))
        return view

    def _note_move(self, *_event: Any) -> None:
        self._is_moved = True

    def _use(self, name: str) -> None:
        self._current = name
        self._note_move()

    def _shown_in(self, view: _View) -> Pick | None:
        session = self._work.scene_session
        if not view.is_visible:
            return None
        try:
            return viewed_slice(session.volume, session.volume_node, view.slice_node)
        except SAMSegmentError:  # the volume was put under a transform that bends; the session says so
            return None

    def _hover(self, view: _View, pick: Pick | None) -> None:
        session, parameters = self._work.scene_session, self._work.parameters
        if self._hovered:
            self._hovered.cancel()
            self._hovered = None
        if pick is None or session is None or not (parameters and parameters.hover) or self._tool not in _POINT_TOOLS:
            view.input.show_preview(None)
            return
        try:
            future = session.preview(pick, positive=self._tool is Tool.POSITIVE)
        except SAMSegmentError:  # an accepted slice, for one: it is said when the user clicks
            view.input.show_preview(None)
            return
        self._hovered = future
        future.add_done_callback(lambda done: self._show_hovered(view, done))

    def _show_hovered(self, view: _View, done: Future) -> None:
        is_wanted = not done.cancelled() and done is self._hovered
        if is_wanted and done.exception() is None:
            view.input.show_preview(done.result())

    def _end_hover(self) -> None:
        if self._hovered:
            self._hovered.cancel()
            self._hovered = None
        for view in self._views.values():
            view.input.show_preview(None)


def no_view_sentence(key: SliceKey) -> str:
    """What to say when no view shows slices of an orientation."""
    return _("No slice view shows {orientation} slices; choose a layout or a view orientation that does.").format(
        orientation=_(key[0].value)
    )
