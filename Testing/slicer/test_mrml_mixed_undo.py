"""Clicks, strokes, segments that come and go, undo here and in the editor: no voxels but those that once were."""

import random
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.geometry import Orientation
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import BALL, Loop, picked

SHAPE = BALL.shape[::-1]
ENOUGH_STATES = 200  # of the editor, whose history is never full in these tests
RESTORING = {"undo", "redo", "undo in editor", "redo in editor"}
ACTIONS = ("click",) * 5 + ("box", "remove", "clear", "accept", "release", "overwrite", "choose", "paint", "paint")
ACTIONS += ("erase", "undo", "undo", "redo", "undo in editor", "redo in editor", "add segment", "remove segment")


class Hand:
    """Somebody who does one thing after the other with a scene session and the segment editor beside it."""

    def __init__(self, loop: Loop, seed: int) -> None:
        self._loop = loop
        self._session = loop.scene_session
        self._random = random.Random(seed)  # noqa: S311 (a walk that can be repeated)

    def act(self) -> str:
        """Do something, which may be refused; what it was."""
        action = self._random.choice(ACTIONS)
        with suppress(InputError):  # a refusal changes nothing, which the caller checks
            self._do(action)
        return action

    def _do(self, action: str) -> None:
        anywhere = {
            "click": self._click,
            "box": self._box,
            "paint": self._stroke,
            "erase": lambda: self._stroke(erase=True),
            "add segment": self._session.add_segment,
            "remove segment": self._remove_segment,
            "overwrite": lambda: self._session.editor_node.SetOverwriteMode(self._random.randrange(3)),
            "undo": self._session.undo,
            "redo": self._session.redo,
            "undo in editor": self._loop.editor.undo,
            "redo in editor": self._loop.editor.redo,
        }
        if action in anywhere:
            anywhere[action]()
        elif self._session.prompts():
            self._do_to_prompt(action, self._random.choice(self._session.prompts()))

    def _do_to_prompt(self, action: str, entry) -> None:
        session, where = self._session, (entry.segment_id, entry.key)
        if action == "remove":
            (session.remove_box if entry.kind == "box" else session.remove_point)(*where, entry.number)
        elif action == "choose":
            session.choose_candidate(*where, self._random.randrange(3))
        else:
            calls = {"clear": session.clear_slice, "accept": session.accept_slice, "release": session.release_slice}
            calls[action](*where)

    def _click(self) -> None:
        positive = self._random.random() < 0.8
        self._session.add_point(self._pick(self._voxel()), positive=positive, segment_id=self._segment())

    def _box(self) -> None:
        first = self._voxel()
        second = tuple(
            int(np.clip(c + self._random.randrange(-4, 5), 0, n - 1)) for c, n in zip(first, SHAPE, strict=True)
        )
        orientation = self._random.choice(list(Orientation))
        self._session.add_box(picked(first, orientation), picked(second, orientation), segment_id=self._segment())

    def _stroke(self, *, erase: bool = False) -> None:
        i, j, k = self._voxel()
        box = max(0, i - 1), i, max(0, j - 2), j, max(0, k - 1), k
        self._loop.paint(self._segment(), box, erase=erase)

    def _remove_segment(self) -> None:
        if len(self._session.segment_ids) > 1:
            self._session.remove_segment(self._segment())

    def _pick(self, voxel):
        return picked(voxel, self._random.choice(list(Orientation)))

    def _segment(self) -> str:
        return self._random.choice(self._session.segment_ids)

    def _voxel(self):
        if self._random.random() < 0.3:
            return tuple(self._random.randrange(n) for n in SHAPE)
        return tuple(c + self._random.randrange(-3, 4) for c in (9, 8, 6))


def voxels_of(loop: Loop) -> dict[str, bytes]:
    return {name: np.packbits(mask).tobytes() for name, mask in loop.masks().items()}


@pytest.mark.parametrize("seed", range(40))
def test_undo_and_redo_lead_only_to_voxels_that_once_were_and_back_to_the_start(seed):
    with MRMLScene() as world:
        loop = Loop(world, with_history=True)
        loop.editor.logic.SetMaximumNumberOfUndoStates(ENOUGH_STATES)
        hand, session = Hand(loop, seed), loop.scene_session
        were = [voxels_of(loop)]
        for _ in range(40):
            action = hand.act()
            now = voxels_of(loop)
            assert action not in RESTORING or now in were
            were.append(now)
        while session.can_undo:
            session.undo()
        assert voxels_of(loop) == were[0]
        assert not session.prompts()
        session.close()
