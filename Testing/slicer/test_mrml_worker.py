"""The scene and a real worker process: answers come while the host looks, and none comes into a scene that is gone."""

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core, Slicer's own libraries from PyPI, is not installed")

from SAMSegmentLib.carried import Propagation
from SAMSegmentLib.mrml.volumes import volume_from_node
from Testing.generated import volume_of
from Testing.slicer.mrml_scene import MRMLScene
from Testing.slicer.mrml_sessions import AXIAL, BALL, Loop
from Testing.worker_engines import worker_on


@pytest.fixture
def working():
    """A session whose engine is a worker process, and the process."""
    with MRMLScene() as world:
        volume_node = world.add_volume(volume_of(BALL.astype(np.uint8) * 255), "ball")
        with worker_on(volume_from_node(volume_node), "gated") as bench:
            nodes = volume_node, world.add_segmentation(volume_node, "ball", "other")
            loop = Loop(world, nodes=nodes, engine=bench.engine)
            yield loop, bench
            loop.scene_session.close()


def test_clicks_propagation_and_the_end_of_the_scene(working):
    loop, bench = working
    click = loop.click((9, 8, 6))
    assert not click.done()
    bench.wait_for(click.done)
    assert np.array_equal(loop.mask()[6], BALL[6])

    with bench.held("decode"):
        renamed = loop.click((9, 8, 4))
        loop.node.GetSegmentation().GetSegment("ball").SetName("spleen")
    bench.wait_for(renamed.done)
    bench.wait_for(lambda: 4 in shown(loop))
    assert np.array_equal(loop.mask()[4], BALL[4])

    run = loop.scene_session.propagate("ball", Propagation(AXIAL))
    bench.wait_for(run.done)
    assert np.array_equal(loop.mask(), loop.scene_session.session.segments()[0].mask)
    assert {3, 5, 7} <= set(shown(loop))

    with bench.held("decode"):
        last = loop.click((9, 8, 7))
        loop.world.scene.Clear(False)
    bench.wait_for(lambda: last.done() and not bench.engine.is_busy)
    assert loop.told == ["The scene was closed, and the segmentation with it."]
    assert not loop.scene_session.is_open


def shown(loop) -> list[int]:
    """The axial slices that the scene has something of the ball in."""
    return np.flatnonzero(loop.mask().any(axis=(1, 2))).tolist()
