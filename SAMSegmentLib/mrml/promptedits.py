"""What the user does to prompt nodes: one that is dragged is answered while it moves, and counts when it is let go."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..errors import SAMSegmentError
from ..prompts import PromptSet
from ..segmentstate import SliceMask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from ..segmentstate import SliceKey
    from ..worker.interface import SliceAnswer
    from .scenecore import SceneCore

Place = tuple[str, "SliceKey"]


class PromptEdits:
    """Takes changes of prompt nodes to the session, and shows what they would give meanwhile."""

    def __init__(self, core: SceneCore) -> None:
        self._core = core
        self._instead: dict[Place, SliceMask | None] = {}
        self._newest: PromptSet | None = None

    def forget(self) -> None:
        """Show no masks but the session's."""
        self._instead.clear()
        self._newest = None

    def masks(self, segment_id: str, masks: Mapping[SliceKey, SliceMask]) -> Mapping[SliceKey, SliceMask]:
        """A segment's masks as they are to be seen now."""
        instead = {key: mask for (name, key), mask in self._instead.items() if name == segment_id}
        if not instead:
            return masks
        joined = {**masks, **instead}
        return MappingProxyType({key: mask for key, mask in joined.items() if mask is not None})

    def take(self, is_dragging: bool) -> None:
        """The nodes have changed, and may change further while a prompt is dragged."""
        core = self._core
        if not core.is_open:
            return
        try:
            edits = {segment_id: self._edits(segment_id) for segment_id in core.names}
            if is_dragging:
                if core.obstacle is None:  # else it is said when the prompt is let go
                    self._preview(edits)
            else:
                self._set(edits)
        except SAMSegmentError as error:
            self.forget()
            core.tell(str(error))
            core.show_again()
            core.sync()

    def _edits(self, segment_id: str) -> dict[SliceKey, PromptSet]:
        """The slices whose prompts in the scene are not those of the session; empty prompts where there are none."""
        there = self._core.nodes.read(segment_id)
        known = self._core.session.state(self._core.names[segment_id]).prompts
        gone = {key: PromptSet(*key) for key, prompts in known.items() if key not in there and _has_nodes(prompts)}
        return {**gone, **{key: item for key, item in there.items() if not _is_same(item, known.get(key))}}

    # --- while a prompt is dragged

    def _preview(self, edits: Mapping[str, Mapping[SliceKey, PromptSet]]) -> None:
        session = self._core.session
        self._show_only({(segment_id, key) for segment_id, changed in edits.items() for key in changed})
        for segment_id, changed in edits.items():
            state = session.state(self._core.names[segment_id])
            for key, prompts in changed.items():
                if key in state.masks and state.masks[key].is_accepted:
                    continue
                if not prompts:
                    self._show_instead((segment_id, key), None)
                elif prompts != self._newest:
                    self._newest = prompts
                    answer = partial(self._preview_came, (segment_id, key), prompts)
                    session.preview(prompts).add_done_callback(answer)

    def _preview_came(self, place: Place, prompts: PromptSet, future: Future[SliceAnswer]) -> None:
        is_wanted = self._core.is_open and self._core.nodes.is_dragging and prompts is self._newest
        if is_wanted and not future.cancelled() and future.exception() is None:
            self._show_instead(place, SliceMask.answer(future.result().candidates, prompts))

    def _show_instead(self, place: Place, mask: SliceMask | None) -> None:
        self._instead[place] = mask
        self._core.sync()

    def _show_only(self, places: set[Place]) -> None:
        """A prompt that has been dragged on shows nothing any more where it was."""
        left = [place for place in self._instead if place not in places]
        for place in left:
            del self._instead[place]
        if left:
            self._core.sync()

    # --- when it is let go

    def _set(self, edits: Mapping[str, Mapping[SliceKey, PromptSet]]) -> None:
        core = self._core
        self._newest = None
        # What was seen while dragging stays until the answer to what was chosen comes.
        kept = {(name, key) for name, changed in edits.items() for key, prompts in changed.items() if prompts}
        self._instead = {place: mask for place, mask in self._instead.items() if place in kept}
        if any(edits.values()):
            with core.action():
                for segment_id, changed in edits.items():
                    self._set_prompts(segment_id, changed)
        core.show_again()
        core.sync()

    def _set_prompts(self, segment_id: str, changed: Mapping[SliceKey, PromptSet]) -> None:
        core, name = self._core, self._core.names[segment_id]
        for key, prompts in changed.items():
            if not prompts:
                core.change(partial(core.session.clear_slice, name, key))
                continue
            future = core.asked(core.change(partial(core.session.set_prompts, name, prompts)))
            future.add_done_callback(partial(self._answered, (segment_id, key)))

    def _answered(self, place: Place, _future: Future[SliceAnswer]) -> None:
        if self._instead.pop(place, None) is not None:
            self._core.sync()


def _has_nodes(prompts: PromptSet) -> bool:
    return bool(prompts.points or prompts.boxes)


def _is_same(there: PromptSet, known: PromptSet | None) -> bool:
    return known is not None and there == replace(known, mask=None, candidate=None)
