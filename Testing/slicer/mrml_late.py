"""A session whose answers come later, as a worker process gives them."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np

from SAMSegmentLib.mrml.volumes import volume_from_node
from SAMSegmentLib.worker.inprocess import InProcessEngine
from Testing.fakes import ThresholdModel
from Testing.generated import volume_of
from Testing.sessions import WINDOW
from Testing.slicer.mrml_sessions import BALL, Loop


class LateEngine(InProcessEngine):
    """Answers when it is told to, as a worker process does, and cancels what its slot has replaced."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.waiting = []
        self.reached = []

    def propagate(self, request, on_slice):
        """The slices are there, and handed over one by one by :meth:`hand_over`."""
        made = []
        super().propagate(request, made.append)
        self.reached = [(on_slice, item) for item in made]
        return Future()

    def hand_over(self, count: int) -> None:
        handed, self.reached = self.reached[:count], self.reached[count:]
        for on_slice, item in handed:
            on_slice(item)

    def predict(self, prompts, *, slot=None):
        for known, other, _prompts in self.waiting:
            if slot is not None and known == slot:
                other.cancel()
        future = Future()
        self.waiting.append((slot, future, prompts))
        return future

    def answer_all(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _slot, future, prompts in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(InProcessEngine.predict(self, prompts).result())


def late_loop(world, **members) -> Loop:
    """A session whose answer to a click is on its way."""
    volume_node = world.add_volume(volume_of(BALL.astype(np.uint8) * 255), "ball")
    engine = LateEngine(ThresholdModel(), volume_from_node(volume_node), WINDOW)
    loop = Loop(
        world, nodes=(volume_node, world.add_segmentation(volume_node, "ball", "other")), engine=engine, **members
    )
    loop.click((9, 8, 6))
    return loop
